"""What the builds of the flow `infrastructure` do with real stacks, as their own roles and no other."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from localcloud import process
from localcloud.settings import Settings
from localcloud.testing.plain import ACCOUNT, REGION, free_port
from products import names
from slipway_cli import cloud
from slipway_cli.demo import secrets
from tests.end_to_end.infrastructure.rehearsal import PRODUCT, Rehearsal

pytestmark = pytest.mark.long  # fifteen stacks


@pytest.fixture(scope="module", name="rehearsal")
def _rehearsal(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rehearsal]:
    state = tmp_path_factory.mktemp("infrastructure")
    settings = Settings(port=free_port(), state=state, docker=False, account=ACCOUNT, region=REGION)
    process.start(settings)
    try:
        with pytest.MonkeyPatch.context() as variables:
            for name in ("AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"):  # `become` sets them; restored at the end
                variables.setenv(name, "")
            cloud.become(settings)
            secrets.create_missing(settings, PRODUCT)
            rehearsal = Rehearsal(settings)
            rehearsal.begin()
            yield rehearsal
    finally:
        process.stop(settings)


def first(template: dict[str, Any], kind: str) -> dict[str, Any]:
    found: dict[str, Any] = next(value for value in template["Resources"].values() if value["Type"] == kind)
    return found


def test_a_harmless_change_is_deployed_without_a_person(rehearsal: Rehearsal) -> None:
    assembly = rehearsal.changed(
        "harmless",
        "Observability",
        lambda template: first(template, "AWS::CloudWatch::Alarm")["Properties"].update(AlarmDescription="changed"),
    )

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


def test_only_a_target_s_own_build_may_assume_the_roles_that_deploy(rehearsal: Rehearsal) -> None:
    deploys = names.infrastructure_role(PRODUCT.name, "deploy", "staging")
    review = names.infrastructure_role(PRODUCT.name, "review")
    handler = names.handler_role(PRODUCT.name, "production", "deploy")

    assert rehearsal.may_assume(deploys, "deploy")
    assert not rehearsal.may_assume(deploys, "lookup")
    assert not rehearsal.may_assume(deploys, "cfn-exec")
    for other in (review, handler):
        # Even with a policy that allows it, the boundary denies it.
        statement = '{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}'
        rehearsal.plain.client("iam").put_role_policy(RoleName=other, PolicyName="all", PolicyDocument=statement)
        assert not rehearsal.may_assume(other, "deploy")
