"""Parts of a run that only the console shows: rows of actions, branch, addresses and timing."""

from __future__ import annotations

from datetime import datetime

from slipway_cli.runs import Action, Run, Stage
from slipway_cli.timing import Timing, timing

_URL = ("https://", "http://")


def rows(stage: Stage) -> list[tuple[Action, ...]]:
    """Returns a stage's actions by run order: those of a row run side by side."""
    orders = sorted({action.order for action in stage.actions})
    return [tuple(action for action in stage.actions if action.order == order) for order in orders]


def spent(run: Run, now: datetime) -> Timing[Action]:
    """Returns where a run's time went; of an action tried again its newest attempt counts."""
    spells = (
        [(action, action.newest.started, action.newest.seconds(now)) for action in row if action.newest]
        for stage in run.stages
        for row in rows(stage)
    )
    return timing(spells, began=run.entry.started, total=run.seconds(now))


def branch(run: Run) -> str:
    """Returns a run's branch, tag or pull request."""
    request = run.fact("PullRequestId")
    if request:
        return f"pull request {request}: {run.fact('SourceBranchName', 'BranchName')}"
    return run.fact("BranchName", "TagName")


def release(run: Run) -> str:
    """Returns the name of the release that a run builds; empty before it was published."""
    return run.tag or run.version


def release_page(run: Run) -> str:
    """Returns the address of the release's page, once it is published."""
    references = (action.newest.reference for action in run.actions if action.newest and action.state == "Succeeded")
    return next((address for address in references if address.startswith(_URL) and "/releases/tag/" in address), "")


def environments(run: Run) -> tuple[tuple[str, str], ...]:
    """Returns stages and the addresses that their actions export as `Url`."""
    addresses = ((action.stage, _exported(action, "Url")) for action in run.actions)
    return tuple({stage: url for stage, url in addresses if url.startswith(_URL)}.items())


def _exported(action: Action, name: str) -> str:
    return str(action.newest.variables.get(name, "")) if action.newest else ""
