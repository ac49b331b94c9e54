"""The environment variables of a build.

Of variables with the same name the last one wins: CodeBuild's own, the buildspec's, the project's, those of StartBuild.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import ClientError

from localcloud import build_variables, settings
from localcloud.cloudfront.addresses import in_a_container
from localcloud.codebuild.buildspec import Buildspec
from localcloud.codebuild.container import SOURCE
from localcloud.codebuild.errors import CLIENT_ERROR, BuildError, api_error
from localcloud.codebuild.identity import Role

_ARN_FIELDS = 7  # in the ARN of a secret; JSON key, version stage and version id may follow
NO_DOCKER = "unix:///docker/needs/PrivilegedMode/in/the/CodeBuild/project"
PLAINTEXT, PARAMETER_STORE, SECRETS_MANAGER = "PLAINTEXT", "PARAMETER_STORE", "SECRETS_MANAGER"


@dataclass(frozen=True)
class Environment:
    """The variables of a build's commands, and the values that its log must not show."""

    variables: Mapping[str, str]
    secrets: frozenset[str]


def documented(build: Mapping[str, Any], secondary_sources: Mapping[str, str]) -> dict[str, str]:
    """Returns the variables that CodeBuild documents."""
    region, account = build["arn"].split(":")[3:5]
    logs = build.get("logs") or {}
    return {
        "AWS_REGION": region,
        "AWS_DEFAULT_REGION": region,
        "AWS_ACCOUNT_ID": account,
        "CI": "true",
        "CODEBUILD_CI": "true",
        "CODEBUILD_BUILD_ARN": build["arn"],
        "CODEBUILD_BUILD_ID": build["id"],
        "CODEBUILD_BUILD_IMAGE": (build.get("environment") or {}).get("image", ""),
        "CODEBUILD_BUILD_NUMBER": str(build["buildNumber"]),
        "CODEBUILD_BUILD_SUCCEEDING": "1",
        "CODEBUILD_INITIATOR": build["initiator"],
        "CODEBUILD_KMS_KEY_ID": build.get("encryptionKey", ""),
        "CODEBUILD_LOG_PATH": logs.get("streamName", ""),
        "CODEBUILD_PROJECT_ARN": build["arn"].rsplit(":build/", 1)[0] + f":project/{build['projectName']}",
        "CODEBUILD_PROJECT_UUID": "",
        "CODEBUILD_RESOLVED_SOURCE_VERSION": build.get("resolvedSourceVersion", ""),
        "CODEBUILD_SOURCE_REPO_URL": (build.get("source") or {}).get("location", ""),
        "CODEBUILD_SOURCE_VERSION": build.get("sourceVersion") or build.get("resolvedSourceVersion", ""),
        "CODEBUILD_SRC_DIR": SOURCE,
        "CODEBUILD_START_TIME": str(int(build["startTime"] * 1000)),
        **{f"CODEBUILD_SRC_DIR_{name}": folder for name, folder in secondary_sources.items()},
    }


def resolve(role: Role, spec: Buildspec, declared: list[Mapping[str, Any]], own: Mapping[str, str]) -> Environment:
    """Returns all variables; parameters and secrets are read as the build's role."""
    listed = [
        *((name, PLAINTEXT, value) for name, value in spec.variables.items()),
        *((name, PARAMETER_STORE, value) for name, value in spec.parameter_store.items()),
        *((name, SECRETS_MANAGER, value) for name, value in spec.secrets_manager.items()),
        *((entry["name"], entry.get("type") or PLAINTEXT, entry.get("value", "")) for entry in declared),
    ]
    last = {name: (kind, value) for name, kind, value in listed}
    overriding = build_variables.read(settings.current())
    last |= {name: (PLAINTEXT, value) for name, value in overriding.items() if name in spec.variables}
    parameters = _parameters(role, {value for kind, value in last.values() if kind == PARAMETER_STORE})
    variables: dict[str, str] = {}
    secrets = set()
    for name, (kind, value) in last.items():
        variables[name] = in_a_container(value)
        if kind == PARAMETER_STORE:
            variables[name] = parameters[value]
        elif kind == SECRETS_MANAGER:
            variables[name] = _secret(role, value)
        if kind != PLAINTEXT:
            secrets.add(variables[name])
    reserved = {name: value for name, value in own.items() if name.startswith("CODEBUILD_")}
    return Environment({**own, **role.variables(), **variables, **reserved}, frozenset(secrets))


def _parameters(role: Role, names: set[str]) -> dict[str, str]:
    values: dict[str, str] = {}
    for name in sorted(names):
        try:
            answer = role.client("ssm").get_parameters(Names=[name], WithDecryption=True)
        except ClientError as error:
            raise api_error(error, role.arn, f"read the parameter {name}") from error
        if answer["InvalidParameters"]:
            raise BuildError(CLIENT_ERROR, f"Parameter store value {name} does not exist")
        values[name] = answer["Parameters"][0]["Value"]
    return values


def _secret(role: Role, reference: str) -> str:
    """Returns the secret of ``secret-id:json-key:version-stage:version-id``, where the secret id may be an ARN."""
    fields = reference.split(":")
    width = _ARN_FIELDS if reference.startswith("arn:") else 1
    secret_id, (key, stage, version) = ":".join(fields[:width]), (*fields[width:], "", "", "")[:3]
    choice = {name: value for name, value in (("VersionStage", stage), ("VersionId", version)) if value}
    try:
        answer = role.client("secretsmanager").get_secret_value(SecretId=secret_id, **choice)
    except ClientError as error:
        raise api_error(error, role.arn, f"read the secret {secret_id}") from error
    text = str(answer.get("SecretString", ""))
    if not key:
        return text
    try:
        value = json.loads(text)[key]
    except (ValueError, KeyError, TypeError) as error:
        raise BuildError(CLIENT_ERROR, f"Secrets Manager: the secret {secret_id} has no JSON key {key}") from error
    return value if isinstance(value, str) else json.dumps(value)


def with_docker(variables: Mapping[str, str], *, privileged: bool) -> dict[str, str]:
    """Returns the variables together with those of the docker command.

    A privileged build gets options for `docker run`. Its containers reach the local cloud without them; they are kept
    for buildspecs that use them. Without privileged mode, DOCKER_HOST is an address that explains why docker fails.
    """
    if privileged:
        return {"DOCKER_RUN_OPTIONS": f"--network {settings.current().network}", **variables}
    return {**variables, "DOCKER_HOST": NO_DOCKER}
