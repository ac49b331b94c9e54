"""Each right of the roles that review and deploy is needed: without it, the work fails or a person is asked."""

from __future__ import annotations

import pytest

from products import names
from tests.end_to_end.infrastructure.changes import described
from tests.end_to_end.infrastructure.rehearsal import PRODUCT, Rehearsal

pytestmark = pytest.mark.long

REVIEW = names.infrastructure_role(PRODUCT.name, "review")
READER = names.access_role("staging", PRODUCT.name, "review")
DEPLOY = names.infrastructure_role(PRODUCT.name, "deploy", "staging")


@pytest.mark.parametrize(
    ("role", "statement", "refused"),
    [
        (REVIEW, "ReadToolingStacks", "GetTemplate"),
        (REVIEW, "SeeOlderRuns", "GetPipelineState"),
        (READER, "ReadStacks", "GetTemplate"),
    ],
)
def test_a_review_that_may_not_read_fails_and_names_the_call(
    rehearsal: Rehearsal, role: str, statement: str, refused: str
) -> None:
    assembly = rehearsal.changed(f"unread-{statement}", "Observability", described("unread"))

    with rehearsal.without(role, statement):
        code, output = rehearsal.compare(assembly)

    assert code == 1
    assert refused in output
    assert "Traceback" not in output


def test_a_review_that_may_not_assume_the_readers_asks_a_person(rehearsal: Rehearsal) -> None:
    assembly = rehearsal.changed("unassumed", "Observability", described("unassumed"))

    with rehearsal.without(REVIEW, "ReadStacksOfEnvironments"):
        found = rehearsal.review(assembly)

    assert (found["APPROVE_STAGING"], found["APPROVE_PRODUCTION"]) == ("needed", "needed")


def test_a_build_without_the_roles_of_the_bootstrap_deploys_nothing(rehearsal: Rehearsal) -> None:
    assembly = rehearsal.changed("undeployed", "Observability", described("undeployed"))
    rehearsal.review(assembly)

    with rehearsal.without(DEPLOY, "DeployStacks"):
        code, output = rehearsal.deploy(assembly)

    assert code == 1
    assert "AssumeRole" in output
