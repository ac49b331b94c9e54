"""The view of a repository that its pages share: URLs, the frame, the statuses of commits."""

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
    """The page does not exist."""


@dataclass(frozen=True)
class View:
    """A request for a page of a repository."""

    hub: Hub
    request: Request
    repository: Repository

    def url(self, path: str = "") -> str:
        """Returns the URL path of a page of the repository, with the prefix of the request."""
        return f"{urlsplit(self.request.root).path}/{self.repository.name}{quote(path, safe='/.@+~?=&#')}"

    def frame(self, tab: str, title: str, body: Html) -> Reply:
        """Returns a page below the repository's name and tabs."""
        store, name = self.hub.store, self.repository.name
        sections = {
            "Commits": ("", ""),
            "Issues": ("/issues", len(issues.find_all(store, name, pulls=False, state="open"))),
            "Pull requests": ("/pulls", len(issues.find_all(store, name, pulls=True, state="open"))),
            "Releases": ("/releases", len(releases.find_all(self.hub, self.repository, drafts=False))),
        }
        entries = [
            fill(
                '<a href="{to}"{current}>{label}{count}</a>',
                to=self.url(path),
                current=Html(' aria-current="page"') if label == tab else "",
                label=label,
                count=f" ({count})" if count else "",
            )
            for label, (path, count) in sections.items()
        ]
        header = fill(
            '<header><p>{home} / {name}</p><nav aria-label="Repository">{entries}</nav></header>',
            home=link(f"{urlsplit(self.request.root).path}/", "Local GitHub"),
            name=link(self.url(), name),
            entries=entries,
        )
        return page(HTTPStatus.OK, f"{title} · {name}", header, body)

    def status_mark(self, sha: str) -> Html:
        """Returns the combined status of a commit as a sign."""
        found = issues.latest(self.hub.store, self.repository.name, sha)
        if not found:
            return Html("<span></span>")
        state = issues.combined(found)
        succeeded = sum(status["state"] == "success" for status in found)
        return sign(state, f"{state}: {succeeded} of {len(found)} succeeded")

    def pager(self, path: str, shown: int, more: bool) -> Html:
        """Returns links to the previous and the next page of a list."""
        separator = "&" if "?" in path else "?"
        links = [
            *([link(self.url(f"{path}{separator}page={shown - 1}"), "Newer")] if shown > 1 else []),
            *([link(self.url(f"{path}{separator}page={shown + 1}"), "Older")] if more else []),
        ]
        return fill("<p class=row>{links}</p>", links=join(links, " ")) if links else Html("")

    @property
    def page(self) -> int:
        """The requested page of a list, from 1."""
        text = self.request.query.get("page", "")
        return max(int(text), 1) if text.isascii() and text.isdigit() and len(text) < len("10000") else 1


def sign(state: str, text: str) -> Html:
    """Returns a state as a sign, with a text for screen readers."""
    return fill(
        '<span class="mark {state}" title="{text}"><span aria-hidden=true>{sign}</span><span class=hidden>{text}</span>'
        "</span>",
        state=state,
        text=text,
        sign=_SIGNS.get(state, "○"),
    )


def badge(state: str) -> Html:
    """Returns a state as a badge."""
    return fill('<span class="badge {state}">{word}</span>', state=state, word=state.capitalize())


def item_list(items: list[Html], empty: str) -> Html:
    """Returns a list, or a sentence if it is empty."""
    return fill("<ul class=list>{items}</ul>", items=items) if items else fill("<p class=empty>{text}</p>", text=empty)


def item(mark: Html, main: Html, below: object) -> Html:
    """Returns an entry of a list."""
    return fill(
        "<li>{mark}<div class=main>{main}<div class=quiet>{below}</div></div></li>",
        mark=mark,
        main=main,
        below=safe(below),
    )
