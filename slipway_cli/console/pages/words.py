"""Formats states, times and commits; never by colour alone."""

from __future__ import annotations

from datetime import datetime

from localcloud.markup import Html, fill, link
from slipway_cli.console.masking import masked
from slipway_cli.console.web import Console
from slipway_cli.runs import BEGINNING, Run

_MINUTE, _HOUR = 60, 3600
_STATES = {
    "Succeeded": ("✓", "Succeeded", "good"),
    "Failed": ("✗", "Failed", "bad"),
    "InProgress": ("●", "In progress", "busy"),
    "Waiting": ("?", "Waits for approval", "wait"),
    "Queued": ("…", "Waits its turn", "wait"),
    "Stopping": ("■", "Stopping", "wait"),
    "Stopped": ("■", "Stopped", "off"),
    "Superseded": ("»", "Superseded", "off"),
    "Cancelled": ("⊘", "Cancelled", "off"),
    "Abandoned": ("⊘", "Abandoned", "off"),
    "Skipped": ("↷", "Skipped", "off"),
    "NotStarted": ("○", "Not started", "none"),
}


def word(state: str) -> str:
    """Returns a state in words."""
    return _STATES.get(state, ("", state, ""))[1]


def badge(state: str) -> Html:
    """Returns a state as sign, word and colour."""
    sign, text, tone = _STATES.get(state, ("·", state, "none"))
    return fill(
        '<span class="state {tone}"><span class="sign" aria-hidden="true">{sign}</span>{text}</span>',
        tone=tone,
        sign=sign,
        text=text,
    )


def tone(state: str) -> str:
    """Returns the CSS class of a state's colour."""
    return _STATES.get(state, ("", "", "none"))[2]


def spoken(seconds: float) -> str:
    """Returns a duration in the format of the script."""
    whole = max(int(seconds), 0)
    if whole < _MINUTE:
        return f"{whole} s"
    if whole < _HOUR:
        return f"{whole // _MINUTE} min {whole % _MINUTE:02} s"
    return f"{whole // _HOUR} h {whole % _HOUR // _MINUTE:02} min"


def lasting(since: datetime, seconds: float, *, over: bool) -> Html:
    """Returns a duration, which keeps counting unless it is over."""
    if over:
        return fill("<span>{text}</span>", text=spoken(seconds))
    return fill('<span data-since="{since}">{text}</span>', since=round(since.timestamp(), 3), text=spoken(seconds))


def moment(when: datetime) -> Html:
    """Returns a point in time."""
    if when == BEGINNING:
        return Html("")
    text = when.isoformat(timespec="seconds")
    return fill('<time datetime="{text}">{short}</time>', text=text, short=text[:16].replace("T", " "))


def title(run: Run) -> str:
    """Returns the title of a run."""
    if run.entry.rollback:
        stage = next((stage.name for stage in run.stages if stage.began), "")
        return f"Rollback of {stage}" if stage else "Rollback"
    return masked(run.message) or f"Run {run.entry.id[:8]}"


def rollback(run: Run) -> Html:
    """Returns the mark of a rollback; empty for other runs."""
    if not run.entry.rollback:
        return Html("")
    target = run.entry.target[:8]
    text = f"Rollback to run {target}" if target else "Rollback"
    return fill('<span class="state off"><span class="sign" aria-hidden="true">↩</span>{text}</span>', text=text)


def commit(console: Console, run: Run) -> Html:
    """Returns the commit's short id, with a link if its repository is known."""
    if not run.commit:
        return Html("")
    repository, short = run.fact("FullRepositoryName"), fill("<code>{short}</code>", short=run.commit[:7])
    return link(f"{console.github}/{repository}/commit/{run.commit}", short) if repository else short
