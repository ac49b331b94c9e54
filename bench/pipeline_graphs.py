"""The action graphs of pipelines: of every product and flow today, of those before issue 18, and of CDK Pipelines."""

from __future__ import annotations

import itertools
import json
import re
from dataclasses import dataclass, replace
from pathlib import Path

from products import Product, load, product_names
from products.compute import compute
from products.flows import Action, Delivery, Kind, Stage
from products.infrastructure_flow import every
from products.names import environment_stacks

BEFORE = Path(__file__).with_name("before.json")
"""The graphs of commit 31ad7b8, the last one before issue 18: `python -m bench.pipeline_graphs` wrote it there."""


@dataclass(frozen=True)
class Step:
    """One action of a pipeline, as far as its time depends on it."""

    stage: str
    name: str
    order: int
    """Steps of a stage with the same number run in parallel; higher numbers wait for lower ones."""
    kind: str
    """The name of its `Kind`, or a kind of CDK Pipelines."""
    what: str = ""
    """The build or buildspec of a check; empty for other actions."""
    compute: str = ""
    """The machine that runs it, as products/compute.py says; `cloudformation` for the stacks of CDK Pipelines."""
    prefetched: bool = False
    """True if a build pulls the images of its later containers while it installs packages."""

    @property
    def label(self) -> str:
        """Stage and action."""
        return f"{self.stage}/{self.name}"


Graph = tuple[Step, ...]
"""The steps of a pipeline, in the order of their stages and run orders."""


def now() -> dict[str, Graph]:
    """Returns the graphs of all pipelines of all products, as products/flows.py has them now."""
    found = {}
    for name in product_names():
        product = load(name)
        for delivery in every(product):
            found[delivery.pipeline] = graph(product, delivery)
    return found


def before() -> dict[str, Graph]:
    """Returns the graphs of the pipelines before issue 18."""
    recorded = json.loads(BEFORE.read_text(encoding="utf-8"))
    return {pipeline: tuple(Step(*row) for row in rows) for pipeline, rows in recorded["pipelines"].items()}


def graph(product: Product, delivery: Delivery) -> Graph:
    """Returns the graph of one pipeline."""
    return tuple(_step(product, stage, action) for stage in delivery.stages for action in stage.actions)


def sequential(steps: Graph) -> Graph:
    """Returns the same steps, one after the other: the order of the systems' documents, whose steps are in sequence."""
    return tuple(
        replace(step, order=number)
        for _, stage in itertools.groupby(steps, key=lambda step: step.stage)
        for number, step in enumerate(sorted(stage, key=lambda step: step.order), start=1)
    )


def cdk_pipelines(steps: Graph) -> Graph:
    """Returns the pipeline that CDK Pipelines would make of the same work, with its defaults where it has any.

    It synthesizes, updates itself, and publishes assets one after the other (`publish_assets_in_parallel=False`). An
    environment is a stage; each of its stacks is prepared and executed after the one that it depends on. Checks,
    and all that is no stack, are builds: CDK Pipelines has no functions.
    """
    found = [
        Step("Source", "GitHub", 1, "SOURCE", compute="pipeline"),
        Step("Build", "Synth", 1, "CDK_SYNTH", compute="small"),
        Step("UpdatePipeline", "SelfMutate", 1, "CDK_SELF_MUTATION", compute="small"),
    ]
    assets = [step for step in steps if step.kind in _ASSETS]
    found += [Step("Assets", step.name, number, step.kind, "", "small") for number, step in enumerate(assets, start=1)]
    for name, group in itertools.groupby(steps, key=lambda step: step.stage):
        rest = [step for step in group if step.kind not in (*_ASSETS, "SOURCE")]
        stacks = _stacks(name, rest)
        found += stacks
        found += [_as_build(step, len(stacks) + step.order) for step in rest if step.kind not in _OF_STACKS]
    return tuple(found)


# An image and a file are assets; what hosts and clusters need would be files, too.
_ASSETS = ("IMAGE", "BUNDLE", "COMPOSE", "MANIFESTS")
# What CDK Pipelines does by a stack: a frontend is a bucket deployment, which also invalidates.
_OF_STACKS = ("PREPARE", "DEPLOY", "FRONTEND", "INVALIDATE")
_BY_CLOUDFORMATION = {"DEPLOY": "CDK_DEPLOY", "FRONTEND": "CDK_FRONTEND"}


def _stacks(stage: str, steps: list[Step]) -> list[Step]:
    """Returns the actions of an environment's stacks: the six of products/names.py, those without a change included."""
    if not any(step.kind.startswith("DEPLOY") for step in steps):
        return []
    changed = [_BY_CLOUDFORMATION[step.kind] for step in steps if step.kind in _BY_CLOUDFORMATION]
    kinds = [*changed, *["CDK_UNCHANGED"] * (len(environment_stacks("")) - len(changed))]
    rows = [(f"Stack{number}", kind) for number, kind in enumerate(kinds, start=1)]
    pairs = [pair for name, kind in rows for pair in ((f"{name}.Prepare", "CDK_PREPARE"), (f"{name}.Deploy", kind))]
    return [
        Step(stage, name, order, kind, compute="cloudformation") for order, (name, kind) in enumerate(pairs, start=1)
    ]


def _as_build(step: Step, order: int) -> Step:
    """Returns a step as a build, if a function does it here."""
    return replace(step, order=order, compute="small" if step.compute == "function" else step.compute)


def _step(product: Product, stage: Stage, action: Action) -> Step:
    what = ""
    if action.kind is Kind.CHECK and action.subject and product.pipeline:
        check = product.pipeline.checks[action.subject]
        what = str(check.build or check.buildspec)
    return Step(stage.name, action.name, action.run_order, action.kind.name, what, compute(product, action), True)


def main() -> None:
    """Records the graphs of this commit. It was done once, before the first change of issue 18."""
    rows = {
        pipeline: [[step.stage, step.name, step.order, step.kind, step.what, step.compute] for step in steps]
        for pipeline, steps in now().items()
    }
    text = json.dumps({"commit": "31ad7b8", "pipelines": rows}, indent=1)
    BEFORE.write_text(re.sub(r"\[\s+([^\[\]]+?)\s+\]", _on_one_line, text) + "\n", encoding="utf-8")


def _on_one_line(row: re.Match[str]) -> str:
    cells = re.sub(r",\s+", ", ", row[1])
    return f"[{cells}]"


if __name__ == "__main__":
    main()
