"""Providers beside stand-ins for the services they call: what is asked, and what becomes of each answer."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError

from localcloud.codepipeline import actions, artifacts
from localcloud.codepipeline.actions import approval, codebuild, ecs, invoke
from localcloud.codepipeline.actions.work import Work, perform
from localcloud.codepipeline.errors import Abandoned, ActionError
from localcloud.codepipeline.model import ActionExecution, Artifact, Execution
from localcloud.codepipeline.roles import Identity
from localcloud.codepipeline.state import JOBS
from localcloud.codepipeline.store import Pipeline, Store

PLACE = ("111122223333", "us-east-1")
STORE = Artifact("Code", "store", "pipe/Code/abc1234", "c0ffee")


class Stand:
    """A client whose calls are kept and answered by functions; what has none answers nothing."""

    def __init__(self, **answers: Any) -> None:
        self.answers, self.calls = answers, list[tuple[str, dict[str, Any]]]()

    def __getattr__(self, name: str) -> Callable[..., Any]:
        def call(**asked: Any) -> Any:
            self.calls.append((name, asked))
            answer = self.answers.get(name, {})
            return answer(**asked) if callable(answer) else answer

        return call

    def asked(self, name: str) -> list[dict[str, Any]]:
        return [asked for called, asked in self.calls if called == name]


class Standing(Identity):
    """An identity whose clients are stand-ins."""

    def __init__(self, clients: dict[str, Any]) -> None:
        super().__init__("arn:aws:iam::111122223333:role/p", "", "arn:aws:codepipeline:us-east-1:111122223333:p")
        self.clients = clients

    def client(self, service: str, region: str = "") -> Any:  # noqa: ARG002 - the identity's signature
        return self.clients[service]

    def credentials(self, policy: str = "") -> dict[str, str]:
        return {"AccessKeyId": "k", "SecretAccessKey": "s", "SessionToken": policy}


def work(
    provider: str,
    configuration: dict[str, str],
    *,
    inputs: list[Artifact] | None = None,
    outputs: list[Artifact] | None = None,
    seconds: float = 60,
    clients: dict[str, Any] | None = None,
) -> Work:
    declaration = {
        "name": "pipe",
        "version": 1,
        "roleArn": "r",
        "stages": [],
        "artifactStore": {"type": "S3", "location": "store"},
    }
    kind = {"category": "Build", "owner": "AWS", "provider": provider, "version": "1"}
    attempt = ActionExecution("Stage", "Action", {"name": "Action", "actionTypeId": kind}, resolved=configuration)
    attempt.inputs, attempt.outputs = inputs or [], outputs or []
    execution = Execution("pipe", 1, declaration, {})
    store, pipeline = Store(None), Pipeline(PLACE, declaration, executions=[execution])
    return Work(store, pipeline, execution, attempt, Standing(clients or {}), seconds)


# --- CodeBuild -------------------------------------------------------------------------------------------------------


def build(status: str, **more: Any) -> dict[str, Any]:
    return {"id": "p:1", "buildStatus": status, **more}


def test_a_build_gets_the_artifacts_in_place_of_its_own() -> None:
    variables = [{"name": "A", "value": "1"}, {"name": "B", "value": "/b", "type": "PARAMETER_STORE"}]
    given = {"ProjectName": "proj", "EnvironmentVariables": json.dumps(variables)}
    asked = codebuild.request(
        work("CodeBuild", given, inputs=[STORE], outputs=[Artifact("Out", "store", "pipe/Out/xyz")])
    )
    assert asked == {
        "projectName": "proj",
        "sourceTypeOverride": "S3",
        "sourceLocationOverride": "store/pipe/Code/abc1234",
        "artifactsOverride": {
            "type": "S3",
            "location": "store",
            "path": "pipe/Out",
            "name": "xyz",
            "namespaceType": "NONE",
            "packaging": "ZIP",
            "overrideArtifactName": False,
        },
        "environmentVariablesOverride": [
            {"name": "A", "value": "1", "type": "PLAINTEXT"},
            {"name": "B", "value": "/b", "type": "PARAMETER_STORE"},
        ],
    }


def test_more_artifacts_are_secondary_ones_by_name() -> None:
    other = Artifact("Other", "store", "pipe/Other/1")
    outputs = [Artifact("One", "store", "pipe/One/1"), Artifact("Two", "store", "pipe/Two/2")]
    given = {"ProjectName": "proj", "PrimarySource": "Other"}
    asked = codebuild.request(work("CodeBuild", given, inputs=[STORE, other], outputs=outputs))
    assert asked["sourceLocationOverride"] == "store/pipe/Other/1"
    secondary = {"type": "S3", "location": "store/pipe/Code/abc1234", "sourceIdentifier": "Code"}
    assert asked["secondarySourcesOverride"] == [secondary]
    assert asked["artifactsOverride"] == {"type": "NO_ARTIFACTS"}
    assert [one["artifactIdentifier"] for one in asked["secondaryArtifactsOverride"]] == ["One", "Two"]


def test_a_build_exports_variables_and_shows_its_log() -> None:
    states = iter(["IN_PROGRESS", "SUCCEEDED"])
    exported = [{"name": "TAG", "value": "v1"}]

    def batch(**_asked: Any) -> Any:
        link = {"deepLink": "http://log"}
        return {"builds": [build(next(states), exportedEnvironmentVariables=exported, logs=link)]}

    stand = Stand(start_build={"build": build("IN_PROGRESS")}, batch_get_builds=batch)
    job = work("CodeBuild", {"ProjectName": "p"}, inputs=[STORE], clients={"codebuild": stand})
    assert codebuild.run(job) == {"TAG": "v1"}
    assert (job.attempt.external_id, job.attempt.external_url) == ("p:1", "http://log")
    assert stand.asked("stop_build") == []


def test_a_failed_build_says_in_which_phase() -> None:
    context = {"statusCode": "COMMAND_EXECUTION_ERROR", "message": "make: 2"}
    phases = [{"phaseType": "BUILD", "phaseStatus": "FAILED", "contexts": [context]}]
    stand = Stand(
        start_build={"build": build("IN_PROGRESS")}, batch_get_builds={"builds": [build("FAILED", phases=phases)]}
    )
    with pytest.raises(ActionError, match=r"state FAILED\. BUILD: COMMAND_EXECUTION_ERROR make: 2"):
        codebuild.run(work("CodeBuild", {"ProjectName": "p"}, inputs=[STORE], clients={"codebuild": stand}))


@pytest.mark.parametrize("late", [True, False])
def test_a_build_nobody_waits_for_is_stopped(late: bool) -> None:
    stand = Stand(start_build={"build": build("IN_PROGRESS")}, batch_get_builds={"builds": [build("IN_PROGRESS")]})
    job = work(
        "CodeBuild", {"ProjectName": "p"}, inputs=[STORE], clients={"codebuild": stand}, seconds=0.01 if late else 60
    )
    job.abandoned = lambda: not late
    with pytest.raises(ActionError if late else Abandoned):
        codebuild.run(job)
    assert stand.asked("stop_build") == [{"id": "p:1"}]


def test_a_batch_build_is_refused_by_name() -> None:
    with pytest.raises(ActionError, match="BatchEnabled"):
        codebuild.run(work("CodeBuild", {"ProjectName": "p", "BatchEnabled": "true"}, inputs=[STORE]))


# --- time ------------------------------------------------------------------------------------------------------------


def test_a_function_that_says_nothing_fails_the_action_with_the_documented_hint(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(invoke, "SECONDS", 0.05)
    with pytest.raises(ActionError, match="permission to call the PutJobSuccessResult action") as failure:
        invoke.run(work("Lambda", {"FunctionName": "f"}, clients={"lambda": Stand()}))
    assert failure.value.code == "JobTimedOut"


def test_an_answer_after_the_time_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(invoke, "SECONDS", 0.05)
    stand = Stand()
    with pytest.raises(ActionError):
        invoke.run(work("Lambda", {"FunctionName": "f"}, clients={"lambda": stand}))
    job = json.loads(stand.asked("invoke")[0]["Payload"])["CodePipeline.job"]
    with pytest.raises(Exception, match="its action is over"):
        JOBS.succeed(PLACE, {"jobId": job["id"]})


def test_a_job_is_what_the_documentation_shows() -> None:
    given = {"FunctionName": "f", "UserParameters": "x"}
    stand = Stand()
    out = Artifact("Out", "store", "pipe/Out/1")
    job = work("Lambda", given, inputs=[STORE], outputs=[out], seconds=0.05, clients={"lambda": stand})
    with pytest.raises(ActionError):
        invoke.run(job)
    asked = stand.asked("invoke")[0]
    assert (asked["FunctionName"], asked["InvocationType"]) == ("f", "Event")
    event = json.loads(asked["Payload"])["CodePipeline.job"]
    assert set(event) == {"id", "accountId", "data"}
    data = event["data"]
    assert data["actionConfiguration"] == {"configuration": given}
    place = {"type": "S3", "s3Location": {"bucketName": "store", "objectKey": "pipe/Code/abc1234"}}
    assert data["inputArtifacts"] == [{"name": "Code", "revision": "c0ffee", "location": place}]
    assert data["outputArtifacts"][0]["location"]["s3Location"]["objectKey"] == "pipe/Out/1"
    assert set(data["artifactCredentials"]) == {"accessKeyId", "secretAccessKey", "sessionToken"}
    allowed = json.loads(data["artifactCredentials"]["sessionToken"])["Statement"]
    assert allowed[0] == {
        "Effect": "Allow",
        "Action": "s3:GetObject*",
        "Resource": ["arn:aws:s3:::store/pipe/Code/abc1234"],
    }
    assert "continuationToken" not in data


def test_an_approval_that_nobody_gives_expires() -> None:
    job = work("Manual", {}, seconds=0.05)
    with pytest.raises(ActionError, match="timed out") as failure:
        approval.run(job)
    assert failure.value.code == "JobTimedOut"


def test_only_an_approval_can_be_given_another_time() -> None:
    assert actions.seconds("Manual", None) == 7 * 24 * 3600
    assert actions.seconds("Manual", 5) == 300
    assert actions.seconds("Lambda", 5) == 24 * 3600
    assert actions.seconds("ECS", None) == 3600
    assert actions.seconds("CloudFormation", None) == 3 * 24 * 3600


# --- ECS -------------------------------------------------------------------------------------------------------------


def deploying(*rollouts: dict[str, Any]) -> tuple[Stand, Work]:
    states = iter(rollouts)
    container = {"name": "web", "image": "old"}
    service = {"taskDefinition": "arn:td/web:1", "deployments": []}

    def describe(**_asked: Any) -> Any:
        return {"services": [{**service, **next(states)}]}

    stand = Stand(
        describe_services=describe,
        describe_task_definition={
            "taskDefinition": {"family": "web", "revision": 1, "containerDefinitions": [container], "cpu": "256"}
        },
        register_task_definition={"taskDefinition": {"taskDefinitionArn": "arn:td/web:2"}},
    )
    stand.answers["meta"] = None
    images = artifacts.zipped({"imagedefinitions.json": b'[{"name": "web", "imageUri": "new"}]'})

    class Body:
        def read(self) -> bytes:
            return images

    s3 = Stand(get_object=lambda **_: {"Body": Body()})
    given = {"ClusterName": "c", "ServiceName": "s"}
    job = work("ECS", given, inputs=[STORE], clients={"ecs": stand, "s3": s3})
    stand.__dict__["meta"] = boto3.client("ecs", region_name="us-east-1").meta
    return stand, job


def rollout(state: str, definition: str = "arn:td/web:2", **more: Any) -> dict[str, Any]:
    return {"deployments": [{"taskDefinition": definition, "rolloutState": state, **more}]}


def test_a_service_gets_the_new_image_and_is_waited_for() -> None:
    stand, job = deploying({}, rollout("IN_PROGRESS"), rollout("COMPLETED"))
    ecs.run(job)
    wanted = {"family": "web", "cpu": "256", "containerDefinitions": [{"name": "web", "image": "new"}]}
    assert stand.asked("register_task_definition") == [wanted]
    assert stand.asked("update_service") == [{"cluster": "c", "service": "s", "taskDefinition": "arn:td/web:2"}]
    assert job.attempt.external_id == "arn:td/web:2"


def test_a_deployment_that_ecs_takes_back_fails_the_action_with_ecss_reason() -> None:
    _, job = deploying({}, rollout("FAILED", rolloutStateReason="circuit breaker"))
    with pytest.raises(ActionError, match="web:2 failed: circuit breaker"):
        ecs.run(job)
    _, job = deploying({}, rollout("COMPLETED", "arn:td/web:1"))
    with pytest.raises(ActionError, match="another deployment took its place"):
        ecs.run(job)


# --- refusals --------------------------------------------------------------------------------------------------------


def test_a_refused_call_is_explained() -> None:
    who = "arn:aws:sts::1:assumed-role/r/s"
    said = f"User: {who} is not authorized to perform: ecs:UpdateService on resource: arn:x because no policy"

    def refuse(_work: Work) -> dict[str, str]:
        raise ClientError({"Error": {"Code": "AccessDeniedException", "Message": said}}, "UpdateService")

    job = work("ECS", {})
    with pytest.raises(ActionError) as failure:
        perform(job, refuse)
    assert failure.value.code == "PermissionError"
    assert str(failure.value) == (
        f"The role {job.identity.role} may not perform ecs:UpdateService on arn:x. Add to its policy: "
        '{"Effect": "Allow", "Action": "ecs:UpdateService", "Resource": "arn:x"}'
    )
