"""What tests of pipelines need around them: a repository, a bucket, roles, functions; and pipelines in few words."""

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
OVER = {"Succeeded", "Failed", "Stopped", "Superseded", "Cancelled"}

#: A function that does what its user parameters say, as one of ours would.
FUNCTION = """
import boto3, json, os
def main(event, context):
    job = event["CodePipeline.job"]
    asked = json.loads(job["data"]["actionConfiguration"]["configuration"].get("UserParameters") or "{}")
    api = boto3.client("codepipeline")
    token = job["data"].get("continuationToken")
    print(asked.get("say", ""), int(token or 0) + 1)
    if asked.get("silent"):
        return
    if asked.get("fail") or (asked.get("fail_unless") and not found(asked["fail_unless"])):
        details = {"type": "JobFailed", "message": asked.get("fail") or "not yet", "externalExecutionId": "x-1"}
        api.put_job_failure_result(jobId=job["id"], failureDetails=details)
        return
    if asked.get("calls", 1) > int(token or 0) + 1:
        api.put_job_success_result(jobId=job["id"], continuationToken=str(int(token or 0) + 1))
        return
    variables = {"Said": asked.get("say", ""), "Calls": str(int(token or 0) + 1)}
    for artifact in job["data"]["inputArtifacts"]:
        variables["Read"] = read(job, artifact)
    api.put_job_success_result(jobId=job["id"], outputVariables=variables, executionDetails={"summary": "did it"})
    if asked.get("twice"):
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
    """A cloud with everything a pipeline needs."""

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
        who = ["-c", "user.name=Mary Major", "-c", "user.email=mary@example.com", "-c", "commit.gpgsign=false"]
        done = subprocess.run(["git", *who, *arguments], cwd=self.work, check=True, capture_output=True, text=True)
        return done.stdout.strip()

    def commit(self, message: str, branch: str = "main", **files: str) -> str:
        """A commit on a branch of the local remote; answers its id."""
        for name, content in files.items():
            path = self.work / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(content, encoding="utf-8")
        self.git("add", ".")
        self.git("commit", "-q", "--allow-empty", "-m", message)
        self.git("push", "-q", "--force", "origin", f"HEAD:refs/heads/{branch}")
        return self.git("rev-parse", "HEAD")

    def _entry(self, operation: str, **request: Any) -> list[str]:
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
        return self._entry("LocalPush", repository=self.repository, ref=ref, commit=commit, before=before)

    def pull_request(self, **request: str) -> list[str]:
        return self._entry("LocalPullRequest", repository=self.repository, **request)

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

    def job(self, name: str, asked: Mapping[str, Any] | None = None, **more: Any) -> dict[str, Any]:
        given = {"FunctionName": self.function, "UserParameters": json.dumps(asked or {})}
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
        """A pipeline whose first run, which its creation starts, is over."""
        declaration = self.declare(*stages, **more)
        self.api.create_pipeline(pipeline=declaration)
        name: str = declaration["name"]
        for one in self.executions(name):
            self.ended(name, one["pipelineExecutionId"])
        return name

    def quiet(self, *stages: dict[str, Any], **more: Any) -> str:
        """A pipeline whose first run was abandoned before it did anything after its source."""
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
        until(f"{name} {identifier} ends", lambda: self.execution(name, identifier)["status"] in OVER, seconds)
        return self.execution(name, identifier)

    def execution(self, name: str, identifier: str) -> dict[str, Any]:
        found = self.api.get_pipeline_execution(pipelineName=name, pipelineExecutionId=identifier)
        shape: dict[str, Any] = found["pipelineExecution"]
        return shape

    def executions(self, name: str) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.api.list_pipeline_executions(pipelineName=name)["pipelineExecutionSummaries"]
        return found

    def actions(self, name: str, identifier: str) -> dict[str, dict[str, Any]]:
        """The newest attempt of each action of a run, by the action's name."""
        found = self.api.list_action_executions(pipelineName=name, filter={"pipelineExecutionId": identifier})
        return {one["actionName"]: one for one in reversed(found["actionExecutionDetails"])}

    def attempts(self, name: str, identifier: str, action_name: str) -> int:
        found = self.api.list_action_executions(pipelineName=name, filter={"pipelineExecutionId": identifier})
        return sum(one["actionName"] == action_name for one in found["actionExecutionDetails"])

    def error(self, name: str, identifier: str, action_name: str) -> dict[str, str]:
        attempt = self.actions(name, identifier)[action_name]
        details: dict[str, str] = attempt["output"]["executionResult"]["errorDetails"]
        return details

    def stage(self, name: str, stage_name: str) -> dict[str, Any]:
        states = self.api.get_pipeline_state(name=name)["stageStates"]
        return next(one for one in states if one["stageName"] == stage_name)

    def token(self, name: str, stage_name: str = "Approve", seconds: float = 120) -> str:
        """The token of the approval that waits there."""

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
        "inputArtifacts": [{"name": one} for one in inputs or []],
        "outputArtifacts": [{"name": one} for one in outputs or []],
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
    """A function of the account; it may answer jobs, read parameters, and what the statements say."""
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
