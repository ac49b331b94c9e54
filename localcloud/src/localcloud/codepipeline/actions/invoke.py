"""Lambda: invokes a function with a job and waits for the result of the job.

docs.aws.amazon.com/codepipeline/latest/userguide/action-reference-Lambda.html
"""

from __future__ import annotations

import json
from typing import Any

from localcloud.codepipeline import artifacts
from localcloud.codepipeline.actions.work import Work
from localcloud.codepipeline.errors import ActionError
from localcloud.codepipeline.jobs import Job
from localcloud.codepipeline.model import Artifact
from localcloud.codepipeline.state import JOBS

#: The action fails if one invocation gives no result for this time.
SECONDS = 20 * 60
#: Seconds before the next invocation with a continuation token. AWS does not document its own value.
PAUSE = 1.0


def run(work: Work) -> dict[str, str]:
    """Invokes the function until its result has no continuation token."""
    function = work.option("FunctionName")
    token = ""
    while True:
        result = _invoke(work, function, token)
        details = result.get("executionDetails") or {}
        work.note(summary=details.get("summary", ""), external_id=details.get("externalExecutionId", ""))
        token = result.get("continuationToken", "")
        if not token:
            return dict(result.get("outputVariables") or {})
        work.pause(PAUSE)


def _invoke(work: Work, function: str, token: str) -> dict[str, Any]:
    job = JOBS.add(Job(work.pipeline.place, _data(work, token), _details(work)))
    try:
        payload = json.dumps(job.event())
        work.client("lambda").invoke(FunctionName=function, InvocationType="Event", Payload=payload)
        if not work.wait(lambda: job.answered, SECONDS):
            raise ActionError(
                f"The AWS Lambda function {function} failed to return a result. Check the function to verify that it "
                "has permission to call the PutJobSuccessResult action and that it made a call to PutJobSuccessResult",
                "JobTimedOut",
            )
    finally:
        JOBS.close(job)
    if job.failure is not None:
        work.note(external_id=job.failure.get("externalExecutionId", ""))
        raise ActionError(job.failure["message"], job.failure["type"])
    return job.success or {}


def _data(work: Work, token: str) -> dict[str, Any]:
    inputs, outputs = work.attempt.inputs, work.attempt.outputs
    credentials = work.identity.credentials(artifacts.policy(inputs, outputs))
    data: dict[str, Any] = {
        "actionConfiguration": {"configuration": work.configuration},
        "inputArtifacts": [_location(artifact) for artifact in inputs],
        "outputArtifacts": [_location(artifact) for artifact in outputs],
        "artifactCredentials": {
            "accessKeyId": credentials["AccessKeyId"],
            "secretAccessKey": credentials["SecretAccessKey"],
            "sessionToken": credentials["SessionToken"],
        },
    }
    if token:
        data["continuationToken"] = token
    key = artifacts.store(work.declaration, work.region).get("encryptionKey")
    if key:
        data["encryptionKey"] = key
    return data


def _details(work: Work) -> dict[str, Any]:
    return {
        "actionTypeId": work.attempt.declaration["actionTypeId"],
        "pipelineContext": {
            "pipelineName": work.pipeline.name,
            "stage": {"name": work.attempt.stage},
            "action": {"name": work.attempt.action, "actionExecutionId": work.attempt.id},
            "pipelineArn": work.pipeline.arn,
            "pipelineExecutionId": work.execution.id,
        },
    }


def _location(artifact: Artifact) -> dict[str, Any]:
    return {
        "name": artifact.name,
        "revision": artifact.revision or None,
        "location": {"type": "S3", "s3Location": {"bucketName": artifact.bucket, "objectKey": artifact.key}},
    }
