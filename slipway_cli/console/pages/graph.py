"""The graph of a run: stages and their parallel actions; and the timing of the run."""

from __future__ import annotations

from localcloud.markup import Html, fill
from slipway_cli.console.pages.words import badge, lasting, spoken, tone
from slipway_cli.console.view import rows, spent
from slipway_cli.console.web import Console, at
from slipway_cli.runs import Action, Run, Stage
from slipway_cli.timing import Bar, Timing


def graph(console: Console, region: str, run: Run, chosen: Action | None) -> Html:
    """Returns the stages of a run; the action whose log is shown is marked."""
    stages = [_stage(console, region, run, stage, chosen) for stage in run.stages]
    if not stages:
        return Html('<p class="empty">It has not begun.</p>')
    return fill('<h2>Stages</h2><ol class="graph">{stages}</ol>', stages=stages)


def _stage(console: Console, region: str, run: Run, stage: Stage, chosen: Action | None) -> Html:
    listed = [
        fill(
            '<li><ul class="side">{actions}</ul></li>',
            actions=[_action(console, region, run, action, chosen) for action in row],
        )
        for row in rows(stage)
    ]
    began, ended = stage.began, stage.ended
    lasts = ((ended or console.now()) - began).total_seconds() if began else 0.0
    over = ended is not None or not run.entry.active
    return fill(
        '<li class="stage" id="stage-{name}"><div class="row"><h3>{name}</h3>{badge}'
        '<span class="quiet">{lasting}</span></div>{closed}<ol>{rows}</ol></li>',
        name=stage.name,
        badge=badge(stage.state),
        lasting=lasting(began, lasts, over=over) if began else "",
        closed=fill('<p class="wait">No run may enter: {why}</p>', why=stage.closed) if stage.closed else "",
        rows=listed,
    )


def _action(console: Console, region: str, run: Run, action: Action, chosen: Action | None) -> Html:
    newest = action.newest
    tries = f", attempt {len(action.attempts)}" if len(action.attempts) > 1 else ""
    path = f"/{run.pipeline}/executions/{run.entry.id}/visualization"
    return fill(
        '<li><a class="action {tone}" href="{to}"{current}><b>{name}</b> {badge} <span class="quiet">{lasting}{tries}'
        "</span></a></li>",
        tone=tone(action.state),
        to=at(path, region=region, stage=action.stage, action=action.name) + "#selected",
        current=Html(' aria-current="true"') if chosen and chosen.label == action.label else "",
        name=action.name,
        badge=badge(action.state),
        lasting=lasting(newest.started, newest.seconds(console.now()), over=newest.over) if newest else "",
        tries=tries,
    )


# --- time ------------------------------------------------------------------------------------------------------------


def times(console: Console, run: Run) -> Html:
    """Returns a bar for each action, and the sums of the run's timing."""
    found = spent(run, console.now())
    if not found.bars:
        return Html("")
    return fill(
        '<section id="times"><h2>Where the time went</h2>{sum}<table class="bars"><caption class="hidden">Actions on '
        "the run's clock, which is paused during approvals; those of the critical path are bold</caption>"
        '<colgroup><col class="name"><col><col class="seconds"></colgroup><thead class="hidden"><tr><th>Action</th>'
        "<th>When</th><th>Time</th></tr></thead><tbody>{rows}</tbody></table></section>",
        sum=_sum(run, found),
        rows=[_bar(bar, found.axis) for bar in found.bars],
    )


def _sum(run: Run, found: Timing[Action]) -> Html:
    slowest = found.slowest
    sentences = [
        f"{spoken(found.total)} in all" if not run.entry.active else f"{spoken(found.total)} so far",
        f"critical path {spoken(found.critical)}",
        f"the same actions one after the other {spoken(found.sequential)}",
        *([f"waited {spoken(found.waited)} for approval"] if found.waited else []),
        f"{spoken(found.between)} between actions",
        *([f"longest on the path: {slowest.action.label}, {spoken(slowest.seconds)}"] if slowest else []),
    ]
    return fill("<p>{sentences}.</p>", sentences="; ".join(sentences))


def _bar(bar: Bar[Action], axis: float) -> Html:
    return fill(
        '<tr class="{tone}{critical}"><th scope="row">{name}</th><td><svg viewBox="0 0 1000 10" '
        'preserveAspectRatio="none" aria-hidden="true"><rect x="{x}" y="0" width="{width}" height="10"></rect></svg>'
        '</td><td class="seconds">{seconds}</td></tr>',
        tone=tone(bar.action.state),
        critical=" critical" if bar.critical else "",
        name=bar.action.label,
        x=round(1000 * bar.offset / axis, 1),
        width=max(round(1000 * bar.drawn / axis, 1), 2),
        seconds=spoken(bar.seconds) if bar.seconds >= 1 else f"{bar.seconds:.1f} s",
    )
