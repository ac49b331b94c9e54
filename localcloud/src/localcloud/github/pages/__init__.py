"""Web pages for commits, issues, pull requests and releases, with forms to open, merge and close a pull request."""

from __future__ import annotations

import logging
import re
from collections.abc import Callable
from http import HTTPStatus
from urllib.parse import parse_qsl, urlsplit

from localcloud.github import pulls
from localcloud.github.hub import Hub
from localcloud.github.pages import discussions, history, releases
from localcloud.github.pages.layout import page
from localcloud.github.pages.view import MissingError, View, item, item_list
from localcloud.github.web import Reply, Request, see_other
from localcloud.markup import Html, fill, link

logger = logging.getLogger("localcloud")

_TITLE = 256
_AUTHOR = "you"


class RefusedError(Exception):
    """A form is refused; the message says why."""


def answer(hub: Hub, request: Request) -> Reply:
    """Returns the page at a path, or the response to a form."""
    try:
        return _answer(hub, request)
    except MissingError:
        return _message_page(request, HTTPStatus.NOT_FOUND, "Page not found", request.path)
    except RefusedError as error:
        return _message_page(request, HTTPStatus.FORBIDDEN, "Refused", str(error))
    except Exception:
        logger.exception("GitHub: %s %s", request.method, request.path)
        return _message_page(
            request, HTTPStatus.INTERNAL_SERVER_ERROR, "This page failed", "The local cloud's log says why."
        )


def _message_page(request: Request, status: int, title: str, text: str) -> Reply:
    home = link(f"{urlsplit(request.root).path}/", "Local GitHub")
    return page(status, title, _header(home), fill("<h1>{title}</h1><p>{text}</p>", title=title, text=text))


def _header(home: Html) -> Html:
    return fill("<header><p>{home}</p></header>", home=home)


def _answer(hub: Hub, request: Request) -> Reply:
    if request.path == "/":
        return _home(hub, request)
    found = re.fullmatch(r"/([^/]+/[^/]+?)(?:\.git)?(/.*)?", request.path, re.DOTALL)
    repository = hub.repositories.find(found[1]) if found else None
    if found is None or repository is None:
        raise MissingError
    view = View(hub, request, repository)
    path = (found[2] or "").rstrip("/")
    for pattern, serve in _FORMS if request.method == "POST" else _PAGES:
        match = re.fullmatch(pattern, path)
        if match:
            return serve(view, *match.groups())
    raise MissingError


def _home(hub: Hub, request: Request) -> Reply:
    base = urlsplit(request.root).path
    items = [
        item(Html("<span></span>"), link(f"{base}/{name}", name), f"git clone {hub.page_url(name, '.git')}")
        for name in (repository.name for repository in hub.repositories.all())
    ]
    body = item_list(items, "There is no repository yet.")
    return page(
        HTTPStatus.OK, "Local GitHub", _header(Html("Local GitHub")), fill("<h1>Repositories</h1>{list}", list=body)
    )


# --- forms -----------------------------------------------------------------------------------------------------------


def _form(view: View) -> dict[str, str]:
    """Returns a form's fields; raises RefusedError unless a browser on this machine sent it from one of our pages."""
    headers = view.request.headers
    site, origin = headers.get("sec-fetch-site"), headers.get("origin")
    here = f"{urlsplit(view.request.root).scheme}://{headers.get('host', '')}"
    if not view.request.trusted or (site != "same-origin" if site else origin != here):
        raise RefusedError("Forms are accepted only from the pages of this address.")
    return dict(parse_qsl(view.request.body.decode("utf-8", "replace"), keep_blank_values=True))


def _open(view: View) -> Reply:
    form = _form(view)
    head, base, title = form.get("head", ""), form.get("base", ""), form.get("title", "").strip()
    if not {head, base} <= view.repository.branches().keys():
        raise RefusedError("One of the branches does not exist.")
    obstacle = pulls.obstacle(view.hub, view.repository, head, base)
    if obstacle or not title or len(title) > _TITLE:
        raise RefusedError(obstacle or f"A title of 1 to {_TITLE} characters is needed.")
    made, _ = pulls.create(
        view.hub,
        view.repository,
        title=title,
        body=form.get("body", "").replace("\0", ""),
        head=head,
        base=base,
        author=_AUTHOR,
        draft=False,
    )
    return see_other(view.url(f"/pull/{made['number']}"))


def _merge(view: View, number: str) -> Reply:
    _form(view)
    row = pulls.find(view.hub, view.repository, int(number))
    if row is None or row["state"] != "open":
        raise RefusedError("The pull request is not open.")
    title = pulls.merge_title(view.repository, row, squash=False)
    try:
        pulls.merge(view.hub, view.repository, row, message=f"{title}\n\n{row['title']}", squash=False)
    except pulls.NotMergeableError as error:
        raise RefusedError(f"The pull request cannot be merged: {error}") from error
    return see_other(view.url(f"/pull/{number}"))


def _close(view: View, number: str) -> Reply:
    _form(view)
    row = pulls.find(view.hub, view.repository, int(number))
    if row is not None and row["state"] == "open":
        pulls.close(view.hub, view.repository, row)
    return see_other(view.url(f"/pull/{number}"))


_FORMS: tuple[tuple[str, Callable[..., Reply]], ...] = (
    (r"/pulls", _open),
    (r"/pull/(\d{1,9})/merge", _merge),
    (r"/pull/(\d{1,9})/close", _close),
)
_PAGES: tuple[tuple[str, Callable[..., Reply]], ...] = (
    (r"", history.overview),
    (r"/commits/(.+)", history.commits),
    (r"/commit/([^/]+)", history.commit),
    (r"/issues", lambda view: discussions.show_all(view, pull_requests=False)),
    (r"/issues/(\d{1,9})", lambda view, number: discussions.show(view, int(number), pull_requests=False)),
    (r"/pulls", lambda view: discussions.show_all(view, pull_requests=True)),
    (r"/pull/(\d{1,9})", lambda view, number: discussions.show(view, int(number), pull_requests=True)),
    (r"/compare/(.+?)\.\.\.(.+)", discussions.compare),
    (r"/releases", releases.show_all),
    (r"/releases/tag/(.+)", releases.show),
)
