"""Helpers for tests of pipelines: a repository, a bucket, roles and a function, and short forms of declarations."""

from __future__ import annotations

import io
import json
import subprocess
import time
import urllib.request
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from localcloud.testing.plain import ACCOUNT, REGION, Plain, unique

CONNECTION = f"arn:aws:codeconnections:{REGION}:{ACCOUNT}:connection/00000000-0000-0000-0000-000000000001"
TRUST = {"Effect": "Allow", "Principal": {"Service": "codepipeline.amazonaws.com"}, "Action": "sts:AssumeRole"}
ENDED = {"Succeeded", "Failed", "Stopped", "Superseded", "Cancelled"}

#: The source of a function for Lambda actions. Its user parameters control its result.
FUNCTION = """
import boto3, json, os
def main(event, context):
    job = event["CodePipeline.job"]
    parameters = json.loads(job["data"]["actionConfiguration"]["configuration"].get("UserParameters") or "{}")
    api = boto3.client("codepipeline")
    token = job["data"].get("continuationToken")
    print(parameters.get("say", ""), int(token or 0) + 1)
    if parameters.get("silent"):
        return
    if parameters.get("fail") or (parameters.get("fail_unless") and not found(parameters["fail_unless"])):
        details = {"type": "JobFailed", "message": parameters.get("fail") or "not yet", "externalExecutionId": "x-1"}
        api.put_job_failure_result(jobId=job["id"], failureDetails=details)
        return
    if parameters.get("calls", 1) > int(token or 0) + 1:
        api.put_job_success_result(jobId=job["id"], continuationToken=str(int(token or 0) + 1))
        return
    variables = {"Said": parameters.get("say", ""), "Calls": str(int(token or 0) + 1)}
    for artifact in job["data"]["inputArtifacts"]:
        variables["Read"] = read(job, artifact)
    api.put_job_success_result(jobId=job["id"], outputVariables=variables, executionDetails={"summary": "did it"})
    if parameters.get("twice"):
        try:
            api.put_job_success_result(jobId=job["id"])
        except api.exceptions.InvalidJobStateException:
            pass
def found(name):
    try:
        boto3.client("ssm").get_parameter(Name=name)
    except Exception:
        return False
    return True
def read(job, artifact):
    given = job["data"]["artifactCredentials"]
    s3 = boto3.client("s3", aws_access_key_id=given["accessKeyId"], aws_secret_access_key=given["secretAccessKey"],
                      aws_session_token=given["sessionToken"])
    place = artifact["location"]["s3Location"]
    try:
        s3.list_objects_v2(Bucket=place["bucketName"])
        return "too much"
    except Exception:
        return str(len(s3.get_object(Bucket=place["bucketName"], Key=place["objectKey"])["Body"].read()))
"""


def allow(*actions: str, resource: Any = "*") -> dict[str, Any]:
    return {"Effect": "Allow", "Action": list(actions), "Resource": resource}


def until(what: str, ready: Callable[[], Any], seconds: float = 120) -> Any:
    deadline = time.monotonic() + seconds
    while not (found := ready()):
        assert time.monotonic() < deadline, f"waited {seconds:g} s for: {what}"
        time.sleep(0.05)
    return found


class World:
    """A local cloud with everything that a pipeline needs."""

    def __init__(self, plain: Plain, folder: Path) -> None:
        self.plain = plain
        self.api = plain.client("codepipeline")
        self.bucket = unique("artifacts")
        plain.client("s3").create_bucket(Bucket=self.bucket)
        self.role = plain.role(unique("pipeline"), allow("*"), trust=TRUST)
        self.function = function(plain, unique("job"), FUNCTION)
        self.work = folder / "work"
        self.repository = f"acme/{unique('shop')}"
        self._git_init()

    # --- git ---------------------------------------------------------------------------------------------------------

    def _git_init(self) -> None:
        bare = self.plain.state / "repositories" / f"{self.repository}.git"
        bare.parent.mkdir(parents=True, exist_ok=True)
        subprocess.run(["git", "init", "-q", "--bare", "-b", "main", str(bare)], check=True)
        self.work.mkdir(parents=True)
        self.git("init", "-q", "-b", "main")
        self.git("remote", "add", "origin", str(bare))
        self.commit("first", **{"README.md": "hello"})

    def git(self, *arguments: str) -> str:
        identity = ["-c", "user.name=Mary Major", "-c", "user.email=mary@example.com", "-c", "commit.gpgsign=false"]
        process = subprocess.run(
            ["git", *identity, *arguments], cwd=self.work, check=True, capture_output=True, text=True
        )
        return process.stdout.strip()

    def commit(self, message: str, branch: str = "main", **files: str) -> str:
        """Commits files, pushes the commit to a branch of the local remote, and returns its id."""
        for name, content in files.items():
            path = self.work / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(content, encoding="utf-8")
        self.git("add", ".")
        self.git("commit", "-q", "--allow-empty", "-m", message)
        self.git("push", "-q", "--force", "origin", f"HEAD:refs/heads/{branch}")
        return self.git("rev-parse", "HEAD")

    def _notify(self, operation: str, **request: Any) -> list[str]:
        """Calls an operation of the git server, and returns the ids of the runs that it started."""
        headers = {"X-Amz-Target": f"CodePipeline_20150709.{operation}", "Content-Type": "application/x-amz-json-1.1"}
        body, key = json.dumps(request).encode(), self.plain.key
        signed = AWSRequest("POST", f"{self.plain.url}/", headers, body)
        credentials = Credentials(key.access_key_id, key.secret_access_key)
        SigV4Auth(credentials, "codepipeline", REGION).add_auth(signed)
        sent = urllib.request.Request(f"{self.plain.url}/", body, dict(signed.headers.items()), method="POST")
        with urllib.request.urlopen(sent, timeout=30) as answer:
            found: list[str] = json.loads(answer.read())["pipelineExecutionIds"]
        return found

    def push(self, ref: str, commit: str, before: str = "") -> list[str]:
        return self._notify("LocalPush", repository=self.repository, ref=ref, commit=commit, before=before)

    def pull_request(self, **request: str) -> list[str]:
        return self._notify("LocalPullRequest", repository=self.repository, **request)

    # --- pipelines ---------------------------------------------------------------------------------------------------

    def source(self, **configuration: str) -> dict[str, Any]:
        given = {
            "ConnectionArn": CONNECTION,
            "FullRepositoryId": self.repository,
            "BranchName": "main",
            "DetectChanges": "false",
            **configuration,
        }
        return action("Get", "Source", "CodeStarSourceConnection", given, outputs=["Code"], namespace="Source")

    def job(self, name: str, parameters: Mapping[str, Any] | None = None, **more: Any) -> dict[str, Any]:
        given = {"FunctionName": self.function, "UserParameters": json.dumps(parameters or {})}
        return action(name, "Invoke", "Lambda", given, **more)

    def declare(self, *stages: dict[str, Any], name: str = "", **more: Any) -> dict[str, Any]:
        return {
            "name": name or unique("pipe"),
            "roleArn": self.role,
            "artifactStore": {"type": "S3", "location": self.bucket},
            "pipelineType": "V2",
            "stages": [stage("Source", self.source()), *stages],
            **more,
        }

    def create(self, *stages: dict[str, Any], **more: Any) -> str:
        """Creates a pipeline and waits for its first run, which starts automatically."""
        declaration = self.declare(*stages, **more)
        self.api.create_pipeline(pipeline=declaration)
        name: str = declaration["name"]
        for execution in self.executions(name):
            self.ended(name, execution["pipelineExecutionId"])
        return name

    def quiet(self, *stages: dict[str, Any], **more: Any) -> str:
        """Creates a pipeline and abandons its first run, so that only later runs perform actions."""
        declaration = self.declare(*stages, **more)
        self.api.create_pipeline(pipeline=declaration)
        name: str = declaration["name"]
        first = self.executions(name)[0]["pipelineExecutionId"]
        self.api.stop_pipeline_execution(pipelineName=name, pipelineExecutionId=first, abandon=True)
        self.ended(name, first)
        return name

    def start(self, name: str, **more: Any) -> str:
        identifier: str = self.api.start_pipeline_execution(name=name, **more)["pipelineExecutionId"]
        return identifier

    def run(self, name: str, **more: Any) -> dict[str, Any]:
        return self.ended(name, self.start(name, **more))

    def ended(self, name: str, identifier: str, seconds: float = 180) -> dict[str, Any]:
        """Waits for the end of a run and returns it."""
        until(f"{name} {identifier} ends", lambda: self.execution(name, identifier)["status"] in ENDED, seconds)
        return self.execution(name, identifier)

    def execution(self, name: str, identifier: str) -> dict[str, Any]:
        found = self.api.get_pipeline_execution(pipelineName=name, pipelineExecutionId=identifier)
        shape: dict[str, Any] = found["pipelineExecution"]
        return shape

    def executions(self, name: str) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.api.list_pipeline_executions(pipelineName=name)["pipelineExecutionSummaries"]
        return found

    def actions(self, name: str, identifier: str) -> dict[str, dict[str, Any]]:
        """Returns the newest attempt at each action of a run, by the name of the action."""
        found = self.api.list_action_executions(pipelineName=name, filter={"pipelineExecutionId": identifier})
        return {attempt["actionName"]: attempt for attempt in reversed(found["actionExecutionDetails"])}

    def attempts(self, name: str, identifier: str, action_name: str) -> int:
        found = self.api.list_action_executions(pipelineName=name, filter={"pipelineExecutionId": identifier})
        return sum(attempt["actionName"] == action_name for attempt in found["actionExecutionDetails"])

    def error(self, name: str, identifier: str, action_name: str) -> dict[str, str]:
        attempt = self.actions(name, identifier)[action_name]
        details: dict[str, str] = attempt["output"]["executionResult"]["errorDetails"]
        return details

    def stage(self, name: str, stage_name: str) -> dict[str, Any]:
        states = self.api.get_pipeline_state(name=name)["stageStates"]
        return next(state for state in states if state["stageName"] == stage_name)

    def token(self, name: str, stage_name: str = "Approve", seconds: float = 120) -> str:
        """Waits for an approval in the stage and returns its token."""

        def find() -> str:
            state = self.stage(name, stage_name)["actionStates"][0].get("latestExecution", {})
            return str(state.get("token", "")) if state.get("status") == "InProgress" else ""

        found: str = until(f"an approval waits in {stage_name}", find, seconds)
        return found

    def answer(self, name: str, status: str = "Approved", stage_name: str = "Approve", token: str = "") -> None:
        self.api.put_approval_result(
            pipelineName=name,
            stageName=stage_name,
            actionName="Ask",
            token=token or self.token(name, stage_name),
            result={"summary": "looks good" if status == "Approved" else "no", "status": status},
        )


def action(
    name: str,
    category: str,
    provider: str,
    configuration: Mapping[str, str],
    *,
    inputs: list[str] | None = None,
    outputs: list[str] | None = None,
    **more: Any,
) -> dict[str, Any]:
    return {
        "name": name,
        "actionTypeId": {"category": category, "owner": "AWS", "provider": provider, "version": "1"},
        "configuration": dict(configuration),
        "inputArtifacts": [{"name": artifact} for artifact in inputs or []],
        "outputArtifacts": [{"name": artifact} for artifact in outputs or []],
        **more,
    }


def stage(name: str, *actions: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"name": name, "actions": list(actions), **more}


def approval(name: str = "Ask", **more: Any) -> dict[str, Any]:
    return action(name, "Approval", "Manual", {}, **more)


def rule(name: str, provider: str, **configuration: str) -> dict[str, Any]:
    kind = {"category": "Rule", "owner": "AWS", "provider": provider, "version": "1"}
    return {"name": name, "ruleTypeId": kind, "configuration": configuration}


def condition(result: str, *rules: dict[str, Any]) -> dict[str, Any]:
    return {"conditions": [{"result": result, "rules": list(rules)}]}


def function(plain: Plain, name: str, source: str, *statements: dict[str, Any]) -> str:
    """Creates a function. Its role may send results of jobs, read parameters, and what the statements allow."""
    trust = {"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}
    own = allow("codepipeline:PutJobSuccessResult", "codepipeline:PutJobFailureResult", "ssm:GetParameter")
    role = plain.role(unique("function"), own, *statements, trust=trust)
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("index.py", source)
    plain.client("lambda").create_function(
        FunctionName=name,
        Runtime="python3.13",
        Role=role,
        Handler="index.main",
        Timeout=60,
        Code={"ZipFile": packed.getvalue()},
    )
    return name
