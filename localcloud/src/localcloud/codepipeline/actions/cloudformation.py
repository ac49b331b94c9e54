"""CloudFormation: creates, updates and deletes stacks, directly or through a change set.

docs.aws.amazon.com/codepipeline/latest/userguide/action-reference-CloudFormation.html
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from botocore.exceptions import ClientError

from localcloud.codepipeline import artifacts
from localcloud.codepipeline.actions.work import Work
from localcloud.codepipeline.errors import ActionError

_SUCCEEDED = {"CREATE_COMPLETE", "UPDATE_COMPLETE"}
_FAILED_FOR_GOOD = {"CREATE_FAILED", "ROLLBACK_COMPLETE", "ROLLBACK_FAILED", "DELETE_FAILED", "UPDATE_ROLLBACK_FAILED"}


def run(work: Work) -> dict[str, str]:
    """Performs the action of ActionMode and returns the outputs of the stack."""
    modes: dict[str, Callable[[Work], None]] = {
        "CREATE_UPDATE": _create_or_update,
        "REPLACE_ON_FAILURE": _replace_on_failure,
        "DELETE_ONLY": _delete,
        "CHANGE_SET_REPLACE": _change_set,
        "CHANGE_SET_EXECUTE": _execute,
    }
    mode = work.option("ActionMode")
    if mode not in modes:
        raise ActionError(f"ActionMode must be one of {', '.join(modes)}, not {mode}", "ConfigurationError")
    modes[mode](work)
    stack = _stack(work)
    if stack is None or mode == "CHANGE_SET_REPLACE":
        return {}
    outputs = {output["OutputKey"]: output["OutputValue"] for output in stack.get("Outputs") or []}
    if work.attempt.outputs:
        name = work.option("OutputFileName", "CreateStackOutput.json")
        work.put(artifacts.zipped({name: json.dumps(outputs).encode()}))
    return outputs


def _stack(work: Work) -> dict[str, Any] | None:
    try:
        found = work.client("cloudformation").describe_stacks(StackName=work.attempt.external_id or _name(work))
    except ClientError as error:
        if "does not exist" in str(error):
            return None
        raise
    stack: dict[str, Any] = found["Stacks"][0]
    return None if stack["StackStatus"] == "DELETE_COMPLETE" else stack


def _name(work: Work) -> str:
    return work.option("StackName")


def _create_or_update(work: Work) -> None:
    stack, cloudformation = _stack(work), work.client("cloudformation")
    if stack is None:
        created = cloudformation.create_stack(StackName=_name(work), **_arguments(work))
        work.note(summary=f"Creating {_name(work)}", external_id=created["StackId"])
    else:
        work.note(summary=f"Updating {_name(work)}", external_id=stack["StackId"])
        try:
            cloudformation.update_stack(StackName=_name(work), **_arguments(work))
        except ClientError as error:
            if "No updates are to be performed" in str(error):
                work.note(summary=f"{_name(work)}: no updates are to be performed")
                return
            raise
    _wait_for_stack(work, _SUCCEEDED)


def _replace_on_failure(work: Work) -> None:
    stack = _stack(work)
    if stack is not None and stack["StackStatus"] in _FAILED_FOR_GOOD:
        _delete(work)
    _create_or_update(work)


def _delete(work: Work) -> None:
    stack = _stack(work)
    if stack is None:
        work.note(summary=f"{_name(work)} does not exist")
        return
    role = {"RoleARN": work.configuration["RoleArn"]} if work.configuration.get("RoleArn") else {}
    work.client("cloudformation").delete_stack(StackName=_name(work), **role)
    work.note(summary=f"Deleting {_name(work)}", external_id=stack["StackId"])
    _wait_for_stack(work, {"DELETE_COMPLETE"})
    with work.store.changed:
        work.attempt.external_id = ""


def _change_set(work: Work) -> None:
    cloudformation, change_set = work.client("cloudformation"), work.option("ChangeSetName")
    stack = _stack(work)
    is_new = stack is None or stack["StackStatus"] == "REVIEW_IN_PROGRESS"
    if stack is not None:
        cloudformation.delete_change_set(StackName=_name(work), ChangeSetName=change_set)
    cloudformation.create_change_set(
        StackName=_name(work),
        ChangeSetName=change_set,
        ChangeSetType="CREATE" if is_new else "UPDATE",
        **_arguments(work),
    )
    while True:
        created = cloudformation.describe_change_set(StackName=_name(work), ChangeSetName=change_set)
        if created["Status"] == "CREATE_COMPLETE":
            break
        if created["Status"] == "FAILED":
            reason = created.get("StatusReason", "")
            if "No updates" in reason or "didn't contain changes" in reason:
                break
            raise ActionError(f"The change set {change_set} failed: {reason}")
        work.pause()
    work.note(summary=f"Change set {change_set} with {len(created.get('Changes') or [])} changes")


def _execute(work: Work) -> None:
    cloudformation, change_set = work.client("cloudformation"), work.option("ChangeSetName")
    created = cloudformation.describe_change_set(StackName=_name(work), ChangeSetName=change_set)
    if created["Status"] == "FAILED":
        work.note(summary=f"Change set {change_set} has no changes")
        return
    cloudformation.execute_change_set(StackName=_name(work), ChangeSetName=change_set)
    work.note(summary=f"Executing {change_set}", external_id=created["StackId"])
    _wait_for_stack(work, _SUCCEEDED)


def _wait_for_stack(work: Work, wanted: set[str]) -> None:
    cloudformation = work.client("cloudformation")
    while True:
        stack = cloudformation.describe_stacks(StackName=work.attempt.external_id)["Stacks"][0]
        status = stack["StackStatus"]
        if not status.endswith("_IN_PROGRESS") or status == "REVIEW_IN_PROGRESS":
            break
        work.pause()
    if status not in wanted:
        raise ActionError(f"The stack {_name(work)} is {status}: {_reason(work, stack)}")


def _reason(work: Work, stack: dict[str, Any]) -> str:
    events = work.client("cloudformation").describe_stack_events(StackName=work.attempt.external_id)["StackEvents"]
    failed = [
        f"{event['LogicalResourceId']}: {event['ResourceStatusReason']}"
        for event in events
        if event["ResourceStatus"].endswith("_FAILED") and event.get("ResourceStatusReason")
    ]
    return failed[-1] if failed else str(stack.get("StackStatusReason", "no reason was given"))


def _arguments(work: Work) -> dict[str, Any]:
    settings = json.loads(work.file(work.configuration["TemplateConfiguration"])) if _has_configuration(work) else {}
    parameters = {**settings.get("Parameters", {}), **_overrides(work)}
    arguments: dict[str, Any] = {
        "TemplateBody": work.file(work.option("TemplatePath")).decode(),
        "Parameters": [{"ParameterKey": key, "ParameterValue": str(value)} for key, value in parameters.items()],
        "Capabilities": [name.strip() for name in work.option("Capabilities", "").split(",") if name.strip()],
    }
    if work.configuration.get("RoleArn"):
        arguments["RoleARN"] = work.configuration["RoleArn"]
    if settings.get("Tags"):
        arguments["Tags"] = [{"Key": key, "Value": value} for key, value in settings["Tags"].items()]
    return arguments


def _has_configuration(work: Work) -> bool:
    return bool(work.configuration.get("TemplateConfiguration"))


def _overrides(work: Work) -> dict[str, str]:
    try:
        declared = json.loads(work.option("ParameterOverrides", "{}"))
        return {key: _override(work, value) for key, value in declared.items()}
    except (ValueError, AttributeError) as error:
        raise ActionError(f"ParameterOverrides must be a JSON object: {error}", "ConfigurationError") from error


def _override(work: Work, value: Any) -> str:
    if isinstance(value, dict) and "Fn::GetParam" in value:
        name, path, key = value["Fn::GetParam"]
        return str(json.loads(work.file(f"{name}::{path}"))[key])
    if isinstance(value, dict) and "Fn::GetArtifactAtt" in value:
        name, attribute = value["Fn::GetArtifactAtt"]
        artifact = work.artifact(name)
        return artifact.bucket if attribute == "BucketName" else artifact.key
    return str(value)
