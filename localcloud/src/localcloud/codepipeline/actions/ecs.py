"""ECS rolling deployment: puts new images into the task definition of a service and waits for the deployment.

docs.aws.amazon.com/codepipeline/latest/userguide/action-reference-ECS.html
"""

from __future__ import annotations

import json
from typing import Any

from localcloud.codepipeline import artifacts
from localcloud.codepipeline.actions.work import Work
from localcloud.codepipeline.errors import ActionError


def run(work: Work) -> dict[str, str]:
    """Registers a revision with the images of the definitions file, updates the service, waits for the deployment."""
    cluster, name = work.option("ClusterName"), work.option("ServiceName")
    minutes = work.configuration.get("DeploymentTimeout")
    if minutes:
        work.seconds = min(work.seconds, 60 * float(minutes))
    images = _images(work)
    ecs = work.client("ecs")
    service = _service(ecs, cluster, name)
    current = ecs.describe_task_definition(taskDefinition=service["taskDefinition"], include=["TAGS"])
    request = _with_images(ecs, current, images)
    revision = ecs.register_task_definition(**request)["taskDefinition"]["taskDefinitionArn"]
    ecs.update_service(cluster=cluster, service=name, taskDefinition=revision)
    work.note(summary=f"Deploying {revision.rsplit('/', 1)[-1]}", external_id=revision)
    while not _is_deployed(_service(work.client("ecs"), cluster, name), revision):
        work.pause()
    work.note(summary=f"Deployed {revision.rsplit('/', 1)[-1]}")
    return {}


def _images(work: Work) -> dict[str, str]:
    path = work.option("FileName", "imagedefinitions.json")
    text = artifacts.read(work.client("s3"), work.artifact(), path)
    try:
        return {str(container["name"]): str(container["imageUri"]) for container in json.loads(text)}
    except (ValueError, TypeError, KeyError) as error:
        message = f"{path} must be a JSON list of objects with name and imageUri: {error}"
        raise ActionError(message, "ConfigurationError") from error


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
        message = f"The task definition has no container named {', '.join(sorted(unknown))}"
        raise ActionError(message, "ConfigurationError")
    for container in containers:
        container["image"] = images.get(container["name"], container["image"])
    members = ecs.meta.service_model.operation_model("RegisterTaskDefinition").input_shape.members
    request = {key: value for key, value in definition.items() if key in members and value not in (None, "", [])}
    if current.get("tags"):
        request["tags"] = current["tags"]
    return request


def _is_deployed(service: dict[str, Any], revision: str) -> bool:
    deployments = service.get("deployments") or []
    deployment = next((entry for entry in deployments if entry["taskDefinition"] == revision), None)
    if deployment is None or deployment.get("rolloutState") == "FAILED":
        reason = (deployment or {}).get("rolloutStateReason") or "another deployment replaced it"
        raise ActionError(f"The deployment of {revision.rsplit('/', 1)[-1]} failed: {reason}")
    return bool(deployment.get("rolloutState") == "COMPLETED" and len(deployments) == 1)
