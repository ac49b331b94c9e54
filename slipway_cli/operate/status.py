"""The status of pipelines: the newest runs, what waits, what failed last, and what to type."""

from __future__ import annotations

from dataclasses import dataclass

from rich.console import Console
from rich.table import Table
from rich.text import Text

from products import names
from slipway_cli.operate import advice
from slipway_cli.operate.pipelines import Desk, Pipeline
from slipway_cli.operate.words import about, shortened, since, title
from slipway_cli.runs import Run, State

_COLOURS = {"Succeeded": "green", "Failed": "red", "InProgress": "cyan", "Stopping": "yellow", "Stopped": "yellow"}


@dataclass(frozen=True)
class Standing:
    """The status of one pipeline."""

    pipeline: Pipeline
    runs: tuple[Run, ...]
    """The newest, newest first."""
    state: State
    failure: Run | None
    """The last failed run, among those listed."""
    healed: bool
    """True if a run has succeeded since."""
    questions: dict[str, str]
    """The questions of waiting approvals, by the run's id and the action."""


def show(desk: Desk, flow: str | None, count: int, console: Console) -> None:
    """Print the status of a product's pipelines."""
    for pipeline in desk.chosen(flow):
        found = standing(pipeline, count)
        if console.is_terminal:
            console.print(table(found))
        else:
            _lines(console, [heading(found), *(f"  {line}" for run in found.runs for line in lines_of(run))])
        _lines(console, [f"  {line}" for line in notes(found)])
    if flow is None:
        _lines(console, [f"  {line}" for line in dashboards(desk)])


def dashboards(desk: Desk) -> list[str]:
    """Returns the addresses of the product's dashboards on AWS; none for a cloud that shows no dashboards."""
    product, pipeline = desk.product, desk.product.pipeline
    if ".amazonaws.com" not in str(desk.client.meta.endpoint_url):
        return []
    shown = {"delivery": ("tooling", product.tooling.region)} if pipeline and pipeline.dashboard else {}
    shown |= {
        name: (name, environment.region) for name, environment in product.environments.items() if environment.dashboard
    }
    return [
        f"dashboard of {part}: https://{region}.console.aws.amazon.com/cloudwatch/home?region={region}"
        f"#dashboards/dashboard/{names.prefix(prefix, product.name)}"
        for part, (prefix, region) in shown.items()
    ]


def standing(pipeline: Pipeline, count: int) -> Standing:
    """Returns the status of a pipeline from CodePipeline."""
    entries, state = pipeline.entries(), pipeline.state()
    failed = next((entry for entry in entries if entry.status == "Failed"), None)
    waited = {waiting.run for waiting in state.waiting}
    wanted = [entry for entry in entries[:count] if entry.id]
    extra = [entry for entry in entries[count:] if entry is failed or entry.id in waited]
    read = {entry.id: pipeline.run(entry) for entry in (*wanted, *extra)}
    healed = failed is not None and any(
        entry.status == "Succeeded" and not entry.rollback and entry.started > failed.started for entry in entries
    )
    questions = {
        f"{waiting.run}/{waiting.action}": advice.question(read[waiting.run], waiting)
        for waiting in state.waiting
        if waiting.run in read
    }
    runs = tuple(read[entry.id] for entry in wanted)
    return Standing(pipeline, runs, state, read.get(failed.id) if failed else None, healed, questions)


def heading(found: Standing) -> str:
    """Returns the pipeline's name and mode."""
    return f"{found.pipeline.name} ({found.pipeline.delivery.mode})"


def lines_of(run: Run) -> list[str]:
    """Returns a run as lines."""
    first = " ".join(("run", run.entry.id[:8], status(run), title(run), about(run))).rstrip()
    return [first, f"    {stages(run)}"] if run.steps else [first]


def status(run: Run) -> str:
    """Returns a run's status and its age."""
    entry = run.entry
    kind = f"rollback to run {entry.target[:8] or '?'} " if entry.rollback else ""
    when = f"for {since(entry.started)}" if entry.active else f"{since(entry.updated)} ago"
    return f"{kind}{entry.status} {when}"


def stages(run: Run) -> str:
    """Returns the stages a run has entered with their states, and the actions in progress."""
    parts = []
    for name, how in _worst(run).items():
        busy = [f"{step.action} for {since(step.started)}" for step in run.unfinished if step.stage == name]
        parts.append(f"{name} {how}" + (f" ({', '.join(busy)})" if busy else ""))
    return ", ".join(parts)


def _worst(run: Run) -> dict[str, str]:
    """Returns every stage a run entered and how that is: the worst of its actions."""
    order = {"Failed": 0, "Abandoned": 1, "Succeeded": 3}
    found: dict[str, str] = {}
    for step in run.steps:
        worst = (found.get(step.stage, step.status), step.status)
        found[step.stage] = min(worst, key=lambda status: order.get(status, 2))
    return found


def notes(found: Standing) -> list[str]:
    """Returns lines for what waits, what failed last, and what to type next."""
    lines = []
    for waiting in found.state.waiting:
        question = found.questions.get(f"{waiting.run}/{waiting.action}", "")
        lines.append(
            f"waits for approval: {waiting.name} of run {waiting.run[:8]}" + (f": {question}" if question else "")
        )
    for stage in found.state.stages:
        if stage.queued:
            queued = ", ".join(run[:8] for run in stage.queued)
            lines.append(f"waits to enter {stage.name}: run {queued}")
        if stage.closed:
            lines.append(f"no run may enter {stage.name}: {shortened(stage.closed, 300)}")
    if found.failure:
        ago, healed = since(found.failure.entry.updated), " (a run has succeeded since)" if found.healed else ""
        lines.append(f"last failure, {ago} ago{healed}: {title(found.failure)}: {advice.why(found.failure)}")
        lines.append(f"    {found.pipeline.link(found.failure.entry.id)}")
    if not found.runs:
        lines.append("it has never run")
    return [*lines, *(f"next: {line}" for line in following(found))]


def following(found: Standing) -> list[str]:
    """Returns the commands to type next."""
    pipeline, waiting = found.pipeline, found.state.waiting
    typed = []
    for approval in waiting:
        typed += advice.answers(pipeline, approval, alone=len(waiting) == 1)
    for stage in found.state.stages:
        if stage.closed:
            typed.append(
                "aws codepipeline enable-stage-transition --transition-type Inbound "
                f"--pipeline-name {pipeline.name} --stage-name {stage.name}"
            )
    if not waiting and any(run.entry.active for run in found.runs):
        typed.append(pipeline.command("follow"))
    elif found.failure and not found.healed and not waiting:
        typed += advice.remedy(pipeline, found.failure, found.state)
    return typed or [pipeline.command("start")]


def table(found: Standing) -> Table:
    """Returns the newest runs as a table."""
    shown = Table(title=heading(found), title_justify="left", title_style="bold", expand=True)
    for column in ("run", "status", "release", "stages", "of"):
        shown.add_column(column, overflow="fold")
    for run in found.runs:
        colour = _COLOURS.get(run.entry.status, "")
        # Text, not markup: a commit's message may look like markup.
        cells = (run.entry.id[:8], Text(status(run), style=colour), title(run), stages(run), about(run))
        shown.add_row(*(cell if isinstance(cell, Text) else Text(cell) for cell in cells))
    return shown


def _lines(console: Console, lines: list[str]) -> None:
    for line in lines:
        console.print(Text(line), soft_wrap=True)
