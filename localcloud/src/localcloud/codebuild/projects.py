"""Build projects: all their properties are stored, and StartBuild can override them."""

from __future__ import annotations

import copy
import time
from collections.abc import Mapping
from typing import Any

from ministack.core.responses import error_response_json, json_response
from ministack.services import codebuild

SYMBOLS: tuple[str, ...] = (
    "ministack.services.codebuild:_create_project",
    "ministack.services.codebuild:_project_arn",
    "ministack.services.codebuild:_project_shape",
    "ministack.services.codebuild:_projects",
    "ministack.services.codebuild:_update_project",
)

Project = dict[str, Any]
DEFAULT_TIMEOUT_MINUTES = 60
DEFAULT_QUEUED_MINUTES = 480
_KEY = "alias/aws/codebuild"

#: Member of StartBuild -> path of the member of the project that it overrides.
_OVERRIDES: dict[str, tuple[str, ...]] = {
    "sourceTypeOverride": ("source", "type"),
    "sourceLocationOverride": ("source", "location"),
    "sourceAuthOverride": ("source", "auth"),
    "gitCloneDepthOverride": ("source", "gitCloneDepth"),
    "buildspecOverride": ("source", "buildspec"),
    "insecureSslOverride": ("source", "insecureSsl"),
    "reportBuildStatusOverride": ("source", "reportBuildStatus"),
    "secondarySourcesOverride": ("secondarySources",),
    "secondarySourcesVersionOverride": ("secondarySourceVersions",),
    "artifactsOverride": ("artifacts",),
    "secondaryArtifactsOverride": ("secondaryArtifacts",),
    "environmentTypeOverride": ("environment", "type"),
    "imageOverride": ("environment", "image"),
    "computeTypeOverride": ("environment", "computeType"),
    "certificateOverride": ("environment", "certificate"),
    "registryCredentialOverride": ("environment", "registryCredential"),
    "imagePullCredentialsTypeOverride": ("environment", "imagePullCredentialsType"),
    "privilegedModeOverride": ("environment", "privilegedMode"),
    "cacheOverride": ("cache",),
    "serviceRoleOverride": ("serviceRole",),
    "timeoutInMinutesOverride": ("timeoutInMinutes",),
    "queuedTimeoutInMinutesOverride": ("queuedTimeoutInMinutes",),
    "encryptionKeyOverride": ("encryptionKey",),
    "logsConfigOverride": ("logsConfig",),
    "sourceVersion": ("sourceVersion",),
}


def overridden(project: Project, request: Mapping[str, Any]) -> Project:
    """Returns a copy of the project with the overrides of a StartBuild request."""
    own = copy.deepcopy(project)
    for member, path in _OVERRIDES.items():
        if member in request:
            holder = own
            for name in path[:-1]:
                holder = holder.setdefault(name, {})
            holder[path[-1]] = copy.deepcopy(request[member])
    environment = own.setdefault("environment", {})
    variables = {variable["name"]: variable for variable in environment.get("environmentVariables") or []}
    overrides = request.get("environmentVariablesOverride") or []
    variables.update({variable["name"]: variable for variable in overrides})
    environment["environmentVariables"] = list(variables.values())
    return own


def _create(data: Project) -> Any:
    name = data.get("name", "")
    if not name or not data.get("source") or not data.get("environment") or not data.get("serviceRole"):
        message = "Invalid project: name, source, artifacts, environment and serviceRole are required"
        return error_response_json("InvalidInputException", message, 400)
    if name in codebuild._projects:
        return error_response_json("ResourceAlreadyExistsException", f"Project already exists: {name}", 400)
    now = time.time()
    arn = codebuild._project_arn(name)
    project = {
        "description": "",
        "sourceVersion": "",
        "artifacts": {"type": "NO_ARTIFACTS"},
        "cache": {"type": "NO_CACHE"},
        "timeoutInMinutes": DEFAULT_TIMEOUT_MINUTES,
        "queuedTimeoutInMinutes": DEFAULT_QUEUED_MINUTES,
        "encryptionKey": arn.replace(":codebuild:", ":kms:").rsplit(":", 1)[0] + f":{_KEY}",
        "tags": [],
        "badge": {"badgeEnabled": False},
        **copy.deepcopy(data),
        "arn": arn,
        "created": now,
        "lastModified": now,
    }
    project.pop("badgeEnabled", None)
    codebuild._projects[name] = project
    return json_response({"project": project})


def _update(data: Project) -> Any:
    project = codebuild._projects.get(data.get("name", ""))
    if project is None:
        return error_response_json("ResourceNotFoundException", f"Project not found: {data.get('name')}", 400)
    project.update(copy.deepcopy({key: value for key, value in data.items() if key not in ("arn", "badgeEnabled")}))
    project["lastModified"] = time.time()
    return json_response({"project": project})


def install() -> None:
    """Replaces MiniStack's functions, which drop most properties."""
    codebuild._create_project = _create
    codebuild._update_project = _update
    codebuild._project_shape = copy.deepcopy
