"""Helpers for adapters: API clients on loopback, and the registration of CloudFormation resource handlers.

An adapter module has ``SYMBOLS`` (the private names of MiniStack that it uses) and ``install()``. Handlers registered
here run on a worker thread, so they may call the API; on the event loop that would deadlock.

    create(logical_id, properties, stack_name) -> (physical_id, attributes)
    update(physical_id, old, new, stack_name)  -> (physical_id, attributes)
    delete(physical_id, properties)            -> None

An update that returns another physical ID is a replacement: CloudFormation deletes the old resource in its cleanup
phase (or the new one if the stack rolls back). A type registered without ``update`` is replaced on every change.
"""

from __future__ import annotations

import logging
import threading
import time
import uuid
from collections.abc import Callable, Collection, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import ClientError
from ministack.core.responses import get_account_id, get_region
from ministack.services.cloudformation import provisioners, stacks

from localcloud import clients, settings
from localcloud.cloudformation import coercion

Props = dict[str, Any]
Result = tuple[str, dict[str, Any]]
Create = Callable[[str, Props, str], Result]
Update = Callable[[str, Props, Props, str], Result]
Delete = Callable[[str, Props], None]

SYMBOLS = (
    "ministack.core.responses:get_account_id",
    "ministack.core.responses:get_region",
    "ministack.services.cloudformation.provisioners:_NAME_SEED",
    "ministack.services.cloudformation.provisioners:_RESOURCE_HANDLERS",
    "ministack.services.cloudformation.provisioners:_physical_name",
    "ministack.services.cloudformation.stacks:_runs_on_worker_thread",
    "ministack.services.cloudformation.stacks:_sends_back_failed_update",
)

logger = logging.getLogger("localcloud")
boolean = coercion.boolean
tags = coercion.tags

#: Types that only exist in the API and have no effect, with a note on the consequence. `status` and the docs read it.
RECORDED: dict[str, str] = {}

_on_worker: set[str] = set()
_sent_back: set[str] = set()
_clients: dict[tuple[str, str, str], Any] = {}
_clients_lock = threading.Lock()
_GONE = ("notfound", "nosuch", "doesnotexist", "nonexistent", "notexist", "unknown")


def install() -> None:
    """Run the handlers of our types on a worker thread, and roll their failed updates back if asked for."""
    on_worker, sent_back = stacks._runs_on_worker_thread, stacks._sends_back_failed_update
    stacks._runs_on_worker_thread = lambda kind: kind in _on_worker or on_worker(kind)
    stacks._sends_back_failed_update = lambda kind: kind in _sent_back or sent_back(kind)


# --- the API ---------------------------------------------------------------------------------------------------------


def client(service: str) -> Any:
    """Returns a boto3 client on loopback, in the current request's account and region, as the account's root user."""
    account, region = get_account_id(), get_region()
    key = (service, account, region)
    with _clients_lock:
        if key not in _clients:
            _clients[key] = clients.client(
                service, clients.root(account), region, user_agent_extra=settings.INNER, read_timeout=900
            )
        return _clients[key]


def call(service: str, operation: str, params: coercion.Params, ignore: Collection[str] = ()) -> Any:
    """Calls ``operation`` with a template's properties; an unknown property is an error unless it is ignored."""
    api = client(service)
    model = api.meta.service_model.operation_model(api.meta.method_to_api_mapping[operation])
    shape = model.input_shape
    arguments = coercion.coerce(shape, params, ignore) if shape is not None else {}
    return getattr(api, operation)(**arguments)


def not_found(error: ClientError) -> bool:
    """True if the error means that the resource does not exist."""
    code = str(error.response.get("Error", {}).get("Code", "")).lower()
    message = str(error.response.get("Error", {}).get("Message", "")).lower()
    return any(word in code for word in _GONE) or "does not exist" in message or "not found" in message


@contextmanager
def ignore_not_found() -> Any:
    """Ignores the error of the API if the resource does not exist."""
    try:
        yield
    except ClientError as error:
        if not not_found(error):
            raise


def wait_until(ready: Callable[[], bool], what: str, seconds: float = 120, every: float = 0.1) -> None:
    """Polls until ``ready``; the TimeoutError names ``what`` was awaited."""
    deadline = time.monotonic() + seconds
    while not ready():
        if time.monotonic() > deadline:
            raise TimeoutError(f"{what} did not happen within {seconds:g} s")
        time.sleep(every)


# --- names -----------------------------------------------------------------------------------------------------------


def physical_name(stack_name: str, logical_id: str, *, max_len: int = 64, lowercase: bool = False) -> str:
    """Returns the generated name of a resource: the same for its logical ID, and a new one after a replacement."""
    return str(provisioners._physical_name(stack_name, logical_id, max_len=max_len, lowercase=lowercase))


def arn(service: str, resource: str, *, region: str | None = None) -> str:
    """Returns an ARN in the current account."""
    return f"arn:aws:{service}:{get_region() if region is None else region}:{get_account_id()}:{resource}"


def without(props: Mapping[str, Any], *names: str) -> Props:
    """Returns the properties except ``names`` and those without a value."""
    return {key: value for key, value in props.items() if key not in names and value is not None}


def changed(old: Props, new: Props, *names: str) -> bool:
    """True if any of the properties ``names`` differs."""
    return any(old.get(name) != new.get(name) for name in names)


# --- resource handlers -----------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Builtin:
    """MiniStack's own handler of a type, to which an override can delegate."""

    type_name: str
    handler: Mapping[str, Any]

    def create(self, logical_id: str, props: Props, stack_name: str) -> Result:
        """Delegate a creation."""
        physical_id, attributes = self.handler["create"](logical_id, props, stack_name)
        return physical_id, attributes

    def update(self, physical_id: str, old: Props, new: Props, stack_name: str, logical_id: str) -> Result:
        """Delegate an update; a handler without one creates the resource again under the same name."""
        if "update" not in self.handler:
            return self.create(logical_id, new, stack_name)
        arguments: tuple[Any, ...] = (physical_id, old, new, stack_name)
        if self.handler.get("update_with_logical_id"):
            arguments = (*arguments, logical_id)
        updated, attributes = self.handler["update"](*arguments)
        return updated, attributes

    def delete(self, physical_id: str, props: Props) -> None:
        """Delegate a deletion."""
        if self.handler.get("delete_with_logical_id"):
            self.handler["delete"](physical_id, props, None)
        elif "delete" in self.handler:
            self.handler["delete"](physical_id, props)


def builtin(type_name: str) -> Builtin:
    """Returns MiniStack's current handler of a type; call it before overriding the handler."""
    return Builtin(type_name, dict(provisioners._RESOURCE_HANDLERS[type_name]))


def logical_id_of(physical_id: str) -> str:
    """Returns the logical ID of the resource being updated; handlers get only the physical ID."""
    return _updating.logical_id or physical_id


class _Updating(threading.local):
    logical_id: str = ""


_updating = _Updating()


def register(
    type_name: str,
    create: Create,
    delete: Delete | None = None,
    update: Update | None = None,
    *,
    send_back_failed_update: bool = False,
) -> None:
    """Register the handlers of a resource type.

    ``send_back_failed_update``: a failed update may have changed something, so the rollback updates the resource again.
    """
    handler: dict[str, Any] = {
        "create": create,
        "update": _updater(update or _replacing(create)),
        "update_with_logical_id": True,
        "delete": _quiet(delete or (lambda _physical_id, _props: None)),
    }
    _put(type_name, handler)
    if send_back_failed_update:
        _sent_back.add(type_name)


def override(
    type_name: str,
    *,
    create: Create | None = None,
    update: Update | None = None,
    delete: Delete | None = None,
    send_back_failed_update: bool = False,
) -> Builtin:
    """Replaces functions of a built-in handler; returns the built-in handler, to delegate to."""
    original = builtin(type_name)
    handler = dict(original.handler)
    if create is not None:
        handler["create"] = create
    if update is not None:
        handler.update(update=_updater(update), update_with_logical_id=True)
    if delete is not None:
        handler.update(delete=_quiet(delete), delete_with_logical_id=False)
    _put(type_name, handler)
    if send_back_failed_update:
        _sent_back.add(type_name)
    return original


def extend_attributes(type_name: str, more: Callable[[str, Props], dict[str, Any]]) -> None:
    """Add ``Fn::GetAtt`` attributes that the built-in handler does not return."""
    original = builtin(type_name)

    def create(logical_id: str, props: Props, stack_name: str) -> Result:
        physical_id, attributes = original.create(logical_id, props, stack_name)
        return physical_id, {**more(physical_id, props), **attributes}

    def update(physical_id: str, old: Props, new: Props, stack_name: str) -> Result:
        updated, attributes = original.update(physical_id, old, new, stack_name, logical_id_of(physical_id))
        return updated, {**more(updated, new), **attributes}

    override(type_name, create=create, update=update)


def recorded(
    type_name: str,
    attributes: Callable[[str, Props], dict[str, Any]] = lambda _physical_id, _props: {},
    *,
    physical_id: Callable[[str, Props, str], str] | None = None,
    note: str = "",
) -> None:
    """Register a type whose resources have no effect; ``note`` describes the consequence."""

    def create(logical_id: str, props: Props, stack_name: str) -> Result:
        created = (
            physical_id(logical_id, props, stack_name)
            if physical_id
            else f"{stack_name}-{logical_id}-{uuid.uuid4().hex[:8]}"
        )
        return created, attributes(created, props)

    def update(pid: str, _old: Props, new: Props, _stack_name: str) -> Result:
        return pid, attributes(pid, new)

    RECORDED[type_name] = note
    register(type_name, create, update=update)


def replace(create: Create, logical_id: str, props: Props, stack_name: str) -> Result:
    """Create the replacement under a new generated name; CloudFormation deletes the old resource afterwards."""
    provisioners._NAME_SEED.set(uuid.uuid4().hex[:8])
    return create(logical_id, props, stack_name)


def _replacing(create: Create) -> Update:
    def update(physical_id: str, _old: Props, new: Props, stack_name: str) -> Result:
        return replace(create, logical_id_of(physical_id), new, stack_name)

    return update


def _updater(update: Update) -> Callable[[str, Props, Props, str, str | None], Result]:
    def run(physical_id: str, old: Props, new: Props, stack_name: str, logical_id: str | None = None) -> Result:
        _updating.logical_id = logical_id or ""
        try:
            return update(physical_id, old, new, stack_name)
        finally:
            _updating.logical_id = ""

    return run


def _quiet(delete: Delete) -> Delete:
    def run(physical_id: str, props: Props) -> None:
        with ignore_not_found():
            delete(physical_id, props)

    return run


def _put(type_name: str, handler: dict[str, Any]) -> None:
    provisioners._RESOURCE_HANDLERS[type_name] = handler
    _on_worker.add(type_name)
