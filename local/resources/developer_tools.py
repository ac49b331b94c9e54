"""CodeBuild projects with all their properties; connections on record."""

from __future__ import annotations

import uuid
from typing import Any

from local import adapter
from local.resources import completion

SYMBOLS: tuple[str, ...] = completion.SYMBOLS

# CloudFormation's words for what the API calls otherwise.
_RENAMED = {"BuildSpec": "buildspec", "Triggers": "", "Visibility": "", "ResourceAccessRole": ""}
_ENVIRONMENT = {"type": "LINUX_CONTAINER", "image": "aws/codebuild/standard:7.0", "computeType": "BUILD_GENERAL1_SMALL"}


def project(name: str, props: adapter.Props) -> adapter.Props:
    """A template's project in the API's words."""
    wanted = adapter.without(props, "Name", *(key for key, api in _RENAMED.items() if not api))
    wanted.setdefault("Environment", _ENVIRONMENT)
    tags = [{"key": key, "value": value} for key, value in adapter.tags(wanted.pop("Tags", None)).items()]
    return {"name": name, **wanted, "tags": tags}


def _project_arn(name: str) -> str:
    return adapter.arn("codebuild", f"project/{name}")


def _project_create(logical_id: str, props: adapter.Props, stack_name: str) -> adapter.Result:
    completion.refuse("AWS::CodeBuild::Project", props, ("BuildBatchConfig", "FileSystemLocations"))
    name = props.get("Name") or adapter.physical_name(stack_name, logical_id, max_len=255)
    adapter.call("codebuild", "create_project", project(name, props))
    return name, {"Arn": _project_arn(name)}


def _project_update(name: str, old: adapter.Props, new: adapter.Props, stack_name: str) -> adapter.Result:
    if adapter.changed(old, new, "Name"):
        return adapter.replace(_project_create, adapter.logical_id_of(name), new, stack_name)
    empty: dict[str, Any] = {"VpcConfig": {}, "LogsConfig": {}, "Cache": {"Type": "NO_CACHE"}}
    dropped = {key: value for key, value in empty.items() if key in old and key not in new}
    adapter.call("codebuild", "update_project", {**project(name, new), **dropped})
    return name, {"Arn": _project_arn(name)}


def _project_delete(name: str, _props: adapter.Props) -> None:
    adapter.client("codebuild").delete_project(name=name)


def _connection(service: str) -> None:
    def create(_logical_id: str, _props: adapter.Props, _stack_name: str) -> adapter.Result:
        arn = adapter.arn(service, f"connection/{uuid.uuid4()}")
        return arn, _connection_attributes(arn)

    def update(arn: str, old: adapter.Props, new: adapter.Props, stack_name: str) -> adapter.Result:
        if adapter.changed(old, new, "ConnectionName", "ProviderType", "HostArn"):
            return create("", new, stack_name)
        return arn, _connection_attributes(arn)

    kind = {"codeconnections": "CodeConnections", "codestar-connections": "CodeStarConnections"}[service]
    adapter.register(f"AWS::{kind}::Connection", create, update=update)
    adapter.RECORDED[f"AWS::{kind}::Connection"] = "on record and AVAILABLE at once: nobody has to authorize it"


def _connection_attributes(arn: str) -> dict[str, Any]:
    return {"ConnectionArn": arn, "ConnectionStatus": "AVAILABLE", "OwnerAccountId": arn.split(":")[4]}


def install() -> None:
    """Replace the project's handler; record connections."""
    adapter.override(
        "AWS::CodeBuild::Project",
        create=_project_create,
        update=_project_update,
        delete=_project_delete,
        send_back_failed_update=True,
    )
    _connection("codeconnections")
    _connection("codestar-connections")
