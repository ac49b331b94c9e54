"""The pages of all pipelines, and of the runs of one."""

from __future__ import annotations

from localcloud.markup import Html, fill, join, link
from slipway_cli.console.aws import PIPELINES
from slipway_cli.console.masking import masked
from slipway_cli.console.pages.layout import page
from slipway_cli.console.pages.words import badge, commit, lasting, moment, rollback, title
from slipway_cli.console.view import branch, release
from slipway_cli.console.web import Console, Reply, Request, at
from slipway_cli.runs import Run

_NONE = "There is no pipeline in this region. Deploy a product whose manifest has a section 'pipeline'."


def of_pipelines(console: Console, request: Request, region: str) -> Reply:
    """Returns the page of all pipelines with their newest runs."""
    requested = request.query.get("first", "")
    first = int(requested) if requested.isascii() and requested.isdigit() and len(requested) < len("10000") else 0
    found, more = console.pipelines.overview(region, first)
    items = [
        fill(
            '<li id="{name}"><h3>{link}</h3>{run}</li>',
            name=pipeline.name,
            link=link(at(f"/{pipeline.name}/view", region=region), pipeline.name),
            run=_run(console, region, pipeline.run) if pipeline.run else fill('<p class="quiet">It has never run.</p>'),
        )
        for pipeline in found
    ]
    listed = (
        fill('<ul class="list">{items}</ul>', items=items) if items else fill('<p class="empty">{text}</p>', text=_NONE)
    )
    turn = link(at("", region=region, first=str(first + PIPELINES)), "More pipelines") if more else Html("")
    body = fill("<h1>Pipelines</h1>{listed}{turn}", listed=listed, turn=turn)
    active = any(pipeline.run and pipeline.run.entry.active for pipeline in found)
    return page(console, "Pipelines", body, region=region, active=active)


def of_runs(console: Console, request: Request, region: str, pipeline: str) -> Reply:
    """Returns the page of a pipeline's runs, newest first."""
    found, token = console.pipelines.runs(region, pipeline, request.query.get("token", ""))
    items = [fill('<li id="r{id}">{run}</li>', id=run.entry.id, run=_run(console, region, run)) for run in found]
    body = fill(
        "<h1>{name}</h1>{listed}{turn}",
        name=pipeline,
        listed=fill('<ul class="list">{items}</ul>', items=items)
        if items
        else Html('<p class="empty">It has never run. A push to its branch starts it.</p>'),
        turn=link(at(f"/{pipeline}/view", region=region, token=token), "Older runs") if token else "",
    )
    active = any(run.entry.active for run in found)
    trail = ((pipeline, f"/{pipeline}/view"),)
    return page(console, pipeline, body, region=region, trail=trail, active=active)


def _run(console: Console, region: str, run: Run) -> Html:
    entry, now = run.entry, console.now()
    state = run.state if entry.active else entry.status
    path = f"/{run.pipeline}/executions/{entry.id}/visualization"
    where = ", ".join(step.name for step in (*run.running, *run.waiting, *run.failed[:1]))
    return fill(
        '<div class="row">{badge}{rollback}{link}</div><div class="row quiet">{facts}</div>',
        badge=badge(state),
        rollback=rollback(run),
        link=link(at(path, region=region), title(run)),
        facts=join(
            [
                fill("<span>{fact}</span>", fact=fact)
                for fact in (
                    masked(where),
                    masked(branch(run)),
                    commit(console, run),
                    masked(run.author),
                    release(run),
                    moment(entry.started),
                    lasting(entry.started, run.seconds(now), over=not entry.active),
                )
                if fact
            ]
        ),
    )
