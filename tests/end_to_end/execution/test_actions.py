"""The execution role has no superfluous action: without any of them CloudFormation fails and names the action."""

from __future__ import annotations

import pytest

from localcloud.cloudformation import needs
from tests.end_to_end.execution.rights import Executed, Witness, actions, witnesses

pytestmark = pytest.mark.local

_ORDER = (needs.CREATE, needs.UPDATE, needs.DELETE)  # the cheapest to test first


def _witness(action: str) -> Witness:
    return min(witnesses()[action], key=lambda witness: _ORDER.index(witness.verb))


def _sample() -> list[str]:
    """Returns one action of each service that creates a resource."""
    found = {(action.partition(":")[0], _witness(action).verb): action for action in reversed(actions())}
    return sorted(action for (_, verb), action in found.items() if verb == needs.CREATE)


def test_every_action_is_needed_by_some_resource() -> None:
    assert set(actions()) == set(witnesses())
    assert [action for action, found in witnesses().items() if not found] == []


@pytest.mark.parametrize("action", _sample())
def test_without_an_action_of_a_service_a_deployment_fails_and_names_it(executed: Executed, action: str) -> None:
    with executed.lacking(action):
        assert f"is not authorized to perform: {action} on" in executed.refused(_witness(action))


@pytest.mark.long
@pytest.mark.parametrize("action", actions())
def test_without_any_one_action_a_deployment_fails_and_names_it(executed: Executed, action: str) -> None:
    with executed.lacking(action):
        assert f"is not authorized to perform: {action} on" in executed.refused(_witness(action))
