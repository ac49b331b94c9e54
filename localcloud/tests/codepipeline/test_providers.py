"""Action providers with fake clients: the requests they send, and their results for each answer."""

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


class FakeClient:
    """Records calls and returns the given answers, or calls them if they are functions. The default is {}."""

    def __init__(self, **answers: Any) -> None:
        self.answers, self.calls = answers, list[tuple[str, dict[str, Any]]]()

    def __getattr__(self, name: str) -> Callable[..., Any]:
        def call(**request: Any) -> Any:
            self.calls.append((name, request))
            answer = self.answers.get(name, {})
            return answer(**request) if callable(answer) else answer

        return call

    def requests(self, name: str) -> list[dict[str, Any]]:
        return [request for operation, request in self.calls if operation == name]


class FakeIdentity(Identity):
    """An identity with fake clients."""

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
    return Work(store, pipeline, execution, attempt, FakeIdentity(clients or {}), seconds)


# --- CodeBuild -------------------------------------------------------------------------------------------------------


def build(status: str, **more: Any) -> dict[str, Any]:
    return {"id": "p:1", "buildStatus": status, **more}


def test_the_artifacts_of_the_action_override_those_of_the_project() -> None:
    variables = [{"name": "A", "value": "1"}, {"name": "B", "value": "/b", "type": "PARAMETER_STORE"}]
    given = {"ProjectName": "proj", "EnvironmentVariables": json.dumps(variables)}
    request = codebuild.request(
        work("CodeBuild", given, inputs=[STORE], outputs=[Artifact("Out", "store", "pipe/Out/xyz")])
    )
    assert request == {
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


def test_further_artifacts_are_secondary_ones_with_their_names() -> None:
    other = Artifact("Other", "store", "pipe/Other/1")
    outputs = [Artifact("One", "store", "pipe/One/1"), Artifact("Two", "store", "pipe/Two/2")]
    given = {"ProjectName": "proj", "PrimarySource": "Other"}
    request = codebuild.request(work("CodeBuild", given, inputs=[STORE, other], outputs=outputs))
    assert request["sourceLocationOverride"] == "store/pipe/Other/1"
    secondary = {"type": "S3", "location": "store/pipe/Code/abc1234", "sourceIdentifier": "Code"}
    assert request["secondarySourcesOverride"] == [secondary]
    assert request["artifactsOverride"] == {"type": "NO_ARTIFACTS"}
    assert [artifact["artifactIdentifier"] for artifact in request["secondaryArtifactsOverride"]] == ["One", "Two"]


def test_a_build_exports_variables_and_has_a_link_to_its_log() -> None:
    states = iter(["IN_PROGRESS", "SUCCEEDED"])
    exported = [{"name": "TAG", "value": "v1"}]

    def batch(**_request: Any) -> Any:
        link = {"deepLink": "http://log"}
        return {"builds": [build(next(states), exportedEnvironmentVariables=exported, logs=link)]}

    client = FakeClient(start_build={"build": build("IN_PROGRESS")}, batch_get_builds=batch)
    job = work("CodeBuild", {"ProjectName": "p"}, inputs=[STORE], clients={"codebuild": client})
    assert codebuild.run(job) == {"TAG": "v1"}
    assert (job.attempt.external_id, job.attempt.external_url) == ("p:1", "http://log")
    assert client.requests("stop_build") == []


def test_the_error_of_a_failed_build_names_the_phase() -> None:
    context = {"statusCode": "COMMAND_EXECUTION_ERROR", "message": "make: 2"}
    phases = [{"phaseType": "BUILD", "phaseStatus": "FAILED", "contexts": [context]}]
    client = FakeClient(
        start_build={"build": build("IN_PROGRESS")}, batch_get_builds={"builds": [build("FAILED", phases=phases)]}
    )
    with pytest.raises(ActionError, match=r"state FAILED\. BUILD: COMMAND_EXECUTION_ERROR make: 2"):
        codebuild.run(work("CodeBuild", {"ProjectName": "p"}, inputs=[STORE], clients={"codebuild": client}))


@pytest.mark.parametrize("late", [True, False])
def test_a_build_is_stopped_after_a_timeout_or_if_its_run_is_abandoned(late: bool) -> None:
    client = FakeClient(
        start_build={"build": build("IN_PROGRESS")}, batch_get_builds={"builds": [build("IN_PROGRESS")]}
    )
    job = work(
        "CodeBuild", {"ProjectName": "p"}, inputs=[STORE], clients={"codebuild": client}, seconds=0.01 if late else 60
    )
    job.abandoned = lambda: not late
    with pytest.raises(ActionError if late else Abandoned):
        codebuild.run(job)
    assert client.requests("stop_build") == [{"id": "p:1"}]


def test_a_batch_build_is_refused() -> None:
    with pytest.raises(ActionError, match="BatchEnabled"):
        codebuild.run(work("CodeBuild", {"ProjectName": "p", "BatchEnabled": "true"}, inputs=[STORE]))


# --- jobs, approvals and timeouts ------------------------------------------------------------------------------------


def test_a_function_that_sends_no_result_fails_the_action_with_the_documented_hint(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(invoke, "SECONDS", 0.05)
    with pytest.raises(ActionError, match="permission to call the PutJobSuccessResult action") as failure:
        invoke.run(work("Lambda", {"FunctionName": "f"}, clients={"lambda": FakeClient()}))
    assert failure.value.code == "JobTimedOut"


def test_a_result_after_the_timeout_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(invoke, "SECONDS", 0.05)
    client = FakeClient()
    with pytest.raises(ActionError):
        invoke.run(work("Lambda", {"FunctionName": "f"}, clients={"lambda": client}))
    job = json.loads(client.requests("invoke")[0]["Payload"])["CodePipeline.job"]
    with pytest.raises(Exception, match="its action has ended"):
        JOBS.succeed(PLACE, {"jobId": job["id"]})


def test_a_job_has_the_documented_structure() -> None:
    given = {"FunctionName": "f", "UserParameters": "x"}
    client = FakeClient()
    out = Artifact("Out", "store", "pipe/Out/1")
    job = work("Lambda", given, inputs=[STORE], outputs=[out], seconds=0.05, clients={"lambda": client})
    with pytest.raises(ActionError):
        invoke.run(job)
    request = client.requests("invoke")[0]
    assert (request["FunctionName"], request["InvocationType"]) == ("f", "Event")
    event = json.loads(request["Payload"])["CodePipeline.job"]
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


def test_an_approval_without_an_answer_expires() -> None:
    job = work("Manual", {}, seconds=0.05)
    with pytest.raises(ActionError, match="timed out") as failure:
        approval.run(job)
    assert failure.value.code == "JobTimedOut"


def test_only_the_timeout_of_an_approval_is_configurable() -> None:
    assert actions.seconds("Manual", None) == 7 * 24 * 3600
    assert actions.seconds("Manual", 5) == 300
    assert actions.seconds("Lambda", 5) == 24 * 3600
    assert actions.seconds("ECS", None) == 3600
    assert actions.seconds("CloudFormation", None) == 3 * 24 * 3600


# --- ECS -------------------------------------------------------------------------------------------------------------


def deployment_of(*rollouts: dict[str, Any]) -> tuple[FakeClient, Work]:
    states = iter(rollouts)
    container = {"name": "web", "image": "old"}
    service = {"taskDefinition": "arn:td/web:1", "deployments": []}

    def describe(**_request: Any) -> Any:
        return {"services": [{**service, **next(states)}]}

    client = FakeClient(
        describe_services=describe,
        describe_task_definition={
            "taskDefinition": {"family": "web", "revision": 1, "containerDefinitions": [container], "cpu": "256"}
        },
        register_task_definition={"taskDefinition": {"taskDefinitionArn": "arn:td/web:2"}},
    )
    client.answers["meta"] = None
    images = artifacts.zipped({"imagedefinitions.json": b'[{"name": "web", "imageUri": "new"}]'})

    class Body:
        def read(self) -> bytes:
            return images

    s3 = FakeClient(get_object=lambda **_: {"Body": Body()})
    given = {"ClusterName": "c", "ServiceName": "s"}
    job = work("ECS", given, inputs=[STORE], clients={"ecs": client, "s3": s3})
    client.__dict__["meta"] = boto3.client("ecs", region_name="us-east-1").meta
    return client, job


def rollout(state: str, definition: str = "arn:td/web:2", **more: Any) -> dict[str, Any]:
    return {"deployments": [{"taskDefinition": definition, "rolloutState": state, **more}]}


def test_a_service_gets_the_new_image_and_the_action_waits_for_its_deployment() -> None:
    client, job = deployment_of({}, rollout("IN_PROGRESS"), rollout("COMPLETED"))
    ecs.run(job)
    wanted = {"family": "web", "cpu": "256", "containerDefinitions": [{"name": "web", "image": "new"}]}
    assert client.requests("register_task_definition") == [wanted]
    assert client.requests("update_service") == [{"cluster": "c", "service": "s", "taskDefinition": "arn:td/web:2"}]
    assert job.attempt.external_id == "arn:td/web:2"


def test_a_failed_deployment_fails_the_action_with_the_reason_of_ecs() -> None:
    _, job = deployment_of({}, rollout("FAILED", rolloutStateReason="circuit breaker"))
    with pytest.raises(ActionError, match="web:2 failed: circuit breaker"):
        ecs.run(job)
    _, job = deployment_of({}, rollout("COMPLETED", "arn:td/web:1"))
    with pytest.raises(ActionError, match="another deployment replaced it"):
        ecs.run(job)


# --- denied calls ----------------------------------------------------------------------------------------------------


def test_the_error_of_a_denied_call_contains_the_policy_statement_to_add() -> None:
    principal = "arn:aws:sts::1:assumed-role/r/s"
    message = f"User: {principal} is not authorized to perform: ecs:UpdateService on resource: arn:x because no policy"

    def refuse(_work: Work) -> dict[str, str]:
        raise ClientError({"Error": {"Code": "AccessDeniedException", "Message": message}}, "UpdateService")

    job = work("ECS", {})
    with pytest.raises(ActionError) as failure:
        perform(job, refuse)
    assert failure.value.code == "PermissionError"
    assert str(failure.value) == (
        f"The role {job.identity.role} may not perform ecs:UpdateService on arn:x. Add to its policy: "
        '{"Effect": "Allow", "Action": "ecs:UpdateService", "Resource": "arn:x"}'
    )
