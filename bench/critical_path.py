"""The model of AWS times: the critical path of every pipeline, and of what it is compared with."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from pathlib import Path

from bench.aws_times import TIMES
from bench.pipeline_graphs import Graph, Step, before, cdk_pipelines, now, sequential

# The work of each kind of step, beside what its compute adds: names in TIMES, one after the other.
WORK: Mapping[str, tuple[str, ...]] = {
    "SOURCE": ("trigger", "source"),
    "IMAGE": ("pull runtime", "install python", "image", "push"),
    "BUNDLE": ("pull runtime", "install node", "bundle"),
    "COMPOSE": ("collect",),
    "MANIFESTS": ("collect",),
    "FIND": (),
    "PUBLISH": ("copy layers",),
    "SCAN": ("scan",),
    "PROTECT": (),
    "APPROVAL": (),  # the time of a person is no pipeline's
    "PREPARE": ("update stack", "continue"),
    "MIGRATE": ("start task", "migrate", "continue"),
    "DEPLOY": ("update stack", "start task", "healthy", "drain", "steady", "continue"),
    "MIGRATE_ON_HOST": ("command", "pull on host", "migrate", "continue"),
    "DEPLOY_TO_HOSTS": ("command", "drain host", "recreate", "continue"),
    "VERIFY_HOSTS": ("command", "continue"),
    "MIGRATE_ON_KUBERNETES": ("command", "pull on host", "migrate", "continue"),
    "DEPLOY_TO_KUBERNETES": ("command", "recreate", "continue"),
    "VERIFY_KUBERNETES": ("command", "continue"),
    "FRONTEND": ("publish frontend",),
    "INVALIDATE": ("invalidate", "continue"),
    "VERIFY": (),
    "SMOKE": ("smoke",),
    "E2E": ("pull playwright", "install e2e", "e2e"),
    "PROMOTE": (),
    "PUBLIC": ("push",),
    "RELEASE": (),
    "SYNTH": ("cdk synth",),
    "POLICY": ("policy",),
    "REVIEW": ("review",),
    "COMMENT": (),
    "DEPLOY_STACKS": ("deploy stacks",),
    "CDK_SYNTH": ("cdk synth",),
    "CDK_SELF_MUTATION": ("self mutation",),
    "CDK_PREPARE": ("change set",),
    "CDK_UNCHANGED": ("unchanged stack",),
    "CDK_DEPLOY": ("update stack", "start task", "healthy", "drain", "steady"),
    "CDK_FRONTEND": ("update stack", "publish frontend", "invalidate"),
}
# Pulls that a build which prefetches hides behind its installs, since these take longer.
PULLS: Mapping[str, tuple[str, ...]] = {
    "backend": ("pull small", "pull small"),
    "migrations": ("pull small",),
    "browser": ("pull small", "pull small", "pull small", "pull runtime", "pull playwright"),
}
CHECKS: Mapping[str, tuple[str, ...]] = {
    "": ("platform",),
    "backend": ("pull runtime", "install python", "backend"),
    "migrations": ("pull runtime", "install python", "migrations"),
    "frontend": ("pull runtime", "install node", "frontend"),
    "seo": ("seo",),
    "browser": ("pull runtime", "install python", "install node", "bundle", "install e2e", "browser"),
}
_HEADER = (
    f"{'':30} {'now':>6} {'before':>7} {'ratio':>6} {'in sequence':>12} {'ratio':>6} {'CDK Pipelines':>14} {'ratio':>6}"
)
_BUILD = ("queue", "provision machine", "download", "finish")
COMPUTE: Mapping[str, tuple[str, ...]] = {
    "pipeline": (),
    "function": ("invoke",),
    "lambda": ("queue", "provision lambda", "download", "finish"),
    "small": _BUILD,
    "medium": _BUILD,
    "large": _BUILD,
    "cloudformation": (),
}


def parts(step: Step) -> tuple[str, ...]:
    """Returns the names of the times that a step consists of.

    Raises:
        KeyError: if the model knows no time for its kind or compute.
    """
    work = CHECKS.get(step.what, ("pull runtime", "other check")) if step.kind == "CHECK" else WORK[step.kind]
    pulls = () if step.prefetched else PULLS.get(step.what, ())
    return ("transition", *COMPUTE[step.compute], *pulls, *work)


def seconds(step: Step) -> float:
    """Returns the time of one step."""
    return sum(TIMES[part].seconds for part in parts(step))


def critical_path(steps: Graph) -> list[Step]:
    """Returns the longest step of each run order of each stage: the next order waits for it."""
    longest: dict[tuple[str, int], Step] = {}
    for step in steps:
        place = (step.stage, step.order)
        if place not in longest or seconds(step) > seconds(longest[place]):
            longest[place] = step
    return list(longest.values())


def length(steps: Graph) -> float:
    """Returns the seconds from the push to the end of the last stage, without the time of a person."""
    return sum(seconds(step) for step in critical_path(steps))


def report() -> str:
    """Returns the table of all pipelines, and the critical path of each pipeline that releases."""
    old, new = before(), now()
    lines = [
        "Seconds from a push to the end of the last stage on AWS, by the model in bench/aws_times.py (not measured)",
        _HEADER,
    ]
    for pipeline, steps in new.items():
        today, former = length(steps), old.get(pipeline, steps)
        others = [length(former), length(sequential(former)), length(cdk_pipelines(former))]
        cells = [f"{other:{width}.0f} {today / other:6.2f}" for other, width in zip(others, (7, 12, 14), strict=True)]
        lines.append(f"{pipeline:30} {today:6.0f} {' '.join(cells)}")
    for pipeline, steps in new.items():
        if any(step.kind == "RELEASE" for step in steps):
            lines += ["", f"Critical path of {pipeline}"]
            lines += [
                f"{seconds(step):6.0f} s  {step.label:26} {' + '.join(parts(step))}" for step in critical_path(steps)
            ]
    return "\n".join(lines)


def compared(file: Path) -> str:
    """Returns the times of a real run, which `slipway follow --times FILE` recorded, beside those of the model.

    Raises:
        KeyError: if the model has no such pipeline.
    """
    recorded = json.loads(file.read_text(encoding="utf-8"))
    model = {step.label: step for step in now()[recorded["pipeline"]]}
    lines = [f"{recorded['pipeline']}, run {recorded['run']}", f"{'':28} {'run':>6} {'model':>6}  the model adds up"]
    for action in recorded["actions"]:
        label = f"{action['stage']}/{action['action']}"
        step = model.get(label)
        told = f"{seconds(step):6.0f}  {' + '.join(parts(step))}" if step else f"{'':6}  not in the model"
        lines.append(f"{label:28} {action['seconds']:6.0f} {told}")
    return "\n".join(lines)


if __name__ == "__main__":
    print(compared(Path(sys.argv[1])) if len(sys.argv) > 1 else report())
