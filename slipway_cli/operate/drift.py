"""Detects what was changed outside of the stacks, now, with the rights of whoever types the command."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import Any

import boto3

from paths import HANDLERS
from products import Product, names
from slipway_cli.operate import clock
from slipway_cli.operate.errors import OperateError
from slipway_cli.typed import command as typed

if str(HANDLERS) not in sys.path:
    sys.path.append(str(HANDLERS))

from shared import drift
from shared.drift import Difference, NotDetectable

Say = Callable[[str], None]
_TOOLING_STACKS = ("registry", "identity", "delivery")
_EVERY = 2.0  # seconds
_LONGEST = timedelta(minutes=10)


def check(product: Product, part: str, say: Say) -> bool:
    """Print the differences of an environment or of `tooling`; returns True if there are none.

    Raises:
        OperateError: if no stack of it is deployed, or CloudFormation does not answer in ten minutes.
    """
    environment = product.environments.get(part)
    place = environment or product.tooling
    ends = names.environment_stacks(environment.target) if environment else _TOOLING_STACKS
    cloudformation = boto3.client("cloudformation", region_name=place.region)
    stacks = list(drift.find(cloudformation, [names.stack(part, product.name, end) for end in ends]))
    if not stacks:
        raise OperateError(f"no stack of {part} is deployed", typed("status"))
    found: list[Difference] = []
    failed = []
    for stack, detection in [(stack, _started(cloudformation, stack.name)) for stack in stacks]:
        if detection is None:
            failed.append(f"{stack.name} was not checked: its status is {stack.status}")
            continue
        try:
            _wait(cloudformation, stack.name, detection)
        except NotDetectable as error:
            failed.append(f"{stack.name} was not checked completely: {error}")
        found += drift.differences(cloudformation, stack.name) or []
    _print(part, len(stacks), found, failed, say)
    return not found and not failed


def _started(cloudformation: Any, stack: str) -> str | None:
    """Returns the id of a detection, empty if another one is in progress; None if the stack cannot be checked now."""
    try:
        return drift.start(cloudformation, stack)
    except NotDetectable:
        return None


def _wait(cloudformation: Any, stack: str, detection: str) -> None:
    if not detection:
        raise NotDetectable("another detection is in progress; try again in a minute")
    end = clock.now() + _LONGEST
    while not drift.finished(cloudformation, detection):
        if clock.now() > end:
            raise OperateError(f"the detection of {stack} did not end within ten minutes", typed("drift"))
        clock.pause(_EVERY)


def _print(part: str, stacks: int, found: Sequence[Difference], failed: Sequence[str], say: Say) -> None:
    for difference in found:
        say(f"{difference.stack}: {difference.resource} ({difference.kind}) {difference.property}".rstrip())
        say(f"    expected {difference.expected}")
        say(f"    actual   {difference.actual}")
    for sentence in failed:
        say(sentence)
    if found:
        say(f"{part}: {len(found)} differences in {stacks} stacks. Nothing was reverted: docs/runbook.md#drift")
    elif not failed:
        say(f"{part}: {stacks} stacks, no difference")
