"""The builds of the flow `infrastructure` review and deploy real stacks, as their own roles and no other."""

from __future__ import annotations

from typing import Any

import pytest

from localcloud.testing.cloud import until
from localcloud.testing.plain import ACCOUNT, REGION
from products import names
from tests.end_to_end.infrastructure.changes import described, first
from tests.end_to_end.infrastructure.rehearsal import PRODUCT, Rehearsal

pytestmark = pytest.mark.long  # fifteen stacks


def test_a_harmless_change_is_deployed_without_a_person(rehearsal: Rehearsal) -> None:
    assembly = rehearsal.changed("harmless", "Observability", described("changed"))

    review = rehearsal.review(assembly)
    code, output = rehearsal.deploy(assembly)

    assert (review["APPROVE_STAGING"], review["APPROVE_PRODUCTION"]) == ("not-needed", "not-needed")
    assert code == 0, output
    assert "are stable, and run the same release" in output


def test_a_replaced_database_and_broader_permissions_wait_for_a_person(rehearsal: Rehearsal) -> None:
    def replace(template: dict[str, Any]) -> None:
        first(template, "AWS::RDS::DBInstance")["Properties"]["Engine"] = "mysql"

    def broaden(template: dict[str, Any]) -> None:
        statements = first(template, "AWS::IAM::Policy")["Properties"]["PolicyDocument"]["Statement"]
        statements.append({"Effect": "Allow", "Action": "s3:DeleteBucket", "Resource": "*"})

    replaced = rehearsal.review(rehearsal.changed("replaced", "Data", replace, target="production"))
    broader = rehearsal.review(rehearsal.changed("broader", "Services", broaden))

    assert (replaced["APPROVE_PRODUCTION"], replaced["APPROVE_STAGING"]) == ("needed", "not-needed")
    assert "data store replaced" in replaced["WHY_PRODUCTION"]
    assert (broader["APPROVE_STAGING"], broader["APPROVE_PRODUCTION"]) == ("needed", "not-needed")
    assert "permissions grow" in broader["WHY_STAGING"]


def test_a_broken_template_fails_in_staging_with_its_cause_and_leaves_production(rehearsal: Rehearsal) -> None:
    topic = f"arn:aws:sns:{REGION}:{ACCOUNT}:nowhere"
    bad = {
        "Type": "AWS::SNS::Subscription",
        "Properties": {"Protocol": "email", "Endpoint": "a@b.c", "TopicArn": topic},
    }
    assembly = rehearsal.changed("broken", "Observability", lambda template: template["Resources"].update(Broken=bad))
    rehearsal.review(assembly)

    code, output = rehearsal.deploy(assembly)

    assert code == 1
    assert "FAILED: staging was not deployed:\nstaging/Observability/Broken (AWS::SNS::Subscription)" in output
    assert rehearsal.state(names.stack("staging", PRODUCT.name, "observability")) == "UPDATE_ROLLBACK_COMPLETE"
    assert rehearsal.state(names.stack("production", PRODUCT.name, "observability")) == "CREATE_COMPLETE"


@pytest.mark.parametrize("moment", ["creating CloudFormation changeset", "UPDATE_IN_PROGRESS"])
def test_a_deployment_that_is_killed_leaves_complete_stacks_and_the_next_push_succeeds(
    rehearsal: Rehearsal, moment: str
) -> None:
    name = f"killed-{moment[:6].lower()}"
    killed = rehearsal.changed(name, "Observability", described(name))
    following = rehearsal.changed(f"after-{name}", "Observability", described(f"after {name}"))
    stack = names.stack("staging", PRODUCT.name, "observability")
    rehearsal.review(killed)

    rehearsal.kill_deployment(killed, at=moment)

    until("the end of the update", lambda: not rehearsal.state(stack).endswith("_IN_PROGRESS"))
    assert rehearsal.state(stack) in ("CREATE_COMPLETE", "UPDATE_COMPLETE", "UPDATE_ROLLBACK_COMPLETE")
    rehearsal.review(following)
    code, output = rehearsal.deploy(following)
    assert code == 0, output
    assert rehearsal.state(stack) == "UPDATE_COMPLETE"


def test_of_two_deployments_at_once_none_overwrites_the_other_unseen(rehearsal: Rehearsal) -> None:
    one = rehearsal.changed("operator-one", "Observability", described("one"))
    other = rehearsal.changed("operator-two", "Observability", described("two"))
    rehearsal.review(one)
    rehearsal.review(other)

    running = [rehearsal.begin_deployment(assembly) for assembly in (one, other)]
    outputs = [process.communicate()[0] for process in running]

    codes = [process.returncode for process in running]
    assert 0 in codes, outputs
    for code, output in zip(codes, outputs, strict=True):
        if code:
            assert "slipway start infrastructure" in output or "slipway retry infrastructure" in output
            assert "Traceback" not in output
    assert rehearsal.state(names.stack("staging", PRODUCT.name, "observability")) == "UPDATE_COMPLETE"


def test_a_push_during_a_manual_deployment_asks_for_a_new_review(rehearsal: Rehearsal) -> None:
    pushed = rehearsal.changed("pushed", "Observability", described("pushed"))
    manual = rehearsal.changed("manual", "Observability", described("manual"))
    rehearsal.review(pushed)
    rehearsal.by_hand(manual)

    code, output = rehearsal.deploy(pushed)

    assert code == 1
    assert "staging/Observability" in output
    assert "was changed after the review" in output
    assert "slipway start infrastructure" in output
    rehearsal.review(pushed)
    assert rehearsal.deploy(pushed)[0] == 0


def test_a_change_set_that_failed_does_not_stop_the_next_deployment(rehearsal: Rehearsal) -> None:
    stack = names.stack("staging", PRODUCT.name, "observability")
    failed = rehearsal.fail_change_set(stack)
    assembly = rehearsal.changed("after-failed", "Observability", described("after a failed change set"))
    rehearsal.review(assembly)

    code, output = rehearsal.deploy(assembly)

    assert failed == "FAILED"
    assert code == 0, output


def test_only_a_target_s_own_build_may_assume_the_roles_that_deploy(rehearsal: Rehearsal) -> None:
    deploys = names.infrastructure_role(PRODUCT.name, "deploy", "staging")
    review = names.infrastructure_role(PRODUCT.name, "review")
    handler = names.handler_role(PRODUCT.name, "production", "deploy")

    assert rehearsal.may_assume(deploys, "deploy")
    assert not rehearsal.may_assume(deploys, "lookup")
    assert not rehearsal.may_assume(deploys, "cfn-exec")
    for other in (review, handler):
        # Even with a policy that allows it, the boundary denies it.
        with rehearsal.allowed_everything(other):
            assert not rehearsal.may_assume(other, "deploy")
