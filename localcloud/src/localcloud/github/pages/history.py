"""Commits: lists with their marks, and one with its statuses and changes."""

from __future__ import annotations

from localcloud.github import issues
from localcloud.github.pages.view import PAGE, MissingError, View, item, listed, sign
from localcloud.github.repositories import Commit
from localcloud.github.web import Reply
from localcloud.markup import Html, fill, join, link, moment

_PATCH = 200_000


def overview(view: View) -> Reply:
    """The default branch, and how to get it."""
    branch = view.repository.default_branch
    if branch not in view.repository.branches():
        body = fill(
            "<p class=empty>Nothing was pushed yet.</p>"
            "<pre>git remote add origin {url}\ngit push origin {branch}</pre>",
            url=view.hub.html(view.repository.name, ".git"),
            branch=branch,
        )
        return view.frame("Commits", "Commits", body)
    return commits(view, branch)


def commits(view: View, revision: str) -> Reply:
    """The commits that can be reached from a branch, a tag or a commit."""
    sha = view.repository.resolve(revision)
    if sha is None:
        raise MissingError
    found = view.repository.commits(sha, limit=PAGE + 1, skip=PAGE * (view.page - 1))
    branches = [
        link(view.to(f"/commits/{name}"), name) if name != revision else fill("<strong>{it}</strong>", it=name)
        for name in _branches(view)
    ]
    body = fill(
        "<h1>{revision}</h1><p class=row><span class=quiet>Branches</span>{branches}</p>{list}{turn}"
        "<p class=quiet>git clone {url}</p>",
        revision=revision,
        branches=join(branches, " "),
        list=listed([entry(view, one) for one in found[:PAGE]], "No commits."),
        turn=view.turn(f"/commits/{revision}", view.page, len(found) > PAGE),
        url=view.hub.html(view.repository.name, ".git"),
    )
    return view.frame("Commits", f"Commits of {revision}", body)


def _branches(view: View) -> list[str]:
    """The default one, then those that moved last."""
    names, default = list(view.repository.branches()), view.repository.default_branch
    return sorted(names, key=lambda name: name != default)[:PAGE]


def entry(view: View, one: Commit) -> Html:
    """A commit in a list."""
    below = fill(
        '<span class="sha">{sha}</span> {author}, {date}',
        sha=one.sha[:7],
        author=one.author.name,
        date=moment(one.committer.date),
    )
    return item(view.mark(one.sha), link(view.to(f"/commit/{one.sha}"), one.subject), below)


def commit(view: View, revision: str) -> Reply:
    """One commit."""
    found = view.repository.commit(revision)
    if found is None:
        raise MissingError
    parent = found.parents[0] if found.parents else None
    rest = found.message.partition("\n")[2].strip()
    patch = view.repository.difference(parent, found.sha, "--patch", "--no-renames")
    body = fill(
        "<h1>{subject}</h1>{rest}<p class=quiet>{author} committed {date} as <span class=sha>{sha}</span></p>"
        "{statuses}<h2>Changes</h2><pre>{stat}</pre>{patch}{cut}",
        subject=found.subject,
        rest=fill("<pre>{it}</pre>", it=rest) if rest else "",
        author=found.author.name,
        date=moment(found.committer.date),
        sha=found.sha,
        statuses=_statuses(view, found.sha),
        stat=view.repository.difference(parent, found.sha, "--stat=80") or "No files changed.",
        patch=fill("<pre class=lines>{lines}</pre>", lines=lines(patch[:_PATCH])) if patch else "",
        cut="The rest is left out." if len(patch) > _PATCH else "",
    )
    return view.frame("Commits", found.subject, body)


def _statuses(view: View, sha: str) -> Html:
    found = issues.latest(view.hub.store, view.repository.name, sha)
    if not found:
        return Html("")
    shown = [
        item(
            sign(one["state"], one["state"]),
            link(one["target"] or "", one["context"]),
            fill("{said} {date}", said=one["description"], date=moment(one["created"])),
        )
        for one in found
    ]
    return fill("<h2>Statuses</h2>{list}", list=listed(shown, ""))


def lines(patch: str) -> list[Html]:
    """A patch, line by line, what is added and what is taken away."""

    def kind(line: str) -> str:
        return "" if line.startswith(("+++", "---")) else {"+": "add", "-": "cut"}.get(line[:1], "")

    return [
        fill('<span class="{kind}">{line}</span>', kind=kind(line), line=line or " ") for line in patch.splitlines()
    ]
