"""`make soak`: the handlers' properties under thousands of fault schedules, in one run with one seed.

A schedule is what hypothesis draws for one run of a handler: which requests are throttled, broken, lost or cut off,
when Lambda ends the function, which events come twice, and how the world behaves. The properties are those of
tests/lambda, which `make test` asks a hundred times each.
"""

from __future__ import annotations

import argparse
import importlib.util
import logging
import os
import secrets
import sys
import time
import traceback
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType
from typing import Any

from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st

from paths import CONSTRUCTS, HANDLERS, ROOT

sys.path[:0] = [str(HANDLERS), str(CONSTRUCTS)]  # source roots, as pyproject.toml has them for pytest

from tests.support import fake_pipeline  # noqa: E402 - needs the source roots

ROUND = 250
"""Schedules with one seed of their own: what has to be repeated to see a failure again."""
PHASES = (Phase.generate, Phase.shrink)


@dataclass(frozen=True)
class Property:
    """A test of tests/lambda that takes a schedule, and its share of all schedules."""

    module: str
    test: str
    share: int

    def inner(self) -> Callable[[Any], None]:
        """The test without hypothesis' settings."""
        found: Callable[[Any], None] = getattr(_module(self.module), f"test_{self.test}").hypothesis.inner_test
        return found


PROPERTIES = (
    Property("run_migrations", "whatever_fails_there_is_one_task_one_answer_and_no_success_without_exit_code_0", 36),
    Property("deploy_release", "whatever_fails_the_stack_is_updated_once_and_success_means_the_release_is_there", 20),
    Property("invalidate_cache", "whatever_fails_there_is_one_invalidation_and_one_answer", 10),
    Property("promote_image", "whatever_fails_a_tag_is_the_image_or_is_not", 10),
    Property("verify_release", "whatever_fails_success_means_that_the_release_was_seen", 6),
    Property("publish_release", "whatever_fails_there_is_one_release_on_the_commit", 6),
    Property("report_failure", "events_in_any_order_and_number_end_in_the_same_issue", 6),
    Property("cancel_superseded", "in_any_order_of_events_the_newest_run_of_each_branch_is_what_is_left", 6),
)


@dataclass
class Tally:
    """What was seen, of all schedules; the properties themselves judge each."""

    schedules: Counter[str] = field(default_factory=Counter)
    ends: Counter[str] = field(default_factory=Counter)
    given_up: int = 0
    """Actions without an answer, since Lambda's three calls were all cut short: the most any function could do."""
    hung: int = 0
    doubled: int = 0
    handler: str = ""
    round: int = 0

    def action(self, action: fake_pipeline.Action) -> None:
        """Count how an action ended."""
        self.ends[action.status] += 1
        if action.status == "Hung":
            longest = max((fake_pipeline.in_a_row(each) for each in action.planned.values()), default=0)
            excused = fake_pipeline.spent(action, longest)
            self.given_up, self.hung = self.given_up + excused, self.hung + (not excused)
        self.doubled += int(getattr(action, "started", 0)) > 1


def main(arguments: list[str]) -> int:
    """Run; 1 when a schedule broke a promise, with what to type to see it again."""
    parser = argparse.ArgumentParser(prog="make soak", description=__doc__)
    parser.add_argument("--seed", type=int, default=secrets.randbelow(10**9))
    parser.add_argument("--schedules", type=int, default=10_000)
    parser.add_argument("--only", choices=[each.module for each in PROPERTIES], help="one handler")
    parser.add_argument("--round", type=int, help="one round of that handler")
    asked = parser.parse_args(arguments)
    logging.disable(logging.CRITICAL)  # each fault is logged by the handler it meets
    _say(f"seed {asked.seed}, {asked.schedules} schedules; load {os.getloadavg()[0]:.1f}")
    tally, began = Tally(), time.monotonic()
    fake_pipeline.ended.append(tally.action)
    try:
        for each in PROPERTIES:
            if asked.only in (None, each.module):
                wanted = -(-asked.schedules * each.share // sum(it.share for it in PROPERTIES))
                _soak(each, wanted, asked.seed, asked.round, tally)
    except Exception as error:  # noqa: BLE001 - a broken promise, whatever it is, is what this looks for
        place = traceback.extract_tb(error.__traceback__)[-1]
        _say(f"{Path(place.filename).name}:{place.lineno}: {place.line}: {type(error).__name__}: {error}")
        _say("\n".join(getattr(error, "__notes__", [])))
        _say(f"seen again with: make soak SEED={asked.seed} ONLY={tally.handler} ROUND={tally.round}")
        return 1
    finally:
        fake_pipeline.ended.remove(tally.action)
    minutes, seconds = divmod(time.monotonic() - began, 60)
    ends = ", ".join(f"{count} {end.lower()}" for end, count in sorted(tally.ends.items()) if end != "Hung")
    _say(f"{sum(tally.schedules.values())} schedules in {minutes:.0f} min {seconds:.0f} s; of the actions {ends},")
    _say(f"{tally.given_up} without an answer since all of Lambda's calls were cut off")
    _say(f"{tally.hung} hung, {tally.doubled} doubled migrations")
    return 1 if tally.hung or tally.doubled else 0


def _soak(it: Property, wanted: int, main_seed: int, only_round: int | None, tally: Tally) -> None:
    """Rounds until enough schedules were run: hypothesis ends a round early when it knows no new one."""
    inner, first = it.inner(), tally.schedules[it.module]
    number = only_round or 0
    while tally.schedules[it.module] - first < wanted:
        left = wanted - tally.schedules[it.module] + first

        def scheduled(data: st.DataObject) -> None:
            inner(data)
            tally.schedules[it.module] += 1

        run = settings(
            max_examples=min(ROUND, left),
            deadline=None,
            database=None,
            phases=PHASES,
            suppress_health_check=list(HealthCheck),
        )(given(data=st.data())(scheduled))
        tally.handler, tally.round = it.module, number
        seed(f"{main_seed}/{it.module}/{number}")(run)()
        _say(f"  {it.module}: {tally.schedules[it.module] - first} of {wanted}")
        if only_round is not None:
            return
        number += 1


def _module(name: str) -> ModuleType:
    path = ROOT / "tests" / "lambda" / f"test_{name}.py"
    spec = importlib.util.spec_from_file_location(f"soaked_{name}", path)
    if spec is None or spec.loader is None:
        raise ImportError(f"{path} cannot be loaded")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def _say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
