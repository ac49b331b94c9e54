"""Commits: lists with their statuses, and the page of a commit with its statuses and changes."""

from __future__ import annotations

from localcloud.github import issues
from localcloud.github.pages.markdown import render
from localcloud.github.pages.view import PAGE, MissingError, View, item, item_list, sign
from localcloud.github.repositories import Commit
from localcloud.github.web import Reply
from localcloud.markup import Html, fill, join, link, moment

_PATCH = 200_000


def overview(view: View) -> Reply:
    """Returns the page of the default branch, or how to push to an empty repository."""
    branch = view.repository.default_branch
    if branch not in view.repository.branches():
        body = fill(
            "<p class=empty>Nothing was pushed yet.</p>"
            "<pre>git remote add origin {url}\ngit push origin {branch}</pre>",
            url=view.hub.page_url(view.repository.name, ".git"),
            branch=branch,
        )
        return view.frame("Commits", "Commits", body)
    return commits(view, branch)


def commits(view: View, revision: str) -> Reply:
    """Returns the list of commits reachable from a branch, a tag or a commit."""
    sha = view.repository.resolve(revision)
    if sha is None:
        raise MissingError
    found = view.repository.commits(sha, limit=PAGE + 1, skip=PAGE * (view.page - 1))
    branches = [
        link(view.url(f"/commits/{name}"), name) if name != revision else fill("<strong>{name}</strong>", name=name)
        for name in _branches(view)
    ]
    body = fill(
        "<h1>{revision}</h1><p class=row><span class=quiet>Branches</span>{branches}</p>{list}{pager}"
        "<p class=quiet>git clone {url}</p>",
        revision=revision,
        branches=join(branches, " "),
        list=item_list([entry(view, known) for known in found[:PAGE]], "No commits."),
        pager=view.pager(f"/commits/{revision}", view.page, len(found) > PAGE),
        url=view.hub.page_url(view.repository.name, ".git"),
    )
    return view.frame("Commits", f"Commits of {revision}", body)


def _branches(view: View) -> list[str]:
    """Returns the default branch, then the most recently updated ones."""
    names, default = list(view.repository.branches()), view.repository.default_branch
    return sorted(names, key=lambda name: name != default)[:PAGE]


def entry(view: View, found: Commit) -> Html:
    """Returns a commit as an entry of a list."""
    below = fill(
        '<span class="sha">{sha}</span> {author}, {date}',
        sha=found.sha[:7],
        author=found.author.name,
        date=moment(found.committer.date),
    )
    return item(view.status_mark(found.sha), link(view.url(f"/commit/{found.sha}"), found.subject), below)


def commit(view: View, revision: str) -> Reply:
    """Returns the page of a commit."""
    found = view.repository.commit(revision)
    if found is None:
        raise MissingError
    parent = found.parents[0] if found.parents else None
    rest = found.message.partition("\n")[2].strip()
    patch = view.repository.difference(parent, found.sha, "--patch", "--no-renames")
    body = fill(
        "<h1>{subject}</h1>{rest}<p class=quiet>{author} committed {date} as <span class=sha>{sha}</span></p>"
        "{statuses}{comments}<h2>Changes</h2><pre>{stat}</pre>{patch}{cut}",
        subject=found.subject,
        rest=fill("<pre>{text}</pre>", text=rest) if rest else "",
        author=found.author.name,
        date=moment(found.committer.date),
        sha=found.sha,
        statuses=_statuses(view, found.sha),
        comments=_comments(view, found.sha),
        stat=view.repository.difference(parent, found.sha, "--stat=80") or "No files changed.",
        patch=fill("<pre class=lines>{lines}</pre>", lines=lines(patch[:_PATCH])) if patch else "",
        cut="The rest is not shown." if len(patch) > _PATCH else "",
    )
    return view.frame("Commits", found.subject, body)


def _statuses(view: View, sha: str) -> Html:
    found = issues.latest(view.hub.store, view.repository.name, sha)
    if not found:
        return Html("")
    shown = [
        item(
            sign(status["state"], status["state"]),
            link(status["target"] or "", status["context"]),
            fill("{text} {date}", text=status["description"], date=moment(status["created"])),
        )
        for status in found
    ]
    return fill("<h2>Statuses</h2>{list}", list=item_list(shown, ""))


def _comments(view: View, sha: str) -> Html:
    found = issues.comments_on_commit(view.hub.store, view.repository.name, sha)
    shown = [
        fill(
            '<div id="commitcomment-{number}" class=comment><p class=quiet>{author}, {date}</p>{text}</div>',
            number=row["id"],
            author=row["author"],
            date=moment(row["created"]),
            text=render(row["body"], view.hub.page_url(view.repository.name)),
        )
        for row in found
    ]
    return fill("<h2>Comments</h2>{list}", list=join(shown)) if shown else Html("")


def lines(patch: str) -> list[Html]:
    """Returns the lines of a patch, marked as added or removed."""

    def kind(line: str) -> str:
        return "" if line.startswith(("+++", "---")) else {"+": "add", "-": "cut"}.get(line[:1], "")

    return [
        fill('<span class="{kind}">{line}</span>', kind=kind(line), line=line or " ") for line in patch.splitlines()
    ]
