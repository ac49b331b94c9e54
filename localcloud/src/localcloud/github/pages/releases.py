"""Releases, with their notes."""

from __future__ import annotations

from localcloud.github import releases
from localcloud.github.pages.markdown import render
from localcloud.github.pages.view import PAGE, MissingError, View
from localcloud.github.store import Row
from localcloud.github.web import Reply
from localcloud.markup import Html, fill, link, moment


def show_all(view: View) -> Reply:
    """Returns the list of releases, newest first."""
    found = releases.find_all(view.hub, view.repository, drafts=False)
    start = PAGE * (view.page - 1)
    shown = [_box(view, row) for row in found[start : start + PAGE]]
    body = fill(
        "<h1>Releases</h1>{list}{pager}",
        list=shown or Html("<p class=empty>There are no releases yet.</p>"),
        pager=view.pager("/releases", view.page, len(found) > start + PAGE),
    )
    return view.frame("Releases", "Releases", body)


def show(view: View, tag: str) -> Reply:
    """Returns the page of a tag's release."""
    found = releases.find_by_tag(view.hub, view.repository, tag)
    if found is None:
        raise MissingError
    return view.frame("Releases", found["name"] or tag, _box(view, found))


def _box(view: View, row: Row) -> Html:
    commit = view.repository.resolve(f"refs/tags/{row['tag']}") or ""
    newest = releases.latest(view.hub, view.repository)
    kind = "Pre-release" if row["prerelease"] else "Latest" if newest and newest["id"] == row["id"] else ""
    return fill(
        "<article class=box><p class=quiet>{tag} on {commit}, {date}</p><div class=text><h2>{name} {kind}</h2>{body}"
        "</div></article>",
        tag=link(view.url(f"/releases/tag/{row['tag']}"), row["tag"]),
        commit=link(view.url(f"/commit/{commit}"), commit[:7]),
        date=moment(row["published"]),
        name=row["name"] or row["tag"],
        kind=fill("<span class=badge>{kind}</span>", kind=kind) if kind else "",
        body=render(row["body"], view.hub.page_url(view.repository.name)),
    )
