"""AWS::SSM::Document."""

from __future__ import annotations

import json
from typing import Any

from localcloud import adapter
from localcloud.adapter import Props, Result
from localcloud.cloudformation import completion

SYMBOLS: tuple[str, ...] = completion.SYMBOLS

DOCUMENT = "AWS::SSM::Document"
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


def install() -> None:
    """Register the resource type."""
    completion.carries_stack_tags(DOCUMENT)
    adapter.register(DOCUMENT, _create_document, _delete_document, _update_document, send_back_failed_update=True)
