"""Every build, every action that starts one, and every task fails without any single statement of its role.

Each statement is really removed, on a local cloud with containers that checks IAM for each call. `make privileges`
records the failures.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from policy.privileges import evidence
from policy.privileges.reasons import reason
from policy.privileges.roles import Statement
from policy.privileges.table import shipped_roles
from tests.end_to_end.allthrive.clone import Clone
from tests.end_to_end.allthrive.conftest import AllThrive
from tests.end_to_end.allthrive.rehearsal import WORK, Rehearsal
from tests.end_to_end.privileges.recorded import recorded

pytestmark = [pytest.mark.local, pytest.mark.docker, pytest.mark.slow, pytest.mark.long]

# Messages of IAM, CodePipeline and CodeBuild.
REFUSED = re.compile(r"not authorized to perform|may not perform|does not allow AWS CodeBuild")
DOING = {role: doing for roles, doing in WORK.items() for role in roles}
# The other statements of this role are tested without containers (tests/end_to_end/privileges).
ONLY = {"access: Migrate": {"ReadItsLog"}}
ALL = sorted(
    statement
    for statement in shipped_roles().statements()
    if statement.role in DOING and statement.name in ONLY.get(statement.role, {statement.name})
)
NEEDED = [statement for statement in ALL if reason(statement) is None]
KEPT = [statement for statement in ALL if reason(statement) is not None]


@pytest.fixture(scope="module")
def rehearsal(allthrive: AllThrive) -> Rehearsal:
    clone = Clone(allthrive)
    run, _ = clone.push("A whole run")
    clone.tested(run)
    actions = clone.approved(run)
    assert {name: action["status"] for name, action in actions.items() if action["status"] != "Succeeded"} == {}
    return Rehearsal(allthrive.cloud, clone, run)


@pytest.fixture(scope="module")
def failures() -> Iterator[dict[Statement, str]]:
    """The failure without each statement."""
    yield from recorded(NEEDED)


@pytest.mark.parametrize("roles", WORK, ids=lambda roles: roles[-1])
def test_the_work_succeeds_without_the_statements_that_only_aws_needs(
    rehearsal: Rehearsal, roles: tuple[str, ...]
) -> None:
    with ExitStack() as taken:
        for statement in [kept for kept in KEPT if kept.role in roles]:
            taken.enter_context(rehearsal.deployed.without(rehearsal.role(statement.role), statement.name))
        outcome = WORK[roles](rehearsal)

    assert outcome.succeeded, outcome.output


@pytest.mark.parametrize("statement", NEEDED, ids=lambda statement: f"{statement.role}, {statement.name}")
def test_the_work_fails_without_a_statement(
    rehearsal: Rehearsal, failures: dict[Statement, str], statement: Statement
) -> None:
    role = rehearsal.role(statement.role)
    assert statement.name in rehearsal.deployed.statements(role)
    with rehearsal.deployed.without(role, statement.name):
        outcome = DOING[statement.role](rehearsal)

    assert not outcome.succeeded
    assert REFUSED.search(outcome.output), outcome.output
    failures[statement] = evidence.summary(outcome.output)
