"""Issues and pull requests, with their comments."""

from __future__ import annotations

import json
from typing import Any

from localcloud.github import issues, pulls
from localcloud.github.pages.history import entry, lines
from localcloud.github.pages.markdown import render
from localcloud.github.pages.view import PAGE, MissingError, View, badge, item, item_list, sign
from localcloud.github.store import Row
from localcloud.github.web import Reply
from localcloud.markup import Html, fill, join, link, moment

_MOST = 250
_PATCH = 200_000


def state_of(row: Row) -> str:
    """Returns the state to display: open, merged, completed or closed."""
    if row["state"] == "open":
        return "open"
    if row["head"] is not None:
        return "merged" if row["merged"] else "closed"
    return "completed" if row["reason"] == "completed" else "closed"


def show_all(view: View, *, pull_requests: bool) -> Reply:
    """Returns the list of issues, or of pull requests: the open ones, or with `?state=closed` the closed ones."""
    title, path = ("Pull requests", "/pulls") if pull_requests else ("Issues", "/issues")
    state = "closed" if view.request.query.get("state") == "closed" else "open"
    found = issues.find_all(view.hub.store, view.repository.name, pulls=pull_requests)
    chosen = [row for row in found if row["state"] == state]
    start = PAGE * (view.page - 1)
    shown = [_entry(view, row) for row in chosen[start : start + PAGE]]
    counts = {name: sum(row["state"] == name for row in found) for name in ("open", "closed")}
    switch = [
        fill("<strong>{text}</strong>", text=f"{count} {name}")
        if name == state
        else link(view.url(f"{path}?state={name}"), f"{count} {name}")
        for name, count in counts.items()
    ]
    body = fill(
        "<h1>{title}</h1><p class=row>{switch}</p>{list}{pager}",
        title=title,
        switch=join(switch, " "),
        list=item_list(shown, f"No {title.lower()} are {state}."),
        pager=view.pager(f"{path}?state={state}", view.page, len(chosen) > start + PAGE),
    )
    return view.frame(title, title, body)


def _entry(view: View, row: Row) -> Html:
    pull = row["head"] is not None
    path = f"/{'pull' if pull else 'issues'}/{row['number']}"
    comments = len(issues.comments(view.hub.store, row))
    below = fill(
        "#{number} {labels} {branches} opened {date} by {author}{comments}",
        number=row["number"],
        labels=join(json.loads(row["labels"]), ", "),
        branches=f"{row['head']} into {row['base']}," if pull else "",
        date=moment(row["created"]),
        author=row["author"],
        comments=f", {comments} comment{'s' * (comments != 1)}" if comments else "",
    )
    mark = view.status_mark(row["head_sha"]) if pull else sign(state_of(row), state_of(row))
    return item(mark, link(view.url(path), row["title"]), below)


def show(view: View, number: int, *, pull_requests: bool) -> Reply:
    """Returns the page of an issue or a pull request."""
    row = issues.find(view.hub.store, view.repository.name, number)
    if row is None or (row["head"] is not None) is not pull_requests:
        raise MissingError
    comments = issues.comments(view.hub.store, row)
    body = fill(
        "<h1>{title} <span class=quiet>#{number}</span></h1><p class=row>{badge} {labels}</p>{first}{comments}{rest}",
        title=row["title"],
        number=row["number"],
        badge=badge(state_of(row)),
        labels=[fill("<span class=badge>{label}</span>", label=label) for label in json.loads(row["labels"])],
        first=_box(view, row, f"issue-{row['number']}"),
        comments=[_box(view, comment, f"comment-{comment['id']}") for comment in comments],
        rest=_pull(view, row) if pull_requests else "",
    )
    return view.frame("Pull requests" if pull_requests else "Issues", row["title"], body)


def _box(view: View, row: Row, anchor: str) -> Html:
    return fill(
        '<article class=box id="{anchor}"><p class=quiet>{author}, {date}</p><div class=text>{text}</div></article>',
        anchor=anchor,
        author=row["author"],
        date=moment(row["created"]),
        text=render(row["body"], view.hub.page_url(view.repository.name)) or Html("<p class=quiet>No text.</p>"),
    )


def _pull(view: View, row: Row) -> Html:
    found = view.repository.commits(row["head_sha"], f"^{row['base_sha']}", limit=_MOST)
    base = view.repository.merge_base(row["base_sha"], row["head_sha"])
    patch = view.repository.difference(base, row["head_sha"], "--patch", "--no-renames")
    return fill(
        "<p>{head} into {base}</p>{forms}<h2>Commits</h2>{list}<h2>Changes</h2><pre class=lines>{patch}</pre>",
        head=row["head"],
        base=row["base"],
        forms=_forms(view, row),
        list=item_list([entry(view, commit) for commit in found], "No commits."),
        patch=lines(patch[:_PATCH]),
    )


def _forms(view: View, row: Row) -> Html:
    if row["state"] != "open":
        return Html("")
    button = '<form method=post action="{to}"><button>{label}</button></form>'
    path = f"/pull/{row['number']}"
    mergeable = pulls.mergeable(view.repository, row)
    button_or_reason = (
        fill(button, to=view.url(f"{path}/merge"), label="Merge") if mergeable else "It conflicts with its base branch."
    )
    return fill(
        "<div class=row>{merge}{close}</div>",
        merge=button_or_reason,
        close=fill(button, to=view.url(f"{path}/close"), label="Close"),
    )


def compare(view: View, base: str, head: str) -> Reply:
    """Returns the page with the commits that a pull request would contain, and a form to open it."""
    tips = view.repository.branches()
    start, end = view.repository.resolve(base), view.repository.resolve(head)
    if start is None or end is None:
        raise MissingError
    found = view.repository.commits(end, f"^{start}", limit=_MOST)
    obstacle = pulls.obstacle(view.hub, view.repository, head, base) if {base, head} <= tips.keys() else "tags"
    values: dict[str, Any] = {"to": view.url("/pulls"), "head": head, "base": base}
    form = fill(
        '<form method=post action="{to}"><input type=hidden name=head value="{head}">'
        '<input type=hidden name=base value="{base}"><label for=title>Title</label>'
        '<input type=text id=title name=title required maxlength=256 value="{title}"><label for=body>Text</label>'
        "<textarea id=body name=body rows=4></textarea><button>Open the pull request</button></form>",
        title=found[0].subject if found else "",
        **values,
    )
    body = fill(
        "<h1>{base} … {head}</h1>{form}{list}",
        base=base,
        head=head,
        form=form if not obstacle else fill("<p>{text}</p>", text=obstacle) if obstacle != "tags" else "",
        list=item_list([entry(view, commit) for commit in found], "No commits."),
    )
    return view.frame("Pull requests", f"{base}...{head}", body)
