"""Checks that the files for crawlers and assistants are well-formed and agree.

`seo.py <folder, or address of a running site> <origin>`: robots.txt, the sitemaps that it names, and
.well-known/ai-plugin.json. `origin`, if it is not empty, is the one that all of them must name, e.g. https://allthrive.ai.
"""

from __future__ import annotations

import json
import sys
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from urllib.robotparser import RobotFileParser
from xml.etree import ElementTree

_FIELDS = frozenset({"user-agent", "allow", "disallow", "sitemap", "crawl-delay", "host", "clean-param"})
_KEYS = (
    "schema_version",
    "name_for_human",
    "name_for_model",
    "description_for_human",
    "description_for_model",
    "auth.type",
    "api.type",
    "api.url",
    "logo_url",
    "contact_email",
    "legal_info_url",
)
_NAMESPACE = "{http://www.sitemaps.org/schemas/sitemap/0.9}"
_LONGEST_SITEMAP = 50_000  # addresses: sitemaps.org, protocol
_PLUGIN = ".well-known/ai-plugin.json"


class Site:
    """The files of a site, in a folder or as a server sends them, and what is wrong with them."""

    def __init__(self, place: str) -> None:
        self.place = place.rstrip("/")
        self.problems: list[str] = []
        self.origins: dict[str, str] = {}
        """The file that names an origin first, by the origin."""
        self.sitemaps: set[str] = set()
        self._rules: RobotFileParser | None = None

    def check(self) -> None:
        """Check all files."""
        text = self._read("robots.txt")
        addresses = ["/sitemap.xml"]
        if text is not None:
            addresses = _Robots(self, text).sitemaps
            self._rules = RobotFileParser()
            self._rules.parse(text.splitlines())
        for address in addresses:
            self._sitemap(_file(address))
        plugin = self._read(_PLUGIN)
        if plugin is not None:
            self._plugin(plugin)

    def agree_on(self, origin: str) -> str:
        """Report every origin that is not `origin`, or not the first, if that is empty. Returns the origin."""
        wanted = origin or next(iter(self.origins), "")
        for named, where in self.origins.items():
            if named != wanted:
                other = "SITE is" if origin else "other files name"
                self.report(where, f"it names {named}, but {other} {wanted}; one site has one address")
        return wanted

    def report(self, where: str, problem: str) -> None:
        """Remember what is wrong, and where."""
        self.problems.append(f"{where}: {problem}")

    def is_address(self, where: str, url: str) -> bool:
        """Returns whether an address is absolute and on HTTPS; remembers its origin."""
        parts = urlsplit(url)
        if parts.scheme != "https" or not parts.netloc or url != url.strip():
            self.report(where, f"'{url}' is no absolute address; write https://<site>/…")
            return False
        self.origins.setdefault(f"https://{parts.netloc}", where)
        return True

    def _read(self, name: str) -> str | None:
        try:
            if self.place.startswith(("http://", "https://")):
                with urllib.request.urlopen(f"{self.place}/{name}", timeout=10) as answer:  # noqa: S310 - checked above
                    return bytes(answer.read()).decode("utf-8")
            return (Path(self.place) / name).read_text(encoding="utf-8")
        except FileNotFoundError:
            path = Path(self.place) / name
            self.report(name, f"there is no {path}; write it, or set DIRECTORY to the folder of public files")
        except urllib.error.HTTPError as error:
            self.report(name, f"{self.place}/{name} answers {error.code}; the site must serve this file at this path")
        except UnicodeDecodeError:
            self.report(name, "it is not UTF-8; save it as such")
        return None

    def _sitemap(self, name: str) -> None:
        """Check a sitemap, or an index of sitemaps, and those below it."""
        text = None if name in self.sitemaps else self._read(name)
        self.sitemaps.add(name)
        if text is None:
            return
        try:
            root = ElementTree.fromstring(text)  # noqa: S314 - a file of the product, whose builds run its code anyway
        except ElementTree.ParseError as error:
            self.report(name, f"it is not XML: {error}")
            return
        if root.tag not in (f"{_NAMESPACE}urlset", f"{_NAMESPACE}sitemapindex"):
            self.report(name, f'its root is {root.tag}; write <urlset xmlns="{_NAMESPACE[1:-1]}">')
            return
        found = [(entry.findtext(f"{_NAMESPACE}loc") or "").strip() for entry in root]
        if not found or len(found) > _LONGEST_SITEMAP:
            self.report(name, f"it has {len(found)} addresses; 1 to {_LONGEST_SITEMAP} are allowed")
        for url in sorted({url for url in found if found.count(url) > 1}):
            self.report(name, f"it names {url} more than once")
        for url in found:
            if self.is_address(name, url) and root.tag == f"{_NAMESPACE}sitemapindex":
                self._sitemap(_file(url))
            elif url.startswith("https://") and self._rules and not self._rules.can_fetch("*", url):
                self.report(name, f"robots.txt forbids crawlers {url}; take it out here, or allow it there")

    def _plugin(self, text: str) -> None:
        try:
            document = json.loads(text)
        except ValueError as error:
            self.report("ai-plugin.json", f"it is not JSON: {error}")
            return
        for key in _KEYS:
            value: Any = document
            for part in key.split("."):
                value = value.get(part) if isinstance(value, dict) else None
            if not isinstance(value, str) or not value.strip():
                self.report("ai-plugin.json", f"'{key}' is missing or no text; write one")
            elif key.endswith("url"):
                self.is_address("ai-plugin.json", value)


class _Robots:
    """The lines of robots.txt."""

    def __init__(self, site: Site, text: str) -> None:
        self.sitemaps: list[str] = []
        self._site, self._in_group = site, False
        for number, line in enumerate(text.splitlines(), 1):
            rule = line.partition("#")[0].strip()
            if rule:
                self._check(f"robots.txt:{number}", line, rule)
        if not self._in_group:
            site.report("robots.txt", "it has no group; write 'User-agent: *' and its rules below")
        if not self.sitemaps:
            site.report("robots.txt", "it names no sitemap; add 'Sitemap: https://<site>/sitemap.xml'")

    def _check(self, where: str, line: str, rule: str) -> None:
        field, colon, value = (part.strip() for part in rule.partition(":"))
        field = field.lower()
        if not colon or field not in _FIELDS:
            self._site.report(where, f"'{line.strip()}' is no rule; write 'Disallow: /path/' or the like")
        elif field == "sitemap":
            self.sitemaps += [value] if self._site.is_address(where, value) else []
        elif field == "user-agent":
            self._in_group = True
        elif field in ("allow", "disallow"):
            self._rule(where, value)

    def _rule(self, where: str, value: str) -> None:
        if not self._in_group:
            self._site.report(where, "it comes before any User-agent line; begin the group with 'User-agent: *'")
        if value and not value.startswith(("/", "*")):
            self._site.report(where, f"'{value}' is no path; begin it with '/'")


def _file(url: str) -> str:
    return urlsplit(url).path.lstrip("/")


def main() -> None:
    """Check the place in the arguments, and print what is wrong."""
    site = Site(sys.argv[1])
    site.check()
    origin = site.agree_on(sys.argv[2].rstrip("/"))
    for problem in site.problems:
        print(problem)
    if site.problems:
        sys.exit(
            f"\nFAILED: {len(site.problems)} problems in {site.place}; each line above says what to write instead."
        )
    print(f"robots.txt, {', '.join(sorted(site.sitemaps))} and ai-plugin.json agree on {origin}")


if __name__ == "__main__":
    main()
