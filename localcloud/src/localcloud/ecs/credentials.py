"""A task's identity: credentials of its task role, and secrets read with its execution role, both subject to IAM."""

from __future__ import annotations

import contextvars
import json
import secrets
import time
from collections.abc import Mapping
from typing import Any

from botocore.exceptions import ClientError
from ministack.core.responses import get_region, json_response
from ministack.services import ecs, iam, imds, sts

from localcloud import clients, settings
from localcloud.iam import services

SYMBOLS = (
    *services.SYMBOLS,
    "ministack.core.responses:json_response",
    "ministack.services.ecs:_SecretResolutionError",
    "ministack.services.ecs:_register_metadata",
    "ministack.services.ecs:_resolve_container_secrets",
    "ministack.services.ecs:_start_task_worker",
    "ministack.services.iam:_roles",
    "ministack.services.imds:handle_request",
    "ministack.services.sts:register_session",
)

LIFETIME_SECONDS = 3600
PRINCIPAL = "ecs-tasks.amazonaws.com"
_ARN_FIELDS = 7  # of a secret's ARN; JSON key, version stage and version ID follow
_PATH = "/v2/credentials/"

#: Path of a container's credentials -> (role, session name, token, the service's principal, the source ARN).
_issued: dict[str, tuple[str, str, str, str, str]] = {}
_execution_role: contextvars.ContextVar[str] = contextvars.ContextVar("localcloud_execution_role", default="")


class AssumeError(ValueError):
    """A service may not assume the role."""


def session(role_arn: str, session_name: str, *, principal: str = PRINCIPAL, source_arn: str = "") -> dict[str, str]:
    """Returns temporary credentials of ``role_arn``.

    The conditions of the trust policy are evaluated: the service acts for ``source_arn``, by default ECS for any task
    of the role's account.

    Raises:
        AssumeError: if the role does not exist or does not trust the service.
    """
    account, name = role_arn.split(":")[4], role_arn.rsplit("/", 1)[-1]
    role = iam._roles.get_scoped(account, None, name)
    document = (role or {}).get("AssumeRolePolicyDocument", "")
    if principal == PRINCIPAL:
        source_arn = source_arn or f"arn:aws:ecs:{get_region()}:{account}:task/any"
    trusted = (
        services.trusts(document, role_arn, principal, source_arn)
        if source_arn and document
        else (principal in json.dumps(document))
    )
    if role is None or not trusted:
        service = "ECS" if principal == PRINCIPAL else principal
        raise AssumeError(f"{service} was unable to assume the role '{role_arn}': it must exist and trust {principal}")
    key, secret, token = "ASIA" + secrets.token_hex(8).upper(), secrets.token_hex(20), secrets.token_hex(64)
    expiration = time.time() + LIFETIME_SECONDS
    sts.register_session(
        key,
        {
            "Arn": f"arn:aws:sts::{account}:assumed-role/{name}/{session_name}",
            "UserId": f"{role.get('RoleId', name)}:{session_name}",
            "SecretAccessKey": secret,
            "SessionToken": token,
            "AccountId": account,
            "PrincipalType": "AssumedRole",
            "Expiration": expiration,
        },
    )
    return {
        "AccessKeyId": key,
        "SecretAccessKey": secret,
        "Token": token,
        "RoleArn": role_arn,
        "Expiration": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(expiration)),
    }


def _offer(environment: dict[str, str], declared: Mapping[str, str], definition: Mapping[str, Any], task: str) -> None:
    """Set the variables that the ECS agent gives a container: region, endpoint, and the URI of its credentials."""
    path = environment["AWS_CONTAINER_CREDENTIALS_FULL_URI"].rsplit("/", 1)[-1]
    if definition.get("taskRoleArn"):
        token = environment["AWS_CONTAINER_AUTHORIZATION_TOKEN"]
        _issued[path] = (definition["taskRoleArn"], task.rsplit("/", 1)[-1], token, PRINCIPAL, "")
    else:
        del environment["AWS_CONTAINER_CREDENTIALS_FULL_URI"], environment["AWS_CONTAINER_AUTHORIZATION_TOKEN"]
    environment["AWS_ENDPOINT_URL"] = declared.get("AWS_ENDPOINT_URL", settings.current().container_url)
    environment.setdefault("AWS_REGION", get_region())
    environment.setdefault("AWS_DEFAULT_REGION", get_region())


def offer(role_arn: str, session_name: str, *, principal: str, source_arn: str) -> dict[str, str]:
    """Returns the variables with which SDKs in a container get credentials of the role, until `withdraw`."""
    path, token = secrets.token_hex(16), secrets.token_hex(32)
    _issued[path] = (role_arn, session_name, token, principal, source_arn)
    return {
        "AWS_CONTAINER_CREDENTIALS_FULL_URI": f"{settings.current().container_url}{_PATH}{path}",
        "AWS_CONTAINER_AUTHORIZATION_TOKEN": token,
    }


def withdraw(variables: Mapping[str, str]) -> None:
    """Stop issuing credentials for the variables that `offer` returned."""
    _issued.pop(variables.get("AWS_CONTAINER_CREDENTIALS_FULL_URI", "").rsplit("/", 1)[-1], None)


def _answer(path: str, headers: Mapping[str, str]) -> Any:
    known = _issued.get(path.removeprefix(_PATH).strip("/"))
    if known is None or not secrets.compare_digest(headers.get("authorization", ""), known[2]):
        return json_response({"code": "AccessDenied", "message": "unknown credentials id or token"}, status=403)
    try:
        return json_response(session(known[0], known[1], principal=known[3], source_arn=known[4]))
    except AssumeError as error:
        return json_response({"code": "AccessDenied", "message": str(error)}, status=403)


# --- secrets ---------------------------------------------------------------------------------------------------------


def _resolve_secrets(container: Mapping[str, Any]) -> dict[str, str]:
    wanted = container.get("secrets") or []
    if not wanted:
        return {}
    role = _execution_role.get()
    if not role:
        raise ecs._SecretResolutionError("the task definition has secrets but no execution role")
    try:
        credentials = session(role, "ecs-agent")
    except AssumeError as error:
        raise ecs._SecretResolutionError(str(error)) from error
    return {secret["name"]: _value(credentials, secret["valueFrom"]) for secret in wanted}


def _value(credentials: Mapping[str, str], reference: str) -> str:
    try:
        if ":secretsmanager:" in reference:
            return _secret(credentials, reference)
        found = client("ssm", credentials).get_parameters(Names=[reference], WithDecryption=True)
    except ClientError as error:
        raise ecs._SecretResolutionError(f"{reference}: {error}") from error
    if not found["Parameters"]:
        raise ecs._SecretResolutionError(f"invalid ssm parameters: {reference}")
    return str(found["Parameters"][0]["Value"])


def _secret(credentials: Mapping[str, str], reference: str) -> str:
    """Returns the value at a reference of the form ``arn[:json-key:version-stage:version-id]``."""
    fields = reference.split(":")
    key, stage, version = (*fields[_ARN_FIELDS:], "", "", "")[:3]
    choice = {name: value for name, value in (("VersionStage", stage), ("VersionId", version)) if value}
    answer = client("secretsmanager", credentials).get_secret_value(SecretId=":".join(fields[:_ARN_FIELDS]), **choice)
    text = str(answer["SecretString"])
    if not key:
        return text
    try:
        value = json.loads(text)[key]
    except (ValueError, KeyError, TypeError) as error:
        raise ecs._SecretResolutionError(
            f"retrieved secret from Secrets Manager did not contain json key {key}"
        ) from error
    return value if isinstance(value, str) else json.dumps(value)


def client(service: str, credentials: Mapping[str, str]) -> Any:
    """Returns a client with a session's credentials."""
    return clients.client(service, credentials, get_region(), user_agent_extra=settings.INNER)


# --- installation ----------------------------------------------------------------------------------------------------


def install() -> None:
    """Give tasks the roles of their task definition."""
    register, handle, start = ecs._register_metadata, imds.handle_request, ecs._start_task_worker

    def registering(task_arn: str, cluster: str, definition: Any, container: Any, *rest: Any) -> Any:
        environment = rest[1]
        declared = dict(environment)
        token = register(task_arn, cluster, definition, container, *rest)
        _offer(environment, declared, definition, task_arn)
        return token

    async def handling(method: str, path: str, headers: Any, body: bytes, query_params: Any) -> Any:
        if path.startswith(_PATH):
            return _answer(path, headers)
        return await handle(method, path, headers, body, query_params)

    def starting(task: Any, definition: Any, *rest: Any) -> Any:
        mark = _execution_role.set(str(definition.get("executionRoleArn") or ""))
        try:
            return start(task, definition, *rest)
        finally:
            _execution_role.reset(mark)

    ecs._register_metadata = registering
    imds.handle_request = handling
    ecs._start_task_worker = starting
    ecs._resolve_container_secrets = _resolve_secrets
