"""A deployment deploys what was reviewed, or nothing, and says why and what to type."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

import cloud_assembly
import stack_states

PROGRAM = Path(cloud_assembly.__file__).with_name("deploy_stacks.py")
TEMPLATE = {
    "Parameters": {"WebImage": {"Type": "String", "Default": "unreleased"}},
    "Resources": {"Database": {"Type": "AWS::RDS::DBInstance"}},
}
# Stands for the AWS CLI: answers from world.json and records what it was asked.
AWS = """#!{python}
import json, pathlib, sys
folder = pathlib.Path(__file__).parent
world, words = json.loads((folder / "world.json").read_text()), sys.argv[1:]
with (folder / "asked").open("a") as asked:
    print(*words[:2], file=asked)
if words[1] == "assume-role":
    print(json.dumps({{"Credentials": {{"AccessKeyId": "a", "SecretAccessKey": "b", "SessionToken": "c"}}}}))
elif words[1] == "describe-stacks":
    count = sum(line == "cloudformation describe-stacks\\n" for line in (folder / "asked").open())
    print(json.dumps({{"Stacks": world["stacks"][min(count, len(world["stacks"])) - 1]}}))
elif words[1] == "get-template":
    print(json.dumps({{"TemplateBody": world["template"]}}))
else:
    print(json.dumps({{"StackEvents": world["events"]}}))
"""
# Stands for Node.js with the CDK CLI: records its words, and fails the verbs that world.json names.
NODE = """#!{python}
import json, pathlib, sys
folder = pathlib.Path(__file__).parent
with (folder / "cdk").open("a") as log:
    print(*sys.argv[2:], file=log)
sys.exit(int(sys.argv[2] in json.loads((folder / "world.json").read_text())["fails"]))
"""


def stack(state: str, **parameters: str) -> dict[str, Any]:
    given = [{"ParameterKey": key, "ParameterValue": value} for key, value in parameters.items()]
    return {"StackName": "staging-shop-data", "StackStatus": state, "Parameters": given}


@dataclass
class Build:
    """The build, in a folder with an assembly of one stack."""

    folder: Path
    states: list[dict[str, Any]] = field(default_factory=lambda: [stack("UPDATE_COMPLETE")])
    """The stack at each question; the last one stays."""
    deployed: dict[str, Any] = field(default_factory=lambda: {"Resources": {}})
    reviewed: dict[str, Any] | None = field(default_factory=lambda: {"Resources": {}})
    events: list[dict[str, Any]] = field(default_factory=list)
    fails: tuple[str, ...] = ()
    variables: dict[str, str] = field(default_factory=dict)

    def run(self) -> subprocess.CompletedProcess[str]:
        bin_, assembly, review = self.folder / "bin", self.folder / "assembly", self.folder / "review"
        for made in (bin_, assembly, review):
            made.mkdir()
        self._write_assembly(assembly)
        world = {
            "stacks": [[found] if found else [] for found in self.states],
            "template": self.deployed,
            "events": self.events,
            "fails": self.fails,
        }
        (bin_ / "world.json").write_text(json.dumps(world))
        for name, text in (("aws", AWS), ("node", NODE)):
            (bin_ / name).write_text(text.format(python=sys.executable))
            (bin_ / name).chmod(0o755)
        known = {} if self.reviewed is None else {"staging-shop-data": cloud_assembly.template_digest(self.reviewed)}
        (review / "reviewed.json").write_text(json.dumps(known))
        variables = {
            "TARGET": "staging",
            "ASSEMBLY": cloud_assembly.digest(assembly),
            "REVIEWED": hashlib.sha256((review / "reviewed.json").read_bytes()).hexdigest(),
            "REVIEW_FOLDER": "REVIEW",
            "REVIEW": str(review),
            "DEPLOY_ROLE": "arn:aws:iam::111122223333:role/cdk-hnb659fds-deploy-role-111122223333-us-east-1",
            "REGION": "us-east-1",
            "EXECUTION": "0f1e2d3c-0000-4000-8000-000000000000",
            "WAIT_MINUTES": "0",
            "WORK": str(self.folder),
            "CODEBUILD_SRC_DIR": str(assembly),
        }
        return subprocess.run(
            [sys.executable, str(PROGRAM)],
            env={**os.environ, "PATH": f"{bin_}:{os.environ['PATH']}", **variables, **self.variables},
            capture_output=True,
            text=True,
            check=False,
        )

    @staticmethod
    def _write_assembly(folder: Path) -> None:
        nested = folder / "assembly-staging"
        nested.mkdir()
        stage = {"type": "cdk:cloud-assembly", "properties": {"directoryName": "assembly-staging"}}
        (folder / "manifest.json").write_text(json.dumps({"artifacts": {"assembly-staging": stage}}))
        (nested / "data.template.json").write_text(json.dumps(TEMPLATE))
        found = {
            "type": "aws:cloudformation:stack",
            "displayName": "staging/Data",
            "properties": {"templateFile": "data.template.json", "stackName": "staging-shop-data"},
            "metadata": {"/staging/Data/Database/Resource": [{"type": "aws:cdk:logicalId", "data": "Database"}]},
        }
        (nested / "manifest.json").write_text(json.dumps({"artifacts": {"stagingData": found}}))

    @property
    def cdk(self) -> list[str]:
        """The verbs that the CDK CLI was called with."""
        log = self.folder / "bin" / "cdk"
        return [line.split()[0] for line in log.read_text().splitlines()] if log.exists() else []

    @property
    def deployment(self) -> str:
        """The words of the deployment."""
        log = (self.folder / "bin" / "cdk").read_text().splitlines()
        return next(line for line in log if line.startswith("deploy"))


@pytest.fixture
def build(tmp_path: Path) -> Build:
    return Build(tmp_path)


def test_the_reviewed_stacks_are_deployed_and_verified(build: Build) -> None:
    done = build.run()

    assert done.returncode == 0, done.stderr
    assert "1 stacks of staging are stable, and run the same release" in done.stdout
    assert build.cdk == ["validate", "deploy"]


def test_the_cli_asks_nobody_never_ends_early_and_has_its_own_change_set(build: Build) -> None:
    build.run()

    assert "staging/*" in build.deployment
    assert "--require-approval never" in build.deployment
    assert "--change-set-name slipway-0f1e2d3c" in build.deployment
    assert "--express" not in build.deployment


@pytest.mark.parametrize("variable", ["ASSEMBLY", "REVIEWED"])
def test_another_assembly_or_review_than_the_run_s_is_not_deployed(build: Build, variable: str) -> None:
    build.variables[variable] = "0" * 64

    done = build.run()

    assert done.returncode == 1
    assert "digest" in done.stderr
    assert build.cdk == []


def test_stacks_that_somebody_changed_after_the_review_are_not_deployed(build: Build) -> None:
    build.reviewed = {"Resources": {"Other": {}}}

    done = build.run()

    assert "was changed after the review" in done.stderr
    assert "slipway start infrastructure" in done.stderr
    assert build.cdk == []


def test_a_retry_goes_on_where_the_run_itself_has_deployed_already(build: Build) -> None:
    build.deployed, build.reviewed = TEMPLATE, {"Resources": {"Other": {}}}

    assert build.run().returncode == 0


def test_a_stack_that_does_not_exist_yet_is_created(build: Build) -> None:
    build.states, build.reviewed = [{}, stack("CREATE_COMPLETE")], None

    assert build.run().returncode == 0


def test_another_operation_in_progress_is_named(build: Build) -> None:
    build.states = [stack("UPDATE_IN_PROGRESS")]

    done = build.run()

    assert "staging/Data is UPDATE_IN_PROGRESS" in done.stderr
    assert build.cdk == []


def test_templates_that_cloudformation_refuses_change_no_stack(build: Build) -> None:
    build.fails = ("validate",)

    done = build.run()

    assert "nothing was deployed" in done.stderr
    assert build.cdk == ["validate"]


def test_a_failure_names_the_construct_and_the_reason_but_not_its_consequences(build: Build) -> None:
    build.fails = ("deploy",)
    build.states = [stack("UPDATE_COMPLETE"), stack("UPDATE_ROLLBACK_COMPLETE")]
    event = {"LogicalResourceId": "Database", "ResourceType": "AWS::RDS::DBInstance", "ResourceStatus": "UPDATE_FAILED"}
    own = {**event, "LogicalResourceId": "staging-shop-data", "ResourceStatus": "UPDATE_IN_PROGRESS"}
    build.events = [
        {**event, "LogicalResourceId": "Queue", "ResourceStatusReason": "Resource update cancelled"},
        {**event, "ResourceStatusReason": "no capacity"},
        own,
        {**event, "ResourceStatusReason": "a failure of an earlier deployment"},
    ]

    done = build.run()

    assert "FAILED: staging was not deployed:\n" in done.stderr
    assert "staging/Data/Database (AWS::RDS::DBInstance): UPDATE_FAILED: no capacity" in done.stderr
    assert "is now UPDATE_ROLLBACK_COMPLETE" in done.stderr
    assert "cancelled" not in done.stderr
    assert "earlier deployment" not in done.stderr


def test_a_stack_that_an_earlier_deployment_failed_on_is_no_cause(build: Build) -> None:
    """It stays in its state, with its events, until something of it changes."""
    updated = {**stack("UPDATE_ROLLBACK_COMPLETE"), "LastUpdatedTime": "2026-12-01T01:00:00Z"}
    build.fails = ("deploy",)
    build.states = [updated]
    build.events = [
        {
            "LogicalResourceId": "Database",
            "ResourceType": "AWS::RDS::DBInstance",
            "ResourceStatus": "UPDATE_FAILED",
            "ResourceStatusReason": "a failure of an earlier deployment",
        }
    ]

    done = build.run()

    assert done.returncode == 1
    assert "earlier deployment" not in done.stderr
    assert "FAILED: staging was not deployed:\nthe CDK CLI says why above" in done.stderr


def test_a_missing_permission_of_cloudformation_says_that_a_person_must_prepare(build: Build) -> None:
    build.fails = ("deploy",)
    build.states = [stack("UPDATE_COMPLETE"), stack("UPDATE_ROLLBACK_COMPLETE")]
    build.events = [
        {
            "LogicalResourceId": "Database",
            "ResourceType": "AWS::RDS::DBInstance",
            "ResourceStatus": "UPDATE_FAILED",
            "ResourceStatusReason": "cfn-exec is not authorized to perform: rds:ModifyDBInstance",
        }
    ]

    assert "slipway prepare" in build.run().stderr


def test_a_deployment_that_changes_the_release_is_an_error(build: Build) -> None:
    build.states = [stack("UPDATE_COMPLETE", WebImage="old"), stack("UPDATE_COMPLETE", WebImage="unreleased")]

    assert "runs another release than before" in build.run().stderr


def test_a_release_that_another_pipeline_makes_meanwhile_is_none(build: Build) -> None:
    build.states = [stack("UPDATE_COMPLETE", WebImage="old"), stack("UPDATE_COMPLETE", WebImage="new")]

    assert build.run().returncode == 0


@pytest.mark.parametrize(
    ("state", "type_"),
    [
        ("UPDATE_ROLLBACK_FAILED", "continue-update-rollback --stack-name staging-shop-data"),
        ("UPDATE_FAILED", "npx cdk rollback 'staging/Data'"),
        ("ROLLBACK_COMPLETE", "delete-stack --stack-name staging-shop-data"),
        ("CREATE_FAILED", "delete-stack"),
        ("DELETE_FAILED", "DELETE_FAILED"),
    ],
)
def test_a_state_that_cannot_be_updated_is_explained(build: Build, state: str, type_: str) -> None:
    build.states = [stack(state)]

    done = build.run()

    assert type_ in done.stderr
    assert "slipway retry infrastructure" in done.stderr
    assert build.cdk == []


@pytest.mark.parametrize("state", ["", "CREATE_COMPLETE", "UPDATE_ROLLBACK_COMPLETE", "REVIEW_IN_PROGRESS"])
def test_every_other_stable_state_can_be_updated(state: str) -> None:
    assert stack_states.obstacle("staging-shop-data", "staging/Data", state, "us-east-1") == ""
    assert not stack_states.busy(state)


def test_a_digest_covers_names_and_contents(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("1")
    first = cloud_assembly.digest(tmp_path)
    (tmp_path / "a").write_text("2")
    second = cloud_assembly.digest(tmp_path)
    (tmp_path / "a").rename(tmp_path / "b")

    assert len({first, second, cloud_assembly.digest(tmp_path)}) == 3


def test_a_hidden_file_of_the_build_s_agent_does_not_change_the_digest(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("1")
    first = cloud_assembly.digest(tmp_path)
    (tmp_path / ".codebuild").write_text("")

    assert cloud_assembly.digest(tmp_path) == first
