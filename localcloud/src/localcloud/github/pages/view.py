"""One look at one repository: addresses, the frame, marks of commits."""

from __future__ import annotations

from dataclasses import dataclass
from http import HTTPStatus
from urllib.parse import quote, urlsplit

from localcloud.github import issues, releases
from localcloud.github.hub import Hub
from localcloud.github.pages.layout import page
from localcloud.github.repositories import Repository
from localcloud.github.web import Reply, Request
from localcloud.markup import Html, fill, join, link, safe

PAGE = 30
_SIGNS = {"success": "✓", "failure": "✗", "error": "✗", "pending": "●"}


class MissingError(Exception):
    """There is no such page."""


@dataclass(frozen=True)
class View:
    """What a page of a repository needs."""

    hub: Hub
    request: Request
    repository: Repository

    def to(self, path: str = "") -> str:
        """The address of a page of the repository, as this reader reaches it."""
        return f"{urlsplit(self.request.root).path}/{self.repository.name}{quote(path, safe='/.@+~?=&#')}"

    def frame(self, tab: str, title: str, body: Html) -> Reply:
        """A page with the repository's name and sections above it."""
        store, name = self.hub.store, self.repository.name
        sections = {
            "Commits": ("", ""),
            "Issues": ("/issues", len(issues.listed(store, name, pulls=False, state="open"))),
            "Pull requests": ("/pulls", len(issues.listed(store, name, pulls=True, state="open"))),
            "Releases": ("/releases", len(releases.listed(self.hub, self.repository, drafts=False))),
        }
        entries = [
            fill(
                '<a href="{to}"{current}>{label}{count}</a>',
                to=self.to(path),
                current=Html(' aria-current="page"') if label == tab else "",
                label=label,
                count=f" ({count})" if count else "",
            )
            for label, (path, count) in sections.items()
        ]
        header = fill(
            '<header><p>{home} / {name}</p><nav aria-label="Repository">{entries}</nav></header>',
            home=link(f"{urlsplit(self.request.root).path}/", "Local GitHub"),
            name=link(self.to(), name),
            entries=entries,
        )
        return page(HTTPStatus.OK, f"{title} · {name}", header, body)

    def mark(self, sha: str) -> Html:
        """What the runs said of a commit, as a sign."""
        found = issues.latest(self.hub.store, self.repository.name, sha)
        if not found:
            return Html("<span></span>")
        state = issues.combined(found)
        good = sum(one["state"] == "success" for one in found)
        return sign(state, f"{state}: {good} of {len(found)} succeeded")

    def turn(self, path: str, shown: int, more: bool) -> Html:
        """Links to the pages of a list before and after this one."""
        joint = "&" if "?" in path else "?"
        links = [
            *([link(self.to(f"{path}{joint}page={shown - 1}"), "Newer")] if shown > 1 else []),
            *([link(self.to(f"{path}{joint}page={shown + 1}"), "Older")] if more else []),
        ]
        return fill("<p class=row>{links}</p>", links=join(links, " ")) if links else Html("")

    @property
    def page(self) -> int:
        """Which page of a list is asked for."""
        text = self.request.query.get("page", "")
        return max(int(text), 1) if text.isascii() and text.isdigit() and len(text) < len("10000") else 1


def sign(state: str, said: str) -> Html:
    """A state as a sign, and in words for who cannot see it."""
    return fill(
        '<span class="mark {state}" title="{said}"><span aria-hidden=true>{sign}</span><span class=hidden>{said}</span>'
        "</span>",
        state=state,
        said=said,
        sign=_SIGNS.get(state, "○"),
    )


def badge(state: str) -> Html:
    """A state in words."""
    return fill('<span class="badge {state}">{word}</span>', state=state, word=state.capitalize())


def listed(items: list[Html], empty: str) -> Html:
    """A list, or a sentence where there is nothing."""
    return fill("<ul class=list>{items}</ul>", items=items) if items else fill("<p class=empty>{it}</p>", it=empty)


def item(mark: Html, main: Html, below: object) -> Html:
    """An entry of a list."""
    return fill(
        "<li>{mark}<div class=main>{main}<div class=quiet>{below}</div></div></li>",
        mark=mark,
        main=main,
        below=safe(below),
    )
