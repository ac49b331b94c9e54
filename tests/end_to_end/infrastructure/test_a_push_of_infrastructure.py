"""Pushes to the platform repository on a local cloud with containers: to the tooling, to a person, and to a failure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest

from localcloud.settings import Settings
from localcloud.testing.cloud import until
from localcloud.testing.fixtures import elsewhere
from tests.end_to_end.infrastructure.platform_repository import PIPELINE, PRODUCT, QUICK, Platform, demonstrated

pytestmark = [pytest.mark.local, pytest.mark.docker, pytest.mark.slow, pytest.mark.long]

HERE = ("--product", PRODUCT.name)
BROKEN = '''        from aws_cdk import aws_sns as sns

        sns.CfnSubscription(
            self,
            "Broken",
            protocol="email",
            endpoint="a@b.example",
            topic_arn=f"arn:aws:sns:{self.region}:{self.account}:nowhere",
        )
        self.output("AlarmTopic"'''


@pytest.fixture(scope="module", name="platform")
def _platform(tmp_path_factory: pytest.TempPathFactory, common: Settings) -> Iterator[Platform]:
    builds = {**common.build_variables, **QUICK}
    with elsewhere(tmp_path_factory, replace(common, account=PRODUCT.tooling.account, build_variables=builds)) as cloud:
        yield demonstrated(cloud)


def test_a_harmless_change_reaches_the_tooling_and_the_pipeline_itself_without_a_person(platform: Platform) -> None:
    platform.edit("products/examples/tiny.yaml", "health_path: /}", "health_path: /ready}")
    platform.edit("stacks/delivery/infrastructure.py", "change the stacks of", "alter the stacks of")

    run = platform.push("Health at /ready")
    actions = platform.ended(run)

    assert platform.said(run) == ""
    last = actions.pop("Tooling/Deploy")
    assert set(actions.values()) == {"Succeeded"}
    assert not [name for name in actions if name.endswith("/Approve")]
    assert "are stable, and run the same release" in platform.log(platform.actions(run)["Production/Deploy"])
    # The pipeline changed in its last stage: CodePipeline ends the run, and starts another one of the same commit.
    assert (platform.status(run), last) == ("Cancelled", "Abandoned")
    commit = platform.git("rev-parse", "HEAD")
    until("the next run", lambda: [other for other, sha in platform.runs() if sha == commit and other != run])
    assert "alter the stacks of" in str(platform.client("codepipeline").get_pipeline(name=PIPELINE))
    (comment,) = platform.github(f"/commits/{commit}/comments")
    assert "0 approvals" in comment["body"]


@pytest.mark.last
def test_a_person_approves_and_rejects_and_a_broken_template_leaves_production(platform: Platform) -> None:
    platform.edit("products/examples/tiny.yaml", "services: {web: {", "services: {web: {shell_access: true, ")
    run = platform.push("Shells for operators")
    platform.waits(run, "ApproveStaging/Approve")
    asked = platform.slipway("approve", "infrastructure", *HERE, "--yes", "--reason", "seen")
    platform.edit("stacks/observability.py", '        self.output("AlarmTopic"', BROKEN)
    broken = platform.push("A subscription to nothing")
    platform.waits(run, "ApproveProduction/Approve")
    platform.slipway("reject", "infrastructure", *HERE, "--yes", "--reason", "not today")

    actions = platform.ended(run)

    assert "permissions grow" in asked
    assert actions["Staging/Deploy"] == "Succeeded"
    assert "Production/Deploy" not in actions
    assert platform.status(run) == "Failed"
    issue = platform.issue(lambda found: PRODUCT.name in found["title"])
    assert "not today" in issue["body"]

    actions = platform.ended(broken)

    assert actions["Staging/Deploy"] == "Failed"
    assert "Production/Deploy" not in actions
    cause = "staging/Observability/Broken"
    said = until("the cause", lambda: [text for text in platform.discussion(issue) if cause in text])
    assert "AWS::SNS::Subscription" in said[0]
    assert platform.stack("staging", "observability")["StackStatus"] == "UPDATE_ROLLBACK_COMPLETE"
    assert platform.stack("production", "observability")["StackStatus"] != "UPDATE_ROLLBACK_COMPLETE"
