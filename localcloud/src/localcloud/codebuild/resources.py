"""CloudFormation resource types of CodeBuild: projects and report groups.

A project supports every property, and an update resets properties that the new template no longer sets.
"""

from __future__ import annotations

from typing import Any

from localcloud import adapter
from localcloud.cloudformation import completion

SYMBOLS: tuple[str, ...] = completion.SYMBOLS

PROJECT, REPORT_GROUP = "AWS::CodeBuild::Project", "AWS::CodeBuild::ReportGroup"
_UNSUPPORTED = ("BuildBatchConfig", "FileSystemLocations")
#: Handled separately, or not part of the local cloud.
_NOT_PASSED_ON = ("Name", "Tags", "Triggers", "Visibility", "ResourceAccessRole")
_ENVIRONMENT = {"type": "LINUX_CONTAINER", "image": "aws/codebuild/standard:7.0", "computeType": "BUILD_GENERAL1_SMALL"}
#: The values of properties that a template does not set: UpdateProject keeps the old value if a member is not sent.
_UNSET: dict[str, Any] = {
    "Description": "",
    "SourceVersion": "",
    "SecondarySources": [],
    "SecondarySourceVersions": [],
    "SecondaryArtifacts": [],
    "Cache": {"Type": "NO_CACHE"},
    "VpcConfig": {},
    "LogsConfig": {},
    "TimeoutInMinutes": 60,
    "QueuedTimeoutInMinutes": 480,
    "EncryptionKey": "alias/aws/codebuild",
}


def project(name: str, props: adapter.Props) -> adapter.Props:
    """Returns the request of CreateProject or UpdateProject for the properties of a template."""
    return {
        "name": name,
        "Environment": _ENVIRONMENT,
        **adapter.without(props, *_NOT_PASSED_ON),
        "tags": _tags(props),
    }


def _tags(props: adapter.Props) -> list[dict[str, str]]:
    return [{"key": key, "value": value} for key, value in adapter.tags(props.get("Tags")).items()]


def _attributes(name: str) -> adapter.Props:
    return {"Arn": adapter.arn("codebuild", f"project/{name}")}


def _create(logical_id: str, props: adapter.Props, stack_name: str) -> adapter.Result:
    completion.refuse(PROJECT, props, _UNSUPPORTED)
    name = props.get("Name") or adapter.physical_name(stack_name, logical_id, max_len=255)
    adapter.call("codebuild", "create_project", project(name, props))
    return name, _attributes(name)


def _update(name: str, old: adapter.Props, new: adapter.Props, stack_name: str) -> adapter.Result:
    if adapter.changed(old, new, "Name"):
        return adapter.replace(_create, adapter.logical_id_of(name), new, stack_name)
    completion.refuse(PROJECT, new, _UNSUPPORTED)
    unset = {key: value for key, value in _UNSET.items() if key in old and key not in new}
    if "ConcurrentBuildLimit" in old and "ConcurrentBuildLimit" not in new:
        unset["ConcurrentBuildLimit"] = -1  # the API's value for no limit
    adapter.call("codebuild", "update_project", {**unset, **project(name, new)})
    return name, _attributes(name)


def _delete(name: str, _props: adapter.Props) -> None:
    adapter.client("codebuild").delete_project(name=name)


# --- report groups ---------------------------------------------------------------------------------------------------


def _group_create(logical_id: str, props: adapter.Props, stack_name: str) -> adapter.Result:
    name = props.get("Name") or adapter.physical_name(stack_name, logical_id, max_len=128)
    wanted = {"name": name, **adapter.without(props, "Name", "Tags", "DeleteReports"), "tags": _tags(props)}
    arn = adapter.call("codebuild", "create_report_group", wanted)["reportGroup"]["arn"]
    return arn, {"Arn": arn}


def _group_update(arn: str, old: adapter.Props, new: adapter.Props, stack_name: str) -> adapter.Result:
    if adapter.changed(old, new, "Name", "Type"):
        return adapter.replace(_group_create, adapter.logical_id_of(arn), new, stack_name)
    wanted = {"arn": arn, "ExportConfig": new["ExportConfig"], "tags": _tags(new)}
    adapter.call("codebuild", "update_report_group", wanted)
    return arn, {"Arn": arn}


def _group_delete(arn: str, props: adapter.Props) -> None:
    deletes = adapter.boolean(props.get("DeleteReports"))
    adapter.client("codebuild").delete_report_group(arn=arn, deleteReports=deletes)


def install() -> None:
    """Replaces the handler of projects, and registers the one of report groups."""
    adapter.override(PROJECT, create=_create, update=_update, delete=_delete, send_back_failed_update=True)
    adapter.register(REPORT_GROUP, _group_create, update=_group_update, delete=_group_delete)
