"""A person approves what can lose data, give permissions, open networks or cost more, and nothing else."""

from __future__ import annotations

import json
from copy import deepcopy
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

import cloud_assembly
from slipway_cli.review import infrastructure
from slipway_cli.review.assembly import Assembly, Stack
from slipway_cli.review.compare import compare
from slipway_cli.review.errors import ReviewError
from slipway_cli.review.infrastructure import Verdict

DATABASE: dict[str, Any] = {
    "Type": "AWS::RDS::DBInstance",
    "DeletionPolicy": "Snapshot",
    "Properties": {"Engine": "postgres", "DBInstanceClass": "db.t4g.micro", "AllocatedStorage": "20"},
}
ROLE: dict[str, Any] = {
    "Type": "AWS::IAM::Role",
    "Properties": {
        "AssumeRolePolicyDocument": {"Statement": []},
        "Policies": [
            {
                "PolicyName": "own",
                "PolicyDocument": {
                    "Statement": [{"Effect": "Allow", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::a/*"}]
                },
            }
        ],
    },
}
GROUP: dict[str, Any] = {"Type": "AWS::EC2::SecurityGroup", "Properties": {"GroupDescription": "x", "VpcId": "vpc-1"}}
ALARM: dict[str, Any] = {
    "Type": "AWS::CloudWatch::Alarm",
    "Properties": {"ComparisonOperator": "GreaterThanThreshold", "EvaluationPeriods": 1, "Threshold": 1},
}
TASK: dict[str, Any] = {"Type": "AWS::ECS::TaskDefinition", "Properties": {"Cpu": "256", "Memory": "512"}}
RESOURCES = {"Database": DATABASE, "Role": ROLE, "Group": GROUP, "Alarm": ALARM, "Task": TASK}


def assembly(resources: dict[str, Any], environment: str = "staging") -> Assembly:
    name = f"{environment}-shop-data"
    return Assembly((Stack(name, environment, "111122223333", "us-east-1", {"Resources": resources}),))


def judged(change: dict[str, Any], *, more: int = 0, always: bool = False, target: str = "staging") -> Verdict:
    """Returns the verdict on a change of the properties at dotted paths; None removes a resource."""
    after = deepcopy(RESOURCES)
    for path, value in change.items():
        *parents, last = path.split(".")
        place: Any = after
        for parent in parents:
            place = place[int(parent)] if isinstance(place, list) else place[parent]
        if value is None:
            del place[last]
        else:
            place[last] = value
    report = compare(assembly(RESOURCES), assembly(after), product="shop", base="the deployed stacks")
    return infrastructure.verdict(target, report, Decimal(more), limit=20, always=always)


@pytest.mark.parametrize(
    "change",
    [
        {},
        {"Alarm.Properties.Threshold": 2},
        {"Task.Properties.Cpu": "512"},
        {"Database.Properties.AllocatedStorage": "40"},
    ],
    ids=["nothing", "threshold", "task definition", "storage"],
)
def test_a_harmless_change_asks_nobody(change: dict[str, Any]) -> None:
    assert judged(change) == Verdict("staging", ())


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"Database.Properties.Engine": "mysql"}, "data store replaced"),
        ({"Database": None}, "data store deleted"),
        ({"Alarm": None}, "replaced or deleted: staging-shop-data/Alarm"),
        ({"Group.Properties.VpcId": "vpc-2"}, "replaced or deleted: staging-shop-data/Group"),
        (
            {"Role.Properties.Policies.0.PolicyDocument.Statement.0.Action": ["s3:GetObject", "s3:PutObject"]},
            "permissions grow",
        ),
        (
            {
                "Group.Properties.SecurityGroupIngress": [
                    {"IpProtocol": "tcp", "FromPort": 22, "ToPort": 22, "CidrIp": "0.0.0.0/0"}
                ]
            },
            "network opens",
        ),
    ],
    ids=["replaced", "deleted", "alarm", "group", "permissions", "network"],
)
def test_what_is_at_stake_asks_a_person_and_says_why(change: dict[str, Any], why: str) -> None:
    assert why in judged(change).why


@pytest.mark.parametrize(("more", "asks"), [(20, False), (21, True), (-50, False)])
def test_only_costs_above_the_limit_ask(more: int, asks: bool) -> None:
    assert bool(judged({}, more=more).reasons) is asks


def test_a_change_of_one_environment_asks_for_that_one_only() -> None:
    assert judged({"Database": None}, target="production").reasons == ()


def test_a_manifest_can_ask_for_every_change_but_not_for_none() -> None:
    assert judged({"Alarm.Properties.Threshold": 2}, always=True).why == "the manifest asks always"
    assert judged({}, always=True).reasons == ()


def test_a_reason_fits_into_a_variable_of_a_pipeline() -> None:
    assert len(Verdict("staging", ("x\n" * 500,)).why) == 180
    assert "\n" not in Verdict("staging", ("a\nb",)).why


def test_the_digest_of_a_template_is_the_one_that_the_deployment_computes() -> None:
    template = {"Resources": RESOURCES, "Outputs": {"a": {"Value": "ü"}}}

    assert infrastructure.template_digest(template) == cloud_assembly.template_digest(json.loads(json.dumps(template)))


class Reader:
    """CloudFormation with one stack."""

    def __init__(self, body: object = None, refusal: str = "") -> None:
        self._body, self._refusal = body, refusal

    def get_template(self, **_: str) -> dict[str, object]:
        if self._refusal:
            raise ClientError({"Error": {"Code": "ValidationError", "Message": self._refusal}}, "GetTemplate")
        return {"TemplateBody": self._body}


def test_a_stack_that_does_not_exist_yet_is_left_out() -> None:
    found = infrastructure.deployed(assembly(RESOURCES), lambda _: Reader(refusal="Stack with id x does not exist"))

    assert found.stacks == ()


def test_a_stack_that_cannot_be_read_stops_the_review() -> None:
    with pytest.raises(ReviewError, match="staging-shop-data"):
        infrastructure.deployed(assembly(RESOURCES), lambda _: Reader(refusal="Rate exceeded"))


class Pipeline:
    """CodePipeline whose other run leaves the stage after some questions."""

    def __init__(self, leaves_after: int) -> None:
        self._left = leaves_after

    def get_pipeline_state(self, name: str) -> dict[str, Any]:
        assert name == "shop-infrastructure"
        self._left -= 1
        status = "InProgress" if self._left >= 0 else "Succeeded"
        latest = {"pipelineExecutionId": "other-run", "status": status}
        return {"stageStates": [{"stageName": "Production", "latestExecution": latest}, {"stageName": "Staging"}]}


@pytest.fixture(name="pauses")
def _pauses(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    slept: list[float] = []
    monkeypatch.setattr("time.sleep", slept.append)
    return slept


def test_a_review_waits_until_an_older_run_has_deployed(pauses: list[float]) -> None:
    infrastructure.wait_for_older(Pipeline(2), "shop-infrastructure", "own-run", ["Staging", "Production"], 1)

    assert len(pauses) == 2


def test_a_run_that_waits_too_long_for_approval_is_named_with_what_to_type(pauses: list[float]) -> None:
    with pytest.raises(ReviewError, match=r"other-ru is in Production.*slipway approve infrastructure"):
        infrastructure.wait_for_older(Pipeline(9), "shop-infrastructure", "own-run", ["Production"], 0)

    assert pauses == []


class Flow:
    """Stands in for CodePipeline: a run of a commit, with the status that each reading of its actions finds."""

    def __init__(self, *readings: dict[str, str], run: str = "InProgress") -> None:
        self._readings, self._run = list(readings), run

    def list_pipeline_executions(self, **_: Any) -> Any:
        runs = [("other-run", "Failed", "0badbad"), ("tested-run", self._run, "c0ffee0")]
        return {
            "pipelineExecutionSummaries": [
                {"pipelineExecutionId": run, "status": status, "sourceRevisions": [{"revisionId": commit}]}
                for run, status, commit in runs
            ]
        }

    def get_paginator(self, _: str) -> Any:
        return self

    def paginate(self, **_: Any) -> Any:
        found = self._readings.pop(0) if len(self._readings) > 1 else self._readings[0]
        details = []
        for name, status in found.items():
            stage, action = name.split("/")
            details.append({"stageName": stage, "actionName": action, "status": status})
        return [{"actionExecutionDetails": details}]


WANTED = ("Publish/Backend", "Test/Backend")


def test_a_review_waits_until_the_same_commit_is_built_and_tested(pauses: list[float]) -> None:
    states = [
        {"Publish/Backend": "InProgress"},
        {"Test/Backend": "InProgress", "Publish/Backend": "Succeeded"},
        dict.fromkeys(WANTED, "Succeeded"),
    ]

    infrastructure.wait_for_tests(Flow(*states), "shop-main", "c0ffee0", WANTED, 1)

    assert len(pauses) == 2


def test_a_later_failure_of_the_tested_run_stops_no_deployment(pauses: list[float]) -> None:
    flow = Flow({"Production/Deploy": "Failed", **dict.fromkeys(WANTED, "Succeeded")}, run="Failed")

    infrastructure.wait_for_tests(flow, "shop-main", "c0ffee0", WANTED, 1)

    assert pauses == []


def test_failed_tests_stop_the_deployment_and_say_what_to_type(pauses: list[float]) -> None:
    flow = Flow({"Test/Backend": "Failed", "Publish/Backend": "Succeeded"}, run="Failed")

    with pytest.raises(ReviewError, match=r"Test/Backend of shop-main did not succeed.*slipway retry infrastructure"):
        infrastructure.wait_for_tests(flow, "shop-main", "c0ffee0", WANTED, 1)


@pytest.mark.parametrize(("commit", "said"), [("c0ffee0", "has not passed Test/Backend"), ("fffffff", "has no run")])
def test_tests_that_take_too_long_are_named_with_what_to_type(pauses: list[float], commit: str, said: str) -> None:
    flow = Flow({"Test/Backend": "InProgress", "Publish/Backend": "Succeeded"})

    with pytest.raises(ReviewError, match=rf"{said}.*slipway retry infrastructure"):
        infrastructure.wait_for_tests(flow, "shop-main", commit, WANTED, 0)


def test_the_build_s_variables_survive_the_shell(tmp_path: Path) -> None:
    infrastructure._export(tmp_path, [Verdict("pre-prod", ("it's $HOME",))], "abc")

    assert (tmp_path / "variables.sh").read_text() == (
        "export REVIEWED=abc\nexport APPROVE_PRE_PROD=needed\nexport WHY_PRE_PROD='it'\"'\"'s $HOME'\n"
    )
