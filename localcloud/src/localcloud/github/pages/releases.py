"""Releases, with their notes."""

from __future__ import annotations

from localcloud.github import releases
from localcloud.github.pages.markdown import render
from localcloud.github.pages.view import PAGE, MissingError, View
from localcloud.github.store import Row
from localcloud.github.web import Reply
from localcloud.markup import Html, fill, link, moment


def all_of(view: View) -> Reply:
    """The releases, newest first."""
    found = releases.listed(view.hub, view.repository, drafts=False)
    start = PAGE * (view.page - 1)
    shown = [_box(view, one) for one in found[start : start + PAGE]]
    body = fill(
        "<h1>Releases</h1>{list}{turn}",
        list=shown or Html("<p class=empty>Nothing was released yet.</p>"),
        turn=view.turn("/releases", view.page, len(found) > start + PAGE),
    )
    return view.frame("Releases", "Releases", body)


def one(view: View, tag: str) -> Reply:
    """The release of a tag."""
    found = releases.of_tag(view.hub, view.repository, tag)
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
        tag=link(view.to(f"/releases/tag/{row['tag']}"), row["tag"]),
        commit=link(view.to(f"/commit/{commit}"), commit[:7]),
        date=moment(row["published"]),
        name=row["name"] or row["tag"],
        kind=fill("<span class=badge>{it}</span>", it=kind) if kind else "",
        body=render(row["body"], view.hub.html(view.repository.name)),
    )
