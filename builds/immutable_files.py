"""The rule for files that browsers may keep for ever: the bundler named them after their content.

`slipway release` imports this module; the build bundle contains its text. Standard library only.

Formats, all read on 2026-11-30: vite.dev, "Backend integration"; create-react-app.dev, "Production build";
github.com/shellscape/webpack-manifest-plugin; webpack.js.org, "Stats data" (`info.immutable`); nextjs.org, "Static
exports"; angular.dev, "Service worker devops" (ngsw.json); svelte.dev, "Adapters"; nuxt.com, "Build manifest".
"""

from __future__ import annotations

import json
import os
import re
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

LIST = ".slipway/immutable.json"
_SHORTEST, _LONGEST = 6, 64  # characters of a hash in a name: webpack's and Vite's shortest useful one, SHA-256
# Folders whose files a framework names after their content: SvelteKit, Astro, Next.
_HASHED_FOLDERS = re.compile(r"^(.+/)?(_app/immutable|_astro|_next/static/(chunks|css|media|immutable))/.")
# name-HASH8.js (Vite, esbuild), name.HEX8-20.chunk.js (webpack, Create React App, Parcel), name-BASE32.js (Angular).
_HASHED = re.compile(
    r"[.-](?P<hash>[A-Za-z0-9_-]{8}|[0-9a-f]{16,32}|[A-Z0-9]{8,16})(\.chunk|\.module|\.bundle)?(\.[a-z0-9]+){1,2}$"
)
# Keys of a web app manifest, which has the same name as a bundler's (w3.org/TR/appmanifest).
_WEB_APP = frozenset(("background_color", "display", "icons", "scope", "short_name", "start_url", "theme_color"))


@dataclass(frozen=True)
class Manifest:
    """The names of files that a bundler's manifest lists, and the manifest's own name."""

    said_by: str
    """The manifest, and whose it is."""
    files: Mapping[str, str]
    """The listed files, each with its name without the hash, or an empty text if the manifest does not say it."""
    certain: bool = False
    """True if the manifest says itself that the files are immutable."""


@dataclass(frozen=True)
class Found:
    """The immutable files of a bundle."""

    files: list[str]
    said_by: str
    """The manifest that decided; empty if the names did."""

    def line(self) -> str:
        """Returns the sentence for the build's log."""
        by = f"according to {self.said_by}" if self.said_by else "by their names: the bundler wrote no manifest"
        return f"{len(self.files)} files may be cached for ever, {by}"


def find(folder: Path, names: Iterable[str], source: Iterable[str]) -> Found:
    """Returns the files whose names contain a hash of their content.

    The bundler's manifest decides, if there is one: a file that it does not list is copied as it is. A listed file must
    have a hash in its name too, because manifests list copied files as well. If in doubt, a file is not immutable: it
    is then asked for again, which is slower and never wrong.
    """
    known = list(names)
    manifest = _manifest(folder, known)
    if manifest is None:
        return Found(immutable(known, source), "")
    copied = {name.rpartition("/")[2] for name in source}
    listed = (name for name in known if name in manifest.files and name.rpartition("/")[2] not in copied)
    pages = (".html", ".htm")
    found = [
        name
        for name in listed
        if not name.endswith(pages) and (manifest.certain or _has_hash(name, manifest.files[name]))
    ]
    return Found(sorted(found), manifest.said_by)


def immutable(names: Iterable[str], source: Iterable[str]) -> list[str]:
    """Returns the files that have the form of a hash in their name, where no file of `source` has the same name.

    A file that is merely named like one, such as hero-background.png or photo-20240115.jpg, is copied from the source.
    """
    copied = {name.rpartition("/")[2] for name in source}
    return sorted(name for name in names if _named_by_content(name) and name.rpartition("/")[2] not in copied)


def sources(folder: Path, output: str) -> list[str]:
    """Returns the files of a frontend's source, without installed packages and what its build wrote."""
    found = []
    for place, folders, names in os.walk(folder):
        here = Path(place).relative_to(folder)
        folders[:] = [
            name for name in folders if name not in ("node_modules", ".git") and (here / name) != Path(output)
        ]
        found += [(here / name).as_posix() for name in names]
    return found


# --- names -----------------------------------------------------------------------------------------------------------


def _named_by_content(name: str) -> bool:
    base = name.rpartition("/")[2]
    if name.endswith((".html", ".htm")):
        return False
    if _HASHED_FOLDERS.match(name):
        return any(_is_hash(token) for token in _tokens(base))
    found = _HASHED.search(base)
    return found is not None and _is_hash(found["hash"])


def _has_hash(name: str, plain: str) -> bool:
    """True if a listed file has a hash in its name: what the bundler added to the name in the manifest."""
    base = name.rpartition("/")[2]
    stem = plain.rpartition("/")[2].partition(".")[0] if plain else ""
    if stem and base.startswith(stem) and plain.rpartition("/")[2] != base:
        return _is_hash(base[len(stem) :].lstrip("-._~").partition(".")[0])
    return _named_by_content(name) or _is_hash(base.partition(".")[0])


def _tokens(base: str) -> Iterator[str]:
    """Yields the parts of a name in which a hash may be, without the ending."""
    for part in base.split(".")[:-1]:
        yield part
        for place in (match.start() for match in re.finditer("-", part)):
            yield part[:place]
            yield part[place + 1 :]


def _is_hash(text: str) -> bool:
    kinds = [any(test(letter) for letter in text) for test in (str.isdigit, str.islower, str.isupper)]
    word = text[1:].islower() and text.isalpha()  # Portrait
    fits = _SHORTEST <= len(text) <= _LONGEST and re.fullmatch("[A-Za-z0-9_-]+", text) is not None
    return fits and sum(kinds) > 1 and not word


# --- manifests -------------------------------------------------------------------------------------------------------


def _manifest(folder: Path, names: list[str]) -> Manifest | None:
    """Returns what the bundler wrote; None if it wrote nothing that is known."""
    for name, read in _READERS.items():
        try:
            content = json.loads((folder / name).read_text(encoding="utf-8"))
        except (OSError, ValueError):
            continue
        if isinstance(content, dict) and (found := read(name, content, names)) and found.files:
            return found
    for pattern, prefix, said_by in _FRAMEWORKS:
        marks = [name for name in names if re.match(pattern, name)]
        if marks:
            inside = {name: "" for name in names if re.match(prefix, name) and name not in marks}
            return Manifest(f"{marks[0]} ({said_by})", inside)
    return None


def _vite(name: str, content: Mapping[str, Any], names: list[str]) -> Manifest | None:
    """`{"src/main.ts": {"file": "assets/main-HASH.js", "name": "main", "css": […], "assets": […]}}`."""
    if not content or not all(isinstance(entry, dict) and "file" in entry for entry in content.values()):
        return None
    found: dict[str, str] = {}
    for key, entry in content.items():
        found.update(dict.fromkeys([*entry.get("css", []), *entry.get("assets", [])], "") | found)
        source = str(entry.get("src") or "").rpartition("/")[2]
        # The key of a shared chunk begins with an underscore and contains the hash.
        found[str(entry["file"])] = str(entry.get("name") or source or ("" if key.startswith("_") else key))
    return Manifest(f"{name} (Vite)", {file: plain for file, plain in found.items() if file in names})


def _webpack(name: str, content: Mapping[str, Any], names: list[str]) -> Manifest | None:
    """`{"main.js": "/static/main.HASH.js"}`, or the same below `files`; values may be `{"src": …}`."""
    if _WEB_APP & content.keys():
        return None
    entries = content["files"] if isinstance(content.get("files"), dict) else content
    known, found = set(names), {}
    for key, value in entries.items():
        url = value.get("src") if isinstance(value, dict) else value
        if isinstance(url, str) and (file := _file(url, known)):
            found[file] = str(key)
    return Manifest(f"{name} (webpack)", found)


def _file(url: str, known: set[str]) -> str | None:
    """Returns the file of a URL, whatever path or host the bundler was told to put before it."""
    parts = unquote(urlsplit(url).path).lstrip("/").split("/")
    return next((name for start in range(len(parts)) if (name := "/".join(parts[start:])) in known), None)


def _stats(name: str, content: Mapping[str, Any], names: list[str]) -> Manifest | None:
    """Webpack's stats: `{"assets": [{"name": "main.HASH.js", "info": {"immutable": true, "contenthash": "HASH"}}]}`."""
    assets = content.get("assets")
    if not isinstance(assets, list):
        return None
    found = {}
    for asset in assets:
        info = asset.get("info") or {}
        given = info.get("contenthash") or []
        hashes = [given] if isinstance(given, str) else given
        file = str(asset.get("name"))
        if info.get("immutable") and file in names and any(value in file for value in hashes):
            found[file] = ""
    return Manifest(f"{name} (webpack)", found, certain=True)


def _angular(name: str, content: Mapping[str, Any], names: list[str]) -> Manifest | None:
    """`{"hashTable": {"/main-HASH.js": "SHA-1"}}`, which also lists files without a hash in their names."""
    table = content.get("hashTable")
    if not isinstance(table, dict):
        return None
    known = set(names)
    return Manifest(f"{name} (Angular)", {file: "" for url in table if (file := _file(str(url), known))})


_READERS: dict[str, Callable[[str, Mapping[str, Any], list[str]], Manifest | None]] = {
    "stats.json": _stats,
    ".vite/manifest.json": _vite,
    "asset-manifest.json": _webpack,
    "assets-manifest.json": _webpack,
    "manifest.json": lambda name, content, names: _vite(name, content, names) or _webpack(name, content, names),
    "ngsw.json": _angular,
}
# A file that only this framework writes, and the folder whose files it names after their content.
_FRAMEWORKS = (
    (r"^_next/static/[^/]+/_buildManifest\.js$", r"^_next/static/(chunks|css|media|immutable)/", "Next"),
    (r"^_nuxt/builds/latest\.json$", r"^_nuxt/(?!builds/)", "Nuxt"),
    (r"^_app/version\.json$", r"^_app/immutable/", "SvelteKit"),
)


def main(arguments: list[str]) -> None:
    """Writes the list of a bundle's immutable files into it: `immutable_files.py FOLDER SOURCE OUTPUT`."""
    folder, source, output = Path(arguments[0]), Path(arguments[1]), arguments[2]
    paths = (path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())
    found = find(folder, sorted(paths), sources(source, output))
    (folder / LIST).parent.mkdir(exist_ok=True)
    (folder / LIST).write_text(json.dumps(found.files), encoding="utf-8")
    sys.stdout.write(f"{found.line()}\n")


if __name__ == "__main__":
    main(sys.argv[1:])
