"""CodeBuild: starts a build with the action's artifacts instead of the project's source and artifacts.

docs.aws.amazon.com/codepipeline/latest/userguide/action-reference-CodeBuild.html
"""

from __future__ import annotations

import json
from contextlib import suppress
from typing import Any

from botocore.exceptions import ClientError

from localcloud.codebuild.errors import RECORDED_ONLY
from localcloud.codepipeline.actions.work import Work
from localcloud.codepipeline.errors import Abandoned, ActionError
from localcloud.codepipeline.model import Artifact

_ENDED = {"SUCCEEDED", "FAILED", "FAULT", "TIMED_OUT", "STOPPED"}


def run(work: Work) -> dict[str, str]:
    """Starts a build, waits for its end, and returns its exported variables."""
    if work.option("BatchEnabled", "false").lower() == "true":
        raise ActionError(
            "The local cloud does not support batch builds: BatchEnabled must be false", "ConfigurationError"
        )
    builds = work.client("codebuild")
    build = builds.start_build(**request(work))["build"]
    work.note(summary=f"Build {build['id']}", external_id=build["id"], external_url=_link(build))
    try:
        build = _wait_for_build(work, build["id"])
    except (Abandoned, ActionError):
        with suppress(ClientError):  # the build may have ended in the meantime
            builds.stop_build(id=build["id"])
        raise
    if _only_recorded(build):
        return _skip_build(work)
    if build["buildStatus"] != "SUCCEEDED":
        raise ActionError(_failure(build))
    work.note(summary=f"Build {build['id']} succeeded", external_url=_link(build))
    exported = build.get("exportedEnvironmentVariables") or []
    return {variable["name"]: variable["value"] for variable in exported}


def _only_recorded(build: dict[str, Any]) -> bool:
    """True if the build did not run because the local cloud has no Docker."""
    contexts = [context for phase in build.get("phases") or [] for context in phase.get("contexts") or []]
    return any(context.get("statusCode") == RECORDED_ONLY for context in contexts)


def _skip_build(work: Work) -> dict[str, str]:
    """Lets the run continue without a build that has no output artifacts, and notes this in the summary.

    Raises:
        ActionError: if the build has output artifacts, since later actions need them.
    """
    if work.attempt.outputs:
        names = ", ".join(artifact.name for artifact in work.attempt.outputs)
        raise ActionError(f"There is no Docker here, so nothing was built: {names} is missing. Start Docker and retry")
    work.note(summary="ONLY RECORDED: there is no Docker here, so nothing was built or tested")
    return {}


def request(work: Work) -> dict[str, Any]:
    """Returns the request of StartBuild, which overrides source and artifacts of the project.

    The first input (or `PrimarySource`) is the source; further inputs are secondary sources, identified by their names.
    A single output is the artifact of the build; several outputs are secondary artifacts, identified by their names.

    Raises:
        ActionError: if there is no input, or if the configuration is invalid.
    """
    inputs = {artifact.name: artifact for artifact in work.attempt.inputs}
    if not inputs:
        raise ActionError("A build needs an input artifact", "ConfigurationError")
    primary = work.configuration.get("PrimarySource") or next(iter(inputs))
    if primary not in inputs:
        raise ActionError(f"PrimarySource {primary} is not an input artifact of the action", "ConfigurationError")
    source = inputs.pop(primary)
    outputs = work.attempt.outputs
    parameters: dict[str, Any] = {
        "projectName": work.option("ProjectName"),
        "sourceTypeOverride": "S3",
        "sourceLocationOverride": f"{source.bucket}/{source.key}",
        "artifactsOverride": _output(outputs[0]) if len(outputs) == 1 else {"type": "NO_ARTIFACTS"},
        "environmentVariablesOverride": _environment(work),
    }
    if inputs:
        parameters["secondarySourcesOverride"] = [
            {"type": "S3", "location": f"{artifact.bucket}/{artifact.key}", "sourceIdentifier": name}
            for name, artifact in inputs.items()
        ]
    if len(outputs) > 1:
        parameters["secondaryArtifactsOverride"] = [
            {**_output(artifact), "artifactIdentifier": artifact.name} for artifact in outputs
        ]
    if work.configuration.get("BuildspecOverride"):
        parameters["buildspecOverride"] = work.configuration["BuildspecOverride"]
    return parameters


def _output(artifact: Artifact) -> dict[str, Any]:
    path, _, name = artifact.key.rpartition("/")
    return {
        "type": "S3",
        "location": artifact.bucket,
        "path": path,
        "name": name,
        "namespaceType": "NONE",
        "packaging": "ZIP",
        "overrideArtifactName": False,
    }


def _environment(work: Work) -> list[dict[str, str]]:
    try:
        declared = json.loads(work.option("EnvironmentVariables", "[]"))
        return [
            {"name": variable["name"], "value": variable["value"], "type": variable.get("type", "PLAINTEXT")}
            for variable in declared
        ]
    except (ValueError, TypeError, KeyError) as error:
        message = f"EnvironmentVariables must be a JSON list of objects with name, value and type: {error}"
        raise ActionError(message, "ConfigurationError") from error


def _wait_for_build(work: Work, identifier: str) -> dict[str, Any]:
    while True:
        found = work.client("codebuild").batch_get_builds(ids=[identifier])["builds"]
        if not found:
            raise ActionError(f"The build {identifier} no longer exists")
        build: dict[str, Any] = found[0]
        if build["buildStatus"] in _ENDED:
            return build
        work.pause()


def _link(build: dict[str, Any]) -> str:
    return str((build.get("logs") or {}).get("deepLink") or "")


def _failure(build: dict[str, Any]) -> str:
    reasons = [
        f"{phase['phaseType']}: {context.get('statusCode', '')} {context.get('message', '')}".strip()
        for phase in build.get("phases") or []
        if phase.get("phaseStatus") in {"FAILED", "FAULT", "TIMED_OUT", "CLIENT_ERROR"}
        for context in phase.get("contexts") or [{}]
    ]
    return f"Build terminated with state {build['buildStatus']}. {'; '.join(reasons)}".strip()
