"""Changes by hand become one issue for each environment, which is closed when nothing differs any more."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from xml.sax.saxutils import escape

import pytest

from detect_drift import handler
from shared import drift
from tests.support.fake_aws import FakeAws, Refused
from tests.support.fake_github import REPOSITORY, TOKEN, GitHubWeb

STACKS = ["staging-shop-network", "staging-shop-services"]
SETTINGS = {
    "product": "shop",
    "repository": REPOSITORY,
    "secret": "shop/github",
    "environments": {"staging": {"region": "eu-central-1", "stacks": STACKS}},
}


@dataclass
class Deployed:
    """A stack, and what a detection finds in it."""

    status: str = "CREATE_COMPLETE"
    checked: datetime | None = None
    changed: dict[str, list[tuple[str, str, str, str]]] = field(default_factory=dict)
    """By `logical id/type`: path, expected and actual value, and how they differ."""
    old: bool = False
    """True if the detection has not reached every resource yet."""


def text(moment: datetime) -> str:
    return moment.isoformat().replace("+00:00", "Z")


class Cloud(FakeAws):
    """CloudFormation with two stacks, Secrets Manager and GitHub."""

    def __init__(self) -> None:
        super().__init__()
        self.github = GitHubWeb()
        self.stacks = {name: Deployed() for name in STACKS}
        self.on("secretsmanager.GetSecretValue", lambda _: {"SecretString": TOKEN})
        self.on("cloudformation.DescribeStacks", self._describe)
        self.on("cloudformation.DetectStackDrift", self._detect)
        self.on("cloudformation.DescribeStackResourceDrifts", self._drifts)

    def _find(self, given: dict[str, Any]) -> Deployed:
        name = given["StackName"]
        if name not in self.stacks:
            raise Refused("ValidationError", f"Stack with id {name} does not exist")
        return self.stacks[name]

    def _describe(self, given: dict[str, Any]) -> str:
        stack = self._find(given)
        checked = f"<LastCheckTimestamp>{text(stack.checked)}</LastCheckTimestamp>" if stack.checked else ""
        return (
            f"<R><DescribeStacksResult><Stacks><member><StackName>{given['StackName']}</StackName>"
            f"<CreationTime>2026-01-01T00:00:00Z</CreationTime><StackStatus>{stack.status}</StackStatus>"
            f"<DriftInformation><StackDriftStatus>UNKNOWN</StackDriftStatus>{checked}</DriftInformation>"
            "</member></Stacks></DescribeStacksResult></R>"
        )

    def _detect(self, given: dict[str, Any]) -> str:
        stack = self._find(given)
        if not stack.status.endswith("_COMPLETE"):
            raise Refused("ValidationError", f"Stack is in {stack.status} state")
        if stack.checked and datetime.now(UTC) - stack.checked < timedelta(seconds=1):
            raise Refused("ValidationError", "Drift detection is already in progress for stack")
        stack.checked = datetime.now(UTC)
        return (
            "<R><DetectStackDriftResult><StackDriftDetectionId>d-1</StackDriftDetectionId></DetectStackDriftResult></R>"
        )

    def _drifts(self, given: dict[str, Any]) -> str:
        stack = self._find(given)
        moment = text((stack.checked or datetime.now(UTC)) - timedelta(days=1 if stack.old else 0))
        members = ""
        for name, differences in stack.changed.items():
            logical_id, _, kind = name.partition("/")
            listed = "".join(
                f"<member><PropertyPath>{path}</PropertyPath><ExpectedValue>{escape(expected)}</ExpectedValue>"
                f"<ActualValue>{escape(actual)}</ActualValue><DifferenceType>{how}</DifferenceType></member>"
                for path, expected, actual, how in differences
            )
            status = "MODIFIED" if differences else "DELETED"
            members += (
                f"<member><StackId>s</StackId><LogicalResourceId>{logical_id}</LogicalResourceId>"
                f"<PhysicalResourceId>p-1</PhysicalResourceId><ResourceType>{kind}</ResourceType>"
                f"<StackResourceDriftStatus>{status}</StackResourceDriftStatus>"
                f"<PropertyDifferences>{listed}</PropertyDifferences><Timestamp>{moment}</Timestamp></member>"
            )
        members += (
            "<member><StackId>s</StackId><LogicalResourceId>Same</LogicalResourceId><ResourceType>AWS::SNS::Topic"
            f"</ResourceType><StackResourceDriftStatus>IN_SYNC</StackResourceDriftStatus><Timestamp>{moment}</Timestamp>"
            "</member>"
        )
        return (
            f"<R><DescribeStackResourceDriftsResult><StackResourceDrifts>{members}</StackResourceDrifts>"
            "</DescribeStackResourceDriftsResult></R>"
        )


@pytest.fixture(name="cloud")
def _cloud(monkeypatch: pytest.MonkeyPatch) -> Iterator[Cloud]:
    cloud = Cloud()
    with cloud.installed(monkeypatch), cloud.github.serving():
        monkeypatch.setenv("SETTINGS", json.dumps(SETTINGS))
        monkeypatch.setenv("GITHUB_API_URL", cloud.github.url)
        yield cloud


def night() -> None:
    handler.main({"step": "start"}, None)
    handler.main({"step": "report"}, None)


SSH = ("/SecurityGroupIngress/1", "", '{"CidrIp": "0.0.0.0/0", "FromPort": 22}', "ADD")
GROUP = {"Group/AWS::EC2::SecurityGroup": [SSH]}


def test_a_change_by_hand_becomes_an_issue_with_property_expected_and_actual_value(cloud: Cloud) -> None:
    cloud.stacks[STACKS[1]].changed = {"Web/AWS::ECS::Service": [("/DesiredCount", "2", "5", "NOT_EQUAL")]}

    night()

    (issue,) = cloud.github.open_issues()
    assert issue["title"] == "shop: staging differs from its stacks"
    assert issue["labels"] == ["drift"]
    assert "| `staging-shop-services` | `Web` AWS::ECS::Service | `/DesiredCount` | `2` | `5` |" in issue["body"]
    assert "Nothing was reverted" in issue["body"]


def test_the_issue_is_updated_in_place_and_closed_when_the_drift_is_gone(cloud: Cloud) -> None:
    cloud.stacks[STACKS[0]].changed = dict(GROUP)
    night()
    cloud.stacks[STACKS[0]].changed = {"Gone/AWS::CloudWatch::Alarm": []}
    handler.main({"step": "report"}, None)

    (issue,) = cloud.github.open_issues()
    assert "0.0.0.0/0" not in issue["body"]
    assert "| `Gone` AWS::CloudWatch::Alarm | the resource | `p-1` | `(deleted)` |" in issue["body"]

    cloud.stacks[STACKS[0]].changed = {}
    handler.main({"step": "report"}, None)

    assert cloud.github.open_issues() == []
    assert cloud.github.comments[1][-1]["body"] == "staging is as its stacks define it."


def test_the_same_drift_twice_changes_nothing_on_github(cloud: Cloud) -> None:
    cloud.stacks[STACKS[0]].changed = dict(GROUP)
    night()
    before = json.dumps([cloud.github.issues, cloud.github.comments])

    handler.main({"step": "report"}, None)

    assert json.dumps([cloud.github.issues, cloud.github.comments]) == before


def test_an_issue_that_somebody_wrote_by_hand_is_left_alone(cloud: Cloud) -> None:
    cloud.github.issues.append({"number": 1, "state": "open", "labels": ["drift"], "title": "ours", "body": "staging"})

    night()

    assert cloud.github.open_issues() == cloud.github.issues


def test_no_issue_is_closed_while_a_stack_could_not_be_checked(cloud: Cloud) -> None:
    cloud.stacks[STACKS[0]].changed = dict(GROUP)
    night()
    cloud.stacks[STACKS[0]] = Deployed(status="UPDATE_IN_PROGRESS")

    handler.main({"step": "report"}, None)

    assert len(cloud.github.open_issues()) == 1


def test_an_issue_names_the_stacks_that_were_not_checked_with_their_status(cloud: Cloud) -> None:
    cloud.stacks[STACKS[0]].changed = dict(GROUP)
    cloud.stacks[STACKS[1]].status = "UPDATE_ROLLBACK_IN_PROGRESS"

    night()

    (issue,) = cloud.github.open_issues()
    assert "staging-shop-services was not checked: its status is UPDATE_ROLLBACK_IN_PROGRESS." in issue["body"]


def test_a_detection_that_has_not_reached_every_resource_is_no_result(cloud: Cloud) -> None:
    cloud.stacks[STACKS[0]].changed = dict(GROUP)
    handler.main({"step": "start"}, None)
    for stack in cloud.stacks.values():
        stack.old = True

    handler.main({"step": "report"}, None)

    assert cloud.github.issues == []


def test_a_result_of_yesterday_is_no_result(cloud: Cloud) -> None:
    cloud.stacks[STACKS[0]] = Deployed(checked=datetime.now(UTC) - timedelta(days=1), changed=dict(GROUP))

    handler.main({"step": "report"}, None)

    assert cloud.github.issues == []


def test_a_stack_that_is_not_deployed_is_skipped(cloud: Cloud) -> None:
    del cloud.stacks[STACKS[1]]

    night()

    assert cloud.github.issues == []


def test_a_detection_in_progress_is_left_to_end(cloud: Cloud) -> None:
    handler.main({"step": "start"}, None)

    handler.main({"step": "start"}, None)

    assert cloud.names().count("cloudformation.DetectStackDrift") == 4


def test_nothing_but_detections_and_reads_is_asked_of_the_environment(cloud: Cloud) -> None:
    cloud.stacks[STACKS[0]].changed = dict(GROUP)

    night()

    assert set(cloud.names()) <= {
        "secretsmanager.GetSecretValue",
        "cloudformation.DescribeStacks",
        "cloudformation.DetectStackDrift",
        "cloudformation.DescribeStackResourceDrifts",
    }


@pytest.mark.parametrize(
    ("kind", "path", "value"),
    [
        ("AWS::SecretsManager::Secret", "/Description", "plain words"),
        ("AWS::RDS::DBInstance", "/MasterUserPassword", "plain words"),
        ("AWS::Lambda::Function", "/Environment/Variables/MODE", "plain words"),
        ("AWS::ECS::TaskDefinition", "/ContainerDefinitions/0/Environment/2/Value", "plain words"),
        ("AWS::CodeBuild::Project", "/Source/Auth/Resource", "plain words"),
        ("AWS::SSM::Parameter", "/Value", "postgresql://shop:hunter2@db/shop"),
        ("AWS::SSM::Parameter", "/Value", "AKIAIOSFODNN7EXAMPLE"),
        ("AWS::CodePipeline::Pipeline", "/Stages/0", '{"Configuration": {"OAuthToken": "short"}}'),
        ("AWS::SSM::Parameter", "/Value", "eyJhbGciOiJIUzI1NiJ9.e30.ZRrHA1JJJW8opsbCGfG_HACGpVUMN_a9IV7pAx"),
    ],
)
def test_a_value_that_is_or_may_be_secret_is_nowhere(cloud: Cloud, kind: str, path: str, value: str) -> None:
    cloud.stacks[STACKS[0]].changed = {f"Thing/{kind}": [(path, value, f"{value}x", "NOT_EQUAL")]}

    night()

    (issue,) = cloud.github.open_issues()
    assert path in issue["body"]
    assert drift.HIDDEN in issue["body"]
    assert value not in issue["body"]


def test_values_cannot_imitate_the_table_of_the_issue(cloud: Cloud) -> None:
    wild = "a | b\n| `x` | @everyone `"
    cloud.stacks[STACKS[0]].changed = {"Topic/AWS::SNS::Topic": [("/DisplayName", "Alarms", wild, "NOT_EQUAL")]}

    night()

    (row,) = [line for line in cloud.github.issues[0]["body"].splitlines() if "/DisplayName" in line]
    assert row.count(" | ") == 4


def test_an_environment_without_access_does_not_keep_the_others_waiting(
    cloud: Cloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    def denied(_: dict[str, Any]) -> dict[str, Any]:
        raise Refused("AccessDenied", "not authorized to perform sts:AssumeRole")

    cloud.on("sts.AssumeRole", denied)
    closed = {"region": "eu-central-1", "role": "arn:aws:iam::111122223333:role/closed", "stacks": ["a"]}
    environments = {"closed": closed, **SETTINGS["environments"]}  # type: ignore[dict-item]  # nested settings
    monkeypatch.setenv("SETTINGS", json.dumps({**SETTINGS, "environments": environments}))
    cloud.stacks[STACKS[0]].changed = dict(GROUP)

    with pytest.raises(RuntimeError, match=r"closed: .*AssumeRole"):
        handler.main({"step": "start"}, None)
    with pytest.raises(RuntimeError, match=r"closed: .*AssumeRole"):
        handler.main({"step": "report"}, None)

    assert len(cloud.github.open_issues()) == 1


@pytest.mark.parametrize("event", [{}, {"step": "revert"}, None])
def test_an_event_without_a_known_step_is_refused(cloud: Cloud, event: Any) -> None:
    with pytest.raises(ValueError, match="start or report"):
        handler.main(event, None)
