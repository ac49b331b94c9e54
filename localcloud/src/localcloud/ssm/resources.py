"""AWS::SSM::Document and AWS::SSM::Association."""

from __future__ import annotations

import json
from typing import Any

from localcloud import adapter
from localcloud.adapter import Props, Result
from localcloud.cloudformation import completion

SYMBOLS: tuple[str, ...] = completion.SYMBOLS

DOCUMENT, ASSOCIATION = "AWS::SSM::Document", "AWS::SSM::Association"
_WAIT = "WaitForSuccessTimeoutSeconds"
_NEW_VERSION = "NewVersion"
_UNSUPPORTED = ("Attachments", "Requires")
#: A change of these replaces the document, whatever its update method: aws-resource-ssm-document.html.
_REPLACING = ("Name", "DocumentType")
_VERSIONED = ("Content", "DocumentFormat", "TargetType", "VersionName")


def _text(props: Props) -> tuple[str, str]:
    """Returns the content as text, and its format; a template's object becomes JSON, which is also YAML."""
    given = props.get("Content", "")
    return given if isinstance(given, str) else json.dumps(given), str(props.get("DocumentFormat") or "JSON")


def _arguments(props: Props) -> dict[str, Any]:
    completion.refuse(DOCUMENT, props, _UNSUPPORTED)
    text, form = _text(props)
    rest = {name: props[name] for name in ("VersionName", "TargetType") if props.get(name)}
    return {"Content": text, "DocumentFormat": form, **rest}


def _create_document(logical_id: str, props: Props, stack_name: str) -> Result:
    name = props.get("Name") or adapter.physical_name(stack_name, logical_id, max_len=128)
    wanted = {**_arguments(props), "DocumentType": props.get("DocumentType", "Command")}
    adapter.client("ssm").create_document(Name=name, Tags=completion.tag_list(props.get("Tags")), **wanted)
    return str(name), {}


def _update_document(name: str, old: Props, new: Props, stack_name: str) -> Result:
    """Makes a new default version with UpdateMethod NewVersion; else a changed content replaces the document."""
    versioned = adapter.changed(old, new, *_VERSIONED)
    if adapter.changed(old, new, *_REPLACING) or (versioned and new.get("UpdateMethod") != _NEW_VERSION):
        if new.get("Name") == name:
            message = "CloudFormation cannot update a stack when a custom-named resource requires replacing. "
            raise ValueError(message + f"Rename {name} and update the stack again.")
        return adapter.replace(_create_document, adapter.logical_id_of(name), new, stack_name)
    client = adapter.client("ssm")
    if versioned:
        made = client.update_document(Name=name, DocumentVersion="$LATEST", **_arguments(new))
        newest = made["DocumentDescription"]["DocumentVersion"]
        client.update_document_default_version(Name=name, DocumentVersion=newest)
    _tag("Document", name, old, new)
    return name, {}


def _tag(kind: str, name: str, old: Props, new: Props) -> None:
    before, after = adapter.tags(old.get("Tags")), adapter.tags(new.get("Tags"))
    client, place = adapter.client("ssm"), {"ResourceType": kind, "ResourceId": name}
    if gone := sorted(before.keys() - after.keys()):
        client.remove_tags_from_resource(**place, TagKeys=gone)
    if after != before and after:
        client.add_tags_to_resource(**place, Tags=completion.tag_list(new.get("Tags")))


def _delete_document(name: str, _props: Props) -> None:
    client = adapter.client("ssm")
    try:
        client.delete_document(Name=name)
    except client.exceptions.InvalidDocument:  # it does not exist, which is what was wanted
        return


# --- associations ----------------------------------------------------------------------------------------------------


def _create_association(_logical_id: str, props: Props, _stack_name: str) -> Result:
    wanted = _association(props)
    answer = adapter.call("ssm", "create_association", {**wanted, "Tags": completion.tag_list(props.get("Tags"))})
    identifier = answer["AssociationDescription"]["AssociationId"]
    try:
        _await_success(identifier, props)
    except Exception:
        adapter.client("ssm").delete_association(AssociationId=identifier)
        raise
    return identifier, {"AssociationId": identifier}


def _association(props: Props) -> Props:
    return adapter.without(props, _WAIT, "Tags")


def _await_success(identifier: str, props: Props) -> None:
    """Waits for the association's first run if the template says so; a failed run fails the resource."""
    seconds = float(props.get(_WAIT) or 0)
    if not seconds:
        return
    client = adapter.client("ssm")

    def status() -> str:
        found = client.describe_association(AssociationId=identifier)["AssociationDescription"]
        return str(found["Overview"]["Status"])

    adapter.wait_until(lambda: status() != "Pending", f"the first run of the association {identifier}", seconds)
    if status() != "Success":
        raise ValueError(f"The association {identifier} failed on a node: see DescribeAssociationExecutionTargets.")


def _update_association(identifier: str, old: Props, new: Props, _stack_name: str) -> Result:
    if _association(old) != _association(new):
        adapter.call("ssm", "update_association", {**_association(new), "AssociationId": identifier})
    _tag("Association", identifier, old, new)
    return identifier, {"AssociationId": identifier}


def _delete_association(identifier: str, _props: Props) -> None:
    client = adapter.client("ssm")
    try:
        client.delete_association(AssociationId=identifier)
    except client.exceptions.AssociationDoesNotExist:  # it does not exist, which is what was wanted
        return


def install() -> None:
    """Register the resource types."""
    completion.carries_stack_tags(DOCUMENT, ASSOCIATION)
    adapter.register(DOCUMENT, _create_document, _delete_document, _update_document, send_back_failed_update=True)
    adapter.register(
        ASSOCIATION, _create_association, _delete_association, _update_association, send_back_failed_update=True
    )
