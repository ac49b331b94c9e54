"""RotateSecret invokes the rotation function for each of the four steps; MiniStack only moves staging labels.

As on AWS, there is an empty version with the label AWSPENDING, and the function's event has Step, SecretId and
ClientRequestToken. A secret rotates on RotateSecret and with a new schedule, but never because of the schedule's time.
"""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Mapping
from typing import Any

from ministack.core.concurrency import spawn_background
from ministack.core.responses import error_response_json, json_response, new_uuid
from ministack.services import secretsmanager

from localcloud import adapter

SYMBOLS = (
    "ministack.core.concurrency:spawn_background",
    "ministack.core.responses:error_response_json",
    "ministack.core.responses:json_response",
    "ministack.core.responses:new_uuid",
    "ministack.services.secretsmanager:_describe_secret",
    "ministack.services.secretsmanager:_find_stage_version",
    "ministack.services.secretsmanager:_get_secret_value",
    "ministack.services.secretsmanager:_put_secret_value",
    "ministack.services.secretsmanager:_remove_stage_everywhere",
    "ministack.services.secretsmanager:_resolve",
    "ministack.services.secretsmanager:_rotate_secret",
    "ministack.services.secretsmanager:handle_request",
)

STEPS = ("createSecret", "setSecret", "testSecret", "finishSecret")
PENDING, CURRENT = "AWSPENDING", "AWSCURRENT"
_NOT_FOUND = "Secrets Manager can't find the specified secret."

logger = logging.getLogger("localcloud")


class RotationError(RuntimeError):
    """A step of the rotation function failed."""


def rotate(data: Mapping[str, Any]) -> Any:
    """Carries out RotateSecret."""
    _, secret = secretsmanager._resolve(data.get("SecretId"))
    if not secret or secret.get("DeletedDate"):
        return error_response_json("ResourceNotFoundException", _NOT_FOUND, 400)
    function = data.get("RotationLambdaARN") or secret.get("RotationLambdaARN")
    if not function:
        return error_response_json("InvalidRequestException", "No Lambda rotation function ARN is associated.", 400)
    secret["RotationLambdaARN"] = function
    secret["RotationRules"] = data.get("RotationRules") or secret.get("RotationRules")
    secret["RotationEnabled"] = True
    answer = {"ARN": secret["ARN"], "Name": secret["Name"]}
    if data.get("RotateImmediately", True) is False:
        return json_response(answer)
    token = _pending(secret, data.get("ClientRequestToken") or new_uuid())
    spawn_background(_run, secret, function, token, thread_name="localcloud-rotation")
    return json_response({**answer, "VersionId": token})


def _pending(secret: dict[str, Any], token: str) -> str:
    """Returns the version for the new value: the unfinished one of an earlier rotation, or a new one."""
    unfinished, version = secretsmanager._find_stage_version(secret, PENDING)
    if unfinished and CURRENT not in version["Stages"]:
        return str(unfinished)
    secretsmanager._remove_stage_everywhere(secret, PENDING)
    secret["Versions"].setdefault(
        token, {"SecretString": None, "SecretBinary": None, "CreatedDate": int(time.time()), "Stages": []}
    )
    secret["Versions"][token]["Stages"].append(PENDING)
    return token


def _run(secret: dict[str, Any], function: str, token: str) -> None:
    try:
        for step in STEPS:
            _step(function, {"Step": step, "SecretId": secret["ARN"], "ClientRequestToken": token})
    except RotationError as error:
        secret["_rotation_failure"] = str(error)
        logger.warning("rotation of %s: %s", secret["Name"], error)
        return
    secret.pop("_rotation_failure", None)
    secret["LastRotatedDate"] = int(time.time())


def _step(function: str, event: dict[str, str]) -> None:
    answer = adapter.client("lambda").invoke(FunctionName=function, Payload=json.dumps(event))
    if answer.get("FunctionError"):
        raise RotationError(f"{event['Step']} failed: {answer['Payload'].read().decode()[:500]}")


def cancel(data: Mapping[str, Any]) -> Any:
    """Carries out CancelRotateSecret."""
    _, secret = secretsmanager._resolve(data.get("SecretId"))
    if not secret:
        return error_response_json("ResourceNotFoundException", _NOT_FOUND, 400)
    secret["RotationEnabled"] = False
    return json_response({"ARN": secret["ARN"], "Name": secret["Name"]})


def install() -> None:
    """Replace rotation, and treat a version without a value as missing, as AWS does."""
    original_get, original_describe = secretsmanager._get_secret_value, secretsmanager._describe_secret
    original_put, original_handle = secretsmanager._put_secret_value, secretsmanager.handle_request

    def get(data: dict[str, Any]) -> Any:
        status, headers, body = original_get(data)
        if status == 200 and not {"SecretString", "SecretBinary"} & set(json.loads(body)):  # noqa: PLR2004 - success
            stage = data.get("VersionStage", CURRENT)
            message = f"Secrets Manager can't find the specified secret value for staging label: {stage}"
            return error_response_json("ResourceNotFoundException", message, 400)
        return status, headers, body

    def describe(data: dict[str, Any]) -> Any:
        status, headers, body = original_describe(data)
        _, secret = secretsmanager._resolve(data.get("SecretId"))
        if status == 200 and secret and secret.get("LastRotatedDate"):  # noqa: PLR2004 - success
            return json_response({**json.loads(body), "LastRotatedDate": secret["LastRotatedDate"]})
        return status, headers, body

    def put(data: dict[str, Any]) -> Any:
        _, secret = secretsmanager._resolve(data.get("SecretId"))
        if secret and PENDING in (data.get("VersionStages") or ()):
            secretsmanager._remove_stage_everywhere(secret, PENDING)
        return original_put(data)

    async def handle(method: str, path: str, headers: Mapping[str, str], body: bytes, query_params: Any) -> Any:
        if headers.get("x-amz-target", "").endswith(".CancelRotateSecret"):
            return cancel(json.loads(body or b"{}"))
        return await original_handle(method, path, headers, body, query_params)

    secretsmanager._rotate_secret = rotate
    secretsmanager._get_secret_value = get
    secretsmanager._describe_secret = describe
    secretsmanager._put_secret_value = put
    secretsmanager.handle_request = handle
