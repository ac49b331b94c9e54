"""Writes the diagrams and tables of docs/pipelines.md from the manifests: `python -m products.document`.

All of it comes from products/flows.py, from which the Delivery stack is built too; a test fails when the page is stale.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby, pairwise

from products import Product, load, names
from products.flows import CACHE_TAG, Action, Delivery, Kind, Stage, deliveries
from products.loader import FOLDER
from products.pipeline import Flow, Pipeline

PAGE = FOLDER.parent / "docs" / "pipelines.md"
BEGIN = "<!-- pipelines: written by `python -m products.document`, do not edit below -->"
END = "<!-- end of pipelines -->"
_VERSION, _COMMIT = "1.2.0", "0f1e2d3c4b5a69788796a5b4c3d2e1f00f1e2d3c"
_BACK = "on failure: back to the last run that succeeded here"
# What an action acts as in an environment: stacks/access.py grants it.
_TASKS = {
    Kind.PREPARE: "deploy",
    Kind.DEPLOY: "deploy",
    Kind.MIGRATE: "migrate",
    Kind.FRONTEND: "publish",
    Kind.INVALIDATE: "invalidate",
    Kind.VERIFY: "verify",
}
_GATES = (Kind.APPROVAL, Kind.SCAN)
_MODES = {
    "queued": "waits its turn",
    "superseded": "takes the place of the one that waits",
    "parallel": "runs beside it",
}


def page(current: str) -> str:
    """The page with its diagrams and tables renewed."""
    head, _, rest = current.partition(BEGIN)
    _, _, tail = rest.partition(END)
    return f"{head}{BEGIN}\n\n{written()}\n\n{END}{tail}"


def written() -> str:
    """Every product that has pipelines, one after the other."""
    shipped = (load(path.stem) for path in sorted(FOLDER.glob("*.yaml")))
    return "\n\n".join("\n".join(_product(each, each.pipeline)) for each in shipped if each.pipeline)


def main() -> None:
    """Renew docs/pipelines.md."""
    PAGE.write_text(page(PAGE.read_text(encoding="utf-8")), encoding="utf-8")


def diagram(flow: Delivery) -> str:
    """A pipeline in Mermaid: stages from top to bottom, actions of one run order side by side."""
    lines = ["flowchart TB", f"  start([{_quoted(_starts(flow.trigger))}])"]
    for number, stage in enumerate(flow.stages):
        lines += _stage(number, stage)
        lines.append(f"  {'start' if number == 0 else f's{number - 1}'} --> s{number}")
        if stage.rolls_back:
            lines += [f"  back{number}([{_quoted(_BACK)}])", f"  s{number} -.-> back{number}"]
    lines.append("  classDef gate stroke-width:3px,stroke-dasharray:4 3")
    gates = [
        f"s{number}a{place}"
        for number, stage in enumerate(flow.stages)
        for place, action in enumerate(stage.actions)
        if action.kind in _GATES
    ]
    lines += [f"  class {','.join(gates)} gate"] if gates else []
    return "\n".join(lines)


def _product(product: Product, pipeline: Pipeline) -> Iterator[str]:
    flows = deliveries(product)
    yield from (f"## {product.description or product.name}", "", f"From `products/{product.name}.yaml`.", "")
    yield from ("### What starts them", "", *_triggers(flows), "", "### Tags", "", *_tags(product, pipeline))
    for flow in flows:
        yield from ("", f"### `{flow.pipeline}`", "", "```mermaid", diagram(flow), "```", "")
        yield from _table(
            ("stage", "action", "what it does", "of", "run order", "minutes", "role in the environment"),
            [_row(product, stage, action) for stage in flow.stages for action in stage.actions],
        )


def _stage(number: int, stage: Stage) -> Iterator[str]:
    steps = [list(step) for _, step in groupby(enumerate(stage.actions), key=lambda each: each[1].run_order)]
    # A row where several run side by side is read best from above, a row of single ones from the left.
    direction = "TB" if any(len(step) > 1 for step in steps) else "LR"
    yield f"  subgraph s{number}[{_quoted(stage.name)}]"
    yield f"    direction {direction}"
    for place, action in enumerate(stage.actions):
        opened, closed = ("{{", "}}") if action.kind in _GATES else ("[", "]")
        yield f"    s{number}a{place}{opened}{_quoted(_label(action))}{closed}"
    for before, after in pairwise(steps):
        yield from (f"    s{number}a{one} --> s{number}a{other}" for one, _ in before for other, _ in after)
    yield "  end"


def _label(action: Action) -> str:
    asks = {Kind.APPROVAL: f"{action.name}: {action.subject}?", Kind.SCAN: f"{action.name}: gate"}
    return asks.get(action.kind, action.name)


def _quoted(text: str) -> str:
    """A label as Mermaid takes any text: in quotes, with its own characters by number."""
    return '"' + text.replace("#", "#35;").replace('"', "#quot;").replace("<", "#lt;").replace(">", "#gt;") + '"'


def _starts(trigger: Flow) -> str:
    if trigger.pull_requests_to:
        return f"pull request to {_listed(trigger.pull_requests_to)}, opened or pushed to"
    return f"tag {_listed(trigger.tags)}" if trigger.tags else f"push to {_listed(trigger.branches)}"


def _listed(patterns: Sequence[str]) -> str:
    return " or ".join(patterns)


def _triggers(flows: Sequence[Delivery]) -> list[str]:
    rows = []
    for flow in flows:
        only = [f"only `{each}`" for each in flow.trigger.paths] + [
            f"not `{each}`" for each in flow.trigger.ignore_paths
        ]
        older = "is stopped, up to a protected environment" if flow.stop_older else "goes on"
        rows.append(
            (
                f"[`{flow.pipeline}`](#{flow.pipeline})",
                _starts(flow.trigger).replace("*", "\\*"),
                ", ".join(only) or "any",
                _MODES[flow.mode],
                older,
                " → ".join(stage.name for stage in flow.stages),
            )
        )
    heads = ("pipeline", "starts on", "changed files", "while another runs, it", "an older run of the same branch")
    return _table((*heads, "stages"), rows)


def _tags(product: Product, pipeline: Pipeline) -> list[str]:
    branch = product.repository.branch
    rows = [
        (f"`{pattern}`", f"`{_example(pattern, branch)}`", "Publish", _names(pattern, branch))
        for pattern in pipeline.tags
    ]
    release = pipeline.release_tag
    rows.append((f"`{release}`", f"`{_example(release, branch)}`", "Release", "the release; moves no layers"))
    rows.append((f"`{CACHE_TAG}…`", f"`{CACHE_TAG}{branch}`", "Publish", "layers for the next build; no image to run"))
    return _table(("tag", "for example", "put by", "names"), rows)


def _example(pattern: str, branch: str) -> str:
    fields = {"{version}": _VERSION, "{sha7}": _COMMIT[:7], "{sha}": _COMMIT, "{branch}": branch}
    for field, value in fields.items():
        pattern = pattern.replace(field, value)
    return pattern


def _names(pattern: str, branch: str) -> str:
    """What a tag of this pattern stands for: pipeline/image.yml puts them."""
    if "{sha" in pattern:
        return "this commit's image, for ever"
    if "{branch}" in pattern:
        return "the branch's newest image; moves"
    return "the version's first image" if "{version}" in pattern else f"the newest image of {branch}; moves"


def _row(product: Product, stage: Stage, action: Action) -> tuple[str, ...]:
    task = _TASKS.get(action.kind)
    role = names.access_role(action.subject, product.name, task) if task else ""
    limit = str(action.minutes) if action.minutes else "CodePipeline's own"
    back = " (rolls back)" if stage.rolls_back else ""
    return (
        f"{stage.name}{back}",
        action.name,
        action.kind.value,
        f"`{action.subject}`" if action.subject else "",
        str(action.run_order),
        limit,
        f"`{role}`" if role else "",
    )


def _table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    """A table as GitHub takes it."""
    lines = [heads, ["---"] * len(heads), *([cell.replace("|", "\\|") for cell in row] for row in rows)]
    return ["| " + " | ".join(line) + " |" for line in lines]


if __name__ == "__main__":
    main()
