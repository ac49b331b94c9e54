"""No build, no action that starts one and no task works without any one of its role's statements.

Every statement is really taken away, on a local cloud with containers that asks IAM at each call. `make privileges`
writes what failed.
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

# As IAM, CodePipeline and CodeBuild say it.
REFUSED = re.compile(r"not authorized to perform|may not perform|does not allow AWS CodeBuild")
DOING = {role: doing for roles, doing in WORK.items() for role in roles}
# The rest of this role is tried without containers (localcloud/tests/privileges).
ONLY = {"access: Migrate": {"ReadItsLog"}}
ALL = sorted(it for it in shipped_roles().statements() if it.role in DOING and it.name in ONLY.get(it.role, {it.name}))
NEEDED = [it for it in ALL if reason(it) is None]
KEPT = [it for it in ALL if reason(it) is not None]


@pytest.fixture(scope="module")
def rehearsal(allthrive: AllThrive) -> Rehearsal:
    clone = Clone(allthrive)
    run, _ = clone.push("A whole run")
    clone.tested(run)
    actions = clone.approved(run)
    assert {name: it["status"] for name, it in actions.items() if it["status"] != "Succeeded"} == {}
    return Rehearsal(allthrive.cloud, clone, run)


@pytest.fixture(scope="module")
def failures() -> Iterator[dict[Statement, str]]:
    """What failed without a statement."""
    yield from recorded(NEEDED)


@pytest.mark.parametrize("roles", WORK, ids=lambda it: it[-1])
def test_it_works_also_without_what_is_kept_for_aws_alone(rehearsal: Rehearsal, roles: tuple[str, ...]) -> None:
    with ExitStack() as taken:
        for statement in [it for it in KEPT if it.role in roles]:
            taken.enter_context(rehearsal.deployed.without(rehearsal.role(statement.role), statement.name))
        outcome = WORK[roles](rehearsal)

    assert outcome.done, outcome.said


@pytest.mark.parametrize("statement", NEEDED, ids=lambda it: f"{it.role}, {it.name}")
def test_it_fails_without_a_statement(
    rehearsal: Rehearsal, failures: dict[Statement, str], statement: Statement
) -> None:
    role = rehearsal.role(statement.role)
    assert statement.name in rehearsal.deployed.statements(role)
    with rehearsal.deployed.without(role, statement.name):
        outcome = DOING[statement.role](rehearsal)

    assert not outcome.done
    assert REFUSED.search(outcome.said), outcome.said
    failures[statement] = evidence.summary(outcome.said)
