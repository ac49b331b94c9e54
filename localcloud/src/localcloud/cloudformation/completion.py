"""Completes MiniStack's handlers: properties they drop are applied through the API, on creation and on update.

    complete("AWS::SNS::Topic", {"KmsMasterKeyId": lambda arn, value, props: ...})

A setter gets the physical id, the property's value (None when an update removes it) and all properties. Properties
that neither MiniStack nor we can carry out are `refused`: the stack fails and says which.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from typing import Any

from ministack.services.cloudformation import provisioners

from localcloud import adapter

SYMBOLS: tuple[str, ...] = ("ministack.services.cloudformation.provisioners:_STACK_TAG_PROPERTY",)

Setter = Callable[[str, Any, adapter.Props], None]


class UnsupportedPropertyError(ValueError):
    """A template asks for something the local cloud would silently leave out."""


def refuse(type_name: str, props: adapter.Props, refused: Collection[str]) -> None:
    """Raise if the template sets one of the refused properties."""
    asked = sorted(name for name in refused if props.get(name) not in (None, [], {}))
    if asked:
        raise UnsupportedPropertyError(f"the local cloud does not carry out {', '.join(asked)} of {type_name}")


def _apply(setters: Mapping[str, Setter], physical_id: str, old: adapter.Props, new: adapter.Props) -> None:
    for name, setter in setters.items():
        if old.get(name) != new.get(name):
            setter(physical_id, new.get(name), new)


def _undo(remove: adapter.Delete, physical_id: str, props: adapter.Props, error: Exception) -> None:
    """Take back what was created; if that fails too, the first failure stays the one that is told."""
    try:
        remove(physical_id, props)
    except Exception as second:  # noqa: BLE001 - whatever it is, it must not hide the first
        error.add_note(f"{physical_id} stays behind: {second}")


def complete(
    type_name: str,
    setters: Mapping[str, Setter],
    *,
    refused: Collection[str] = (),
    delete: adapter.Delete | None = None,
) -> adapter.Builtin:
    """Let the built-in handler work, then apply what it drops; a creation that fails halfway is undone."""
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
    """A template's tags as the list most APIs take."""
    return [{"Key": key, "Value": text} for key, text in adapter.tags(value).items()]


def carries_stack_tags(*type_names: str) -> None:
    """Let CloudFormation add the stack's tags to these types, as it does to the built-in ones."""
    for type_name in type_names:
        provisioners._STACK_TAG_PROPERTY.setdefault(type_name, ("Tags", "list"))
