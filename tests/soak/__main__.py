"""`make soak`: checks the properties of the handlers under thousands of fault schedules, all from one seed.

A schedule is the data that Hypothesis draws for one test of a handler: which requests are throttled, broken, lost or
cut off, when Lambda ends the function, which events come twice, and how AWS and GitHub behave. The properties are
tests of tests/lambda, which `make test` runs with up to 150 schedules each.
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
"""The number of schedules that share a derived seed; a failure is reproduced by repeating one such round."""
PHASES = (Phase.generate, Phase.shrink)


@dataclass(frozen=True)
class Property:
    """A test of tests/lambda that takes a schedule, and its percentage of all schedules."""

    module: str
    test: str
    share: int

    def inner(self) -> Callable[[Any], None]:
        """Returns the test function without its Hypothesis settings."""
        found: Callable[[Any], None] = getattr(_module(self.module), f"test_{self.test}").hypothesis.inner_test
        return found


PROPERTIES = (
    Property("run_migrations", "whatever_fails_there_is_one_task_one_answer_and_no_success_without_exit_code_0", 22),
    Property("deploy_release", "whatever_fails_the_stack_is_updated_once_and_success_means_it_has_the_release", 20),
    Property("deploy_hosts_faults", "whatever_fails_all_hosts_run_the_same_release_and_success_means_the_new_one", 6),
    Property("invalidate_cache", "whatever_fails_there_is_one_invalidation_and_one_answer", 10),
    Property("promote_image", "whatever_fails_a_tag_names_the_image_or_does_not_exist", 10),
    Property("publish_build", "whatever_fails_no_tag_names_another_image", 4),
    Property("publish_image", "whatever_fails_a_public_tag_names_the_image_or_does_not_exist", 4),
    Property("verify_release", "whatever_fails_success_means_that_the_release_was_seen_running", 6),
    Property("publish_release", "whatever_fails_there_is_one_release_on_the_commit", 6),
    Property("report_failure", "events_in_any_order_and_number_end_in_the_same_issue", 6),
    Property("cancel_superseded", "events_in_any_order_leave_the_newest_run_of_each_branch", 6),
)


@dataclass
class Tally:
    """Counts the schedules and the results of their actions; the tests themselves assert the properties."""

    schedules: Counter[str] = field(default_factory=Counter)
    ends: Counter[str] = field(default_factory=Counter)
    given_up: int = 0
    """Actions without an answer because all three of Lambda's calls were cut off, which no handler can prevent."""
    hung: int = 0
    doubled: int = 0
    handler: str = ""
    round: int = 0

    def action(self, action: fake_pipeline.Action) -> None:
        """Count how an action ended."""
        self.ends[action.status] += 1
        if action.status == "Hung":
            longest = max((fake_pipeline.in_a_row(plan) for plan in action.planned.values()), default=0)
            excused = fake_pipeline.spent(action, longest)
            self.given_up, self.hung = self.given_up + excused, self.hung + (not excused)
        self.doubled += int(getattr(action, "started", 0)) > 1


def main(arguments: list[str]) -> int:
    """Runs the soak; returns 1 if a schedule violates a property, and prints the command that reproduces it."""
    parser = argparse.ArgumentParser(prog="make soak", description=__doc__)
    parser.add_argument("--seed", type=int, default=secrets.randbelow(10**9))
    parser.add_argument("--schedules", type=int, default=10_000)
    parser.add_argument("--only", choices=[prop.module for prop in PROPERTIES], help="soak only one handler")
    parser.add_argument("--round", type=int, help="only one round of that handler")
    options = parser.parse_args(arguments)
    logging.disable(logging.CRITICAL)  # a handler logs every fault that it meets
    _say(f"seed {options.seed}, {options.schedules} schedules; load {os.getloadavg()[0]:.1f}")
    tally, began = Tally(), time.monotonic()
    fake_pipeline.ended.append(tally.action)
    try:
        for prop in PROPERTIES:
            if options.only in (None, prop.module):
                wanted = -(-options.schedules * prop.share // sum(other.share for other in PROPERTIES))
                _soak(prop, wanted, options.seed, options.round, tally)
    except Exception as error:  # noqa: BLE001 - any exception of a test is a violated property
        place = traceback.extract_tb(error.__traceback__)[-1]
        _say(f"{Path(place.filename).name}:{place.lineno}: {place.line}: {type(error).__name__}: {error}")
        _say("\n".join(getattr(error, "__notes__", [])))
        _say(f"reproduce it with: make soak SEED={options.seed} ONLY={tally.handler} ROUND={tally.round}")
        return 1
    finally:
        fake_pipeline.ended.remove(tally.action)
    minutes, seconds = divmod(time.monotonic() - began, 60)
    ends = ", ".join(f"{count} {end.lower()}" for end, count in sorted(tally.ends.items()) if end != "Hung")
    _say(f"{sum(tally.schedules.values())} schedules in {minutes:.0f} min {seconds:.0f} s; of the actions {ends},")
    _say(f"{tally.given_up} without an answer since all of Lambda's calls were cut off")
    _say(f"{tally.hung} hung, {tally.doubled} doubled migrations")
    return 1 if tally.hung or tally.doubled else 0


def _soak(prop: Property, wanted: int, main_seed: int, only_round: int | None, tally: Tally) -> None:
    """Runs rounds until there were enough schedules; Hypothesis ends a round early if it finds no new schedule."""
    inner, first = prop.inner(), tally.schedules[prop.module]
    number = only_round or 0
    while tally.schedules[prop.module] - first < wanted:
        left = wanted - tally.schedules[prop.module] + first

        def scheduled(data: st.DataObject) -> None:
            inner(data)
            tally.schedules[prop.module] += 1

        run = settings(
            max_examples=min(ROUND, left),
            deadline=None,
            database=None,
            phases=PHASES,
            suppress_health_check=list(HealthCheck),
        )(given(data=st.data())(scheduled))
        tally.handler, tally.round = prop.module, number
        seed(f"{main_seed}/{prop.module}/{number}")(run)()
        _say(f"  {prop.module}: {tally.schedules[prop.module] - first} of {wanted}")
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
