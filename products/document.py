"""Writes the diagrams and tables of docs/pipelines.md from the manifests: `python -m products.document`.

All of it comes from products/flows.py, from which the Delivery stack is built too; a test fails when the page is stale.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from paths import ROOT
from products import Product, drawing, load, names, product_names
from products.compute import LAMBDA_MINUTES, compute
from products.drawing import DrawnStage, Step
from products.flows import Action, Delivery, Kind, Stage, branches_publish, pull_requests_publish
from products.image_tags import CACHE_TAG, COMMIT_TAG
from products.infrastructure_flow import every
from products.pipeline import Flow, Pipeline

PAGE = ROOT / "docs" / "pipelines.md"
BEGIN = "<!-- pipelines: written by `python -m products.document`, do not edit below -->"
END = "<!-- end of pipelines -->"
_VERSION, _COMMIT = "1.2.0", "0f1e2d3c4b5a69788796a5b4c3d2e1f00f1e2d3c"
BACK = "on failure: back to the last run that succeeded here"
# What an action acts as in an environment: stacks/access.py grants it.
_TASKS = {
    Kind.PREPARE: "deploy",
    Kind.DEPLOY: "deploy",
    Kind.MIGRATE: "migrate",
    Kind.FRONTEND: "publish",
    Kind.INVALIDATE: "invalidate",
    Kind.VERIFY: "verify",
    Kind.MIGRATE_ON_HOST: "deploy",
    Kind.DEPLOY_TO_HOSTS: "deploy",
    Kind.VERIFY_HOSTS: "deploy",
    Kind.MIGRATE_ON_KUBERNETES: "deploy",
    Kind.DEPLOY_TO_KUBERNETES: "deploy",
    Kind.VERIFY_KUBERNETES: "deploy",
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
    products = (load(name) for name in product_names())
    return "\n\n".join("\n".join(_product(product, product.pipeline)) for product in products if product.pipeline)


def main() -> None:
    """Renew docs/pipelines.md."""
    PAGE.write_text(page(PAGE.read_text(encoding="utf-8")), encoding="utf-8")


def diagram(flow: Delivery) -> str:
    """A pipeline in Mermaid."""
    return drawing.mermaid(graph(flow))


def graph(flow: Delivery) -> drawing.Graph:
    """A pipeline as a diagram; slipway_cli/review/diagrams draws the same from the synthesized one."""
    stages = [
        DrawnStage(
            stage.name,
            tuple(Step(_label(action), action.run_order, gate=action.kind in _GATES) for action in stage.actions),
            BACK if stage.rolls_back else "",
        )
        for stage in flow.stages
    ]
    return drawing.pipeline(_starts(flow.flow), stages)


def _product(product: Product, pipeline: Pipeline) -> Iterator[str]:
    flows = every(product)
    yield from (f"## {product.description or product.name}", "", f"From `products/{product.name}.yaml`.", "")
    yield from ("### What starts them", "", *_triggers(flows), "", "### Tags", "", *_tags(product, pipeline))
    for flow in flows:
        yield from ("", f"### `{flow.pipeline}`", "", "```mermaid", diagram(flow), "```", "")
        yield from _table(
            ("stage", "action", "what it does", "of", "run order", "minutes", "role in the environment"),
            [_row(product, stage, action) for stage in flow.stages for action in stage.actions],
        )
    if pipeline.infrastructure:
        readers = ", ".join(f"`{names.access_role(name, product.name, 'review')}`" for name in product.environments)
        yield from ("", f"The review of `{flows[-1].pipeline}` reads the deployed templates with {readers}.")
    if pipeline.drift:
        roles = ", ".join(f"`{names.access_role(name, product.name, 'drift')}`" for name in product.environments)
        hour = f"{pipeline.drift.hour:02}:00 UTC"
        yield from ("", f"Every night at {hour}, changes made outside of the stacks are looked for with {roles}.")


def asks(name: str, subject: str) -> str:
    """Returns an approval as a step of a diagram."""
    return f"{name}: {subject}?"


def refuses(name: str) -> str:
    """Returns an image scan as a step of a diagram."""
    return f"{name}: gate"


def starts(
    *,
    pull_requests_to: Sequence[str] = (),
    merged_pull_requests_to: Sequence[str] = (),
    tags: Sequence[str] = (),
    branches: Sequence[str] = (),
) -> str:
    """Returns the triggers of a pipeline, in words."""
    if merged_pull_requests_to:
        return f"pull request merged to {' or '.join(merged_pull_requests_to)}"
    if pull_requests_to:
        return f"pull request to {' or '.join(pull_requests_to)}, opened or pushed to"
    return f"tag {' or '.join(tags)}" if tags else f"push to {' or '.join(branches)}"


def _label(action: Action) -> str:
    labels = {Kind.APPROVAL: asks(action.name, action.subject), Kind.SCAN: refuses(action.name)}
    return labels.get(action.kind, action.name)


def _starts(trigger: Flow) -> str:
    return starts(
        pull_requests_to=trigger.pull_requests_to,
        merged_pull_requests_to=trigger.merged_pull_requests_to,
        tags=trigger.tags,
        branches=trigger.branches,
    )


def _triggers(flows: Sequence[Delivery]) -> list[str]:
    rows = []
    for flow in flows:
        only = [f"only `{path}`" for path in flow.flow.paths] + [f"not `{path}`" for path in flow.flow.ignore_paths]
        older = "is stopped, up to a protected environment" if flow.stop_older else "goes on"
        rows.append(
            (
                f"[`{flow.pipeline}`](#{flow.pipeline})",
                _starts(flow.flow).replace("*", "\\*"),
                ", ".join(only) or "any",
                _MODES[flow.mode],
                older,
                " → ".join(stage.name for stage in flow.stages),
            )
        )
    heads = ("pipeline", "starts on", "changed files", "while another runs, it", "an older run of the same branch")
    return _table((*heads, "stages"), rows)


def _tags(product: Product, pipeline: Pipeline) -> list[str]:
    branch, release, found = product.repository.branch, pipeline.release_tag, f"{COMMIT_TAG}{{sha}}"
    all_builds = "every build" if branches_publish(product) else branch
    rows = [(f"`{found}`", f"`{_example(found, branch)}`", all_builds, "a commit's image: nothing else finds it")]
    for pattern in pipeline.tags:
        builds = all_builds if "{sha" in pattern or "{branch}" in pattern else branch  # builds/image.yml puts them
        rows.append((f"`{pattern}`", f"`{_example(pattern, branch)}`", builds, _names(pattern, branch)))
    rows += [
        (f"`{release}`", f"`{_example(release, branch)}`", f"{branch}, in Release", "the release; moves no layers"),
        (f"`{CACHE_TAG}…`", f"`{CACHE_TAG}{branch}`", all_builds, "layers for the next build; no image to run"),
    ]
    where = f"What {branch} built is in {_listed(names.repository(product.name, image) for image in product.images)}."
    if branches_publish(product):
        apart = _listed(names.branch_repository(product.name, image) for image in product.images)
        where += f" What other branches built is in {apart}, which no build of {branch} reads."
    if pull_requests_publish(product):
        candidates = _listed(names.candidate_repository(product.name, image) for image in product.images)
        where += (
            f" What pull requests built is in {candidates}: these images get only the tags with a commit, and no "
            "environment may pull them."
        )
    return [where, "", *_table(("tag", "for example", "put by", "names"), rows)]


def _listed(repositories: Iterable[str]) -> str:
    return ", ".join(f"`{repository}`" for repository in repositories)


def _example(pattern: str, branch: str) -> str:
    fields = {"{version}": _VERSION, "{sha7}": _COMMIT[:7], "{sha}": _COMMIT, "{branch}": branch}
    for field, value in fields.items():
        pattern = pattern.replace(field, value)
    return pattern


def _names(pattern: str, branch: str) -> str:
    """Returns the meaning of a tag of this pattern; builds/image.yml writes the tags."""
    if "{sha" in pattern:
        return "a label of the commit's image, for ever"
    if "{branch}" in pattern:
        return "the branch's newest image; moves"
    return "the version's first image" if "{version}" in pattern else f"the newest image of {branch}; moves"


def _row(product: Product, stage: Stage, action: Action) -> tuple[str, ...]:
    task = _TASKS.get(action.kind)
    role = names.access_role(action.subject, product.name, task) if task else ""
    limit = str(action.minutes) if action.minutes else "CodePipeline's own"
    if compute(product, action) == "lambda":
        limit = str(LAMBDA_MINUTES)
    back = " (rolls back)" if stage.rolls_back else ""
    return (
        f"{stage.name}{back}",
        action.name,
        _does(product, action),
        f"`{action.subject}`" if action.subject else "",
        str(action.run_order),
        limit,
        f"`{role}`" if role else "",
    )


def _does(product: Product, action: Action) -> str:
    if action.kind is not Kind.VERIFY:
        return action.kind.value
    path = product.pipeline.report_path if product.pipeline else None
    return f"{action.kind.value}: in ECS and at `{path}`" if path else f"{action.kind.value}: in ECS"


def _table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    """A table as GitHub takes it."""
    lines = [heads, ["---"] * len(heads), *([cell.replace("|", "\\|") for cell in row] for row in rows)]
    return ["| " + " | ".join(line) + " |" for line in lines]


if __name__ == "__main__":
    main()
