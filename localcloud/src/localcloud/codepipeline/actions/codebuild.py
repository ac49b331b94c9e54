"""CodeBuild: one build with the action's artifacts in place of the project's source and output.

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
    """Start a build, wait for its end, answer what it exported."""
    if work.option("BatchEnabled", "false").lower() == "true":
        raise ActionError("Batch builds are not made here: BatchEnabled must be false", "ConfigurationError")
    builds = work.client("codebuild")
    build = builds.start_build(**request(work))["build"]
    work.note(summary=f"Build {build['id']}", external_id=build["id"], external_url=_link(build))
    try:
        build = _ended(work, build["id"])
    except (Abandoned, ActionError):
        with suppress(ClientError):  # it may have ended by itself
            builds.stop_build(id=build["id"])
        raise
    if _only_recorded(build):
        return _left_out(work)
    if build["buildStatus"] != "SUCCEEDED":
        raise ActionError(_why(build))
    work.note(summary=f"Build {build['id']} succeeded", external_url=_link(build))
    return {one["name"]: one["value"] for one in build.get("exportedEnvironmentVariables") or []}


def _only_recorded(build: dict[str, Any]) -> bool:
    """Whether this cloud has no Docker to run a build in."""
    contexts = [context for phase in build.get("phases") or [] for context in phase.get("contexts") or []]
    return any(context.get("statusCode") == RECORDED_ONLY for context in contexts)


def _left_out(work: Work) -> dict[str, str]:
    """Go on without a build that leaves nothing behind, and say so; without its output nothing later could run."""
    if work.attempt.outputs:
        names = ", ".join(one.name for one in work.attempt.outputs)
        raise ActionError(f"There is no Docker here, so nothing was built: {names} is missing. Start Docker and retry")
    work.note(summary="ONLY RECORDED: there is no Docker here, so nothing was built or tested")
    return {}


def request(work: Work) -> dict[str, Any]:
    """What StartBuild is asked: CodePipeline's artifacts in S3 take the place of the project's own source and output.

    The first input (or `PrimarySource`) is the source, the others are secondary sources by their names. One output is
    the build's artifact; several are secondary artifacts by their names.
    """
    inputs = {one.name: one for one in work.attempt.inputs}
    if not inputs:
        raise ActionError("A build needs an input artifact", "ConfigurationError")
    primary = work.configuration.get("PrimarySource") or next(iter(inputs))
    if primary not in inputs:
        raise ActionError(f"PrimarySource {primary} is no input of the action", "ConfigurationError")
    source = inputs.pop(primary)
    outputs = work.attempt.outputs
    asked: dict[str, Any] = {
        "projectName": work.option("ProjectName"),
        "sourceTypeOverride": "S3",
        "sourceLocationOverride": f"{source.bucket}/{source.key}",
        "artifactsOverride": _output(outputs[0]) if len(outputs) == 1 else {"type": "NO_ARTIFACTS"},
        "environmentVariablesOverride": _environment(work),
    }
    if inputs:
        asked["secondarySourcesOverride"] = [
            {"type": "S3", "location": f"{one.bucket}/{one.key}", "sourceIdentifier": name}
            for name, one in inputs.items()
        ]
    if len(outputs) > 1:
        asked["secondaryArtifactsOverride"] = [{**_output(one), "artifactIdentifier": one.name} for one in outputs]
    if work.configuration.get("BuildspecOverride"):
        asked["buildspecOverride"] = work.configuration["BuildspecOverride"]
    return asked


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
        return [{"name": one["name"], "value": one["value"], "type": one.get("type", "PLAINTEXT")} for one in declared]
    except (ValueError, TypeError, KeyError) as error:
        said = f"EnvironmentVariables must be a list of name, value and type in JSON: {error}"
        raise ActionError(said, "ConfigurationError") from error


def _ended(work: Work, identifier: str) -> dict[str, Any]:
    while True:
        found = work.client("codebuild").batch_get_builds(ids=[identifier])["builds"]
        if not found:
            raise ActionError(f"The build {identifier} is gone")
        build: dict[str, Any] = found[0]
        if build["buildStatus"] in _ENDED:
            return build
        work.pause()


def _link(build: dict[str, Any]) -> str:
    return str((build.get("logs") or {}).get("deepLink") or "")


def _why(build: dict[str, Any]) -> str:
    said = [
        f"{phase['phaseType']}: {context.get('statusCode', '')} {context.get('message', '')}".strip()
        for phase in build.get("phases") or []
        if phase.get("phaseStatus") in {"FAILED", "FAULT", "TIMED_OUT", "CLIENT_ERROR"}
        for context in phase.get("contexts") or [{}]
    ]
    return f"Build terminated with state {build['buildStatus']}. {'; '.join(said)}".strip()
