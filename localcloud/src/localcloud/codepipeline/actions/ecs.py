"""ECS rolling deployment: new images into the service's task definition, and wait for the service.

docs.aws.amazon.com/codepipeline/latest/userguide/action-reference-ECS.html
"""

from __future__ import annotations

import json
from typing import Any

from localcloud.codepipeline import artifacts
from localcloud.codepipeline.actions.work import Work
from localcloud.codepipeline.errors import ActionError


def run(work: Work) -> dict[str, str]:
    """Register a revision with the images of the definitions file, update the service, wait until it is steady."""
    cluster, name = work.option("ClusterName"), work.option("ServiceName")
    minutes = work.configuration.get("DeploymentTimeout")
    if minutes:
        work.seconds = min(work.seconds, 60 * float(minutes))
    images = _images(work)
    ecs = work.client("ecs")
    service = _service(ecs, cluster, name)
    current = ecs.describe_task_definition(taskDefinition=service["taskDefinition"], include=["TAGS"])
    wanted = _with_images(ecs, current, images)
    revision = ecs.register_task_definition(**wanted)["taskDefinition"]["taskDefinitionArn"]
    ecs.update_service(cluster=cluster, service=name, taskDefinition=revision)
    work.note(summary=f"Deploying {revision.rsplit('/', 1)[-1]}", external_id=revision)
    while not _steady(_service(work.client("ecs"), cluster, name), revision):
        work.pause()
    work.note(summary=f"Deployed {revision.rsplit('/', 1)[-1]}")
    return {}


def _images(work: Work) -> dict[str, str]:
    path = work.option("FileName", "imagedefinitions.json")
    text = artifacts.read(work.client("s3"), work.artifact(), path)
    try:
        return {str(one["name"]): str(one["imageUri"]) for one in json.loads(text)}
    except (ValueError, TypeError, KeyError) as error:
        said = f"{path} must be a list of name and imageUri in JSON: {error}"
        raise ActionError(said, "ConfigurationError") from error


def _service(ecs: Any, cluster: str, name: str) -> dict[str, Any]:
    found = ecs.describe_services(cluster=cluster, services=[name])["services"]
    if not found:
        raise ActionError(f"The cluster {cluster} has no service {name}", "ConfigurationError")
    service: dict[str, Any] = found[0]
    return service


def _with_images(ecs: Any, current: dict[str, Any], images: dict[str, str]) -> dict[str, Any]:
    definition = current["taskDefinition"]
    containers = definition["containerDefinitions"]
    unknown = set(images) - {container["name"] for container in containers}
    if unknown:
        said = f"The task definition has no container named {', '.join(sorted(unknown))}"
        raise ActionError(said, "ConfigurationError")
    for container in containers:
        container["image"] = images.get(container["name"], container["image"])
    takes = ecs.meta.service_model.operation_model("RegisterTaskDefinition").input_shape.members
    wanted = {key: value for key, value in definition.items() if key in takes and value not in (None, "", [])}
    if current.get("tags"):
        wanted["tags"] = current["tags"]
    return wanted


def _steady(service: dict[str, Any], revision: str) -> bool:
    deployments = service.get("deployments") or []
    ours = next((one for one in deployments if one["taskDefinition"] == revision), None)
    if ours is None or ours.get("rolloutState") == "FAILED":
        why = (ours or {}).get("rolloutStateReason") or "another deployment took its place"
        raise ActionError(f"The deployment of {revision.rsplit('/', 1)[-1]} failed: {why}")
    return bool(ours.get("rolloutState") == "COMPLETED" and len(deployments) == 1)
