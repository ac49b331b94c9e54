"""Completes MiniStack's resource handlers: applies the properties they ignore, through the API.

    complete("AWS::SNS::Topic", {"KmsMasterKeyId": lambda arn, value, props: ...})

A setter gets the physical ID, the property's value (None if an update removes it) and all properties. Properties that
are not supported at all are `refused`: the stack operation fails with a message that names them.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from typing import Any

from ministack.services.cloudformation import provisioners

from localcloud import adapter

SYMBOLS: tuple[str, ...] = ("ministack.services.cloudformation.provisioners:_STACK_TAG_PROPERTY",)

Setter = Callable[[str, Any, adapter.Props], None]


class UnsupportedPropertyError(ValueError):
    """A template sets a property that the local cloud does not support."""


def refuse(type_name: str, props: adapter.Props, refused: Collection[str]) -> None:
    """Raises UnsupportedPropertyError if the template sets one of the refused properties."""
    present = sorted(name for name in refused if props.get(name) not in (None, [], {}))
    if present:
        raise UnsupportedPropertyError(f"the local cloud does not support {', '.join(present)} of {type_name}")


def _apply(setters: Mapping[str, Setter], physical_id: str, old: adapter.Props, new: adapter.Props) -> None:
    for name, setter in setters.items():
        if old.get(name) != new.get(name):
            setter(physical_id, new.get(name), new)


def _undo(remove: adapter.Delete, physical_id: str, props: adapter.Props, error: Exception) -> None:
    """Delete a resource after its creation failed; if the deletion fails too, the first error is still reported."""
    try:
        remove(physical_id, props)
    except Exception as second:  # noqa: BLE001 - no second error may hide the first
        error.add_note(f"{physical_id} could not be deleted: {second}")


def complete(
    type_name: str,
    setters: Mapping[str, Setter],
    *,
    refused: Collection[str] = (),
    delete: adapter.Delete | None = None,
) -> adapter.Builtin:
    """Run the built-in handler, then the setters; a creation that fails halfway is undone."""
    original = adapter.builtin(type_name)
    remove = delete or original.delete

    def create(logical_id: str, props: adapter.Props, stack_name: str) -> adapter.Result:
        refuse(type_name, props, refused)
        physical_id, attributes = original.create(logical_id, props, stack_name)
        try:
            _apply(setters, physical_id, {}, props)
        except Exception as error:
            _undo(remove, physical_id, props, error)
            raise
        return physical_id, attributes

    def update(physical_id: str, old: adapter.Props, new: adapter.Props, stack_name: str) -> adapter.Result:
        refuse(type_name, new, refused)
        logical_id = adapter.logical_id_of(physical_id)
        updated, attributes = original.update(physical_id, old, new, stack_name, logical_id)
        _apply(setters, updated, old if updated == physical_id else {}, new)
        return updated, attributes

    adapter.override(type_name, create=create, update=update, delete=delete, send_back_failed_update=True)
    return original


def tag_list(value: object) -> list[dict[str, str]]:
    """Returns a template's tags as a list of ``{Key, Value}``, which most APIs take."""
    return [{"Key": key, "Value": text} for key, text in adapter.tags(value).items()]


def carries_stack_tags(*type_names: str) -> None:
    """Let CloudFormation add the stack's tags to resources of these types, as to MiniStack's own types."""
    for type_name in type_names:
        provisioners._STACK_TAG_PROPERTY.setdefault(type_name, ("Tags", "list"))
