"""State Manager: associations run a document on nodes when created, on a schedule, and when a matching node starts.

docs.aws.amazon.com/systems-manager/latest/userguide/state-manager-about.html
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from ministack.core.responses import get_account_id, get_region, new_uuid, request_scope

from localcloud.ec2.hosts import Host
from localcloud.scheduler import times
from localcloud.ssm import commands, documents, tags, targets
from localcloud.ssm.agent import FLEET
from localcloud.ssm.errors import ServiceError

SYMBOLS: tuple[str, ...] = (
    *times.SYMBOLS,
    "ministack.core.responses:get_account_id",
    "ministack.core.responses:get_region",
    "ministack.core.responses:new_uuid",
    "ministack.core.responses:request_scope",
)


logger = logging.getLogger("localcloud")


@dataclass
class Execution:
    """One run of an association."""

    id: str
    command_id: str
    version: int
    created: float


@dataclass
class Association:
    """An association. `wanted` has the members of the request that created or updated it."""

    id: str
    place: tuple[str, str]
    wanted: dict[str, Any]
    version: int = 1
    created: float = field(default_factory=time.time)
    updated: float = field(default_factory=time.time)
    examined: float = field(default_factory=time.time)
    """Until when its schedule was examined."""
    executions: list[Execution] = field(default_factory=list)
    """Oldest first."""
    tags: dict[str, str] = field(default_factory=dict)

    def due(self, now: float) -> bool:
        """True if a time of the schedule has come since this was asked last."""
        expression, since = self.wanted.get("ScheduleExpression"), self.examined
        self.examined = now
        if not expression:
            return False
        found = times.next_after({"ScheduleExpression": expression, "CreationDate": self.created}, since)
        return found is not None and found <= now


ASSOCIATIONS: dict[str, Association] = {}
GUARD = threading.RLock()


def clear() -> None:
    """Deletes all associations."""
    with GUARD:
        ASSOCIATIONS.clear()


def place() -> tuple[str, str]:
    """Returns the current account and region."""
    return get_account_id(), get_region()


def mine() -> list[Association]:
    """Returns the associations of the current account and region."""
    here = place()
    with GUARD:
        return [found for found in ASSOCIATIONS.values() if found.place == here]


def find(identifier: str | None) -> Association:
    """Returns an association.

    Raises:
        ServiceError: `AssociationDoesNotExist`.
    """
    found = next((association for association in mine() if association.id == identifier), None)
    if found is None:
        raise ServiceError("AssociationDoesNotExist", f"No association has the ID {identifier}.")
    return found


def _uses(document: str) -> str:
    """Returns why a document cannot be deleted; an empty text if it can."""
    used = [found.id for found in mine() if found.wanted["Name"] == document]
    return f"The document {document} has the associations {', '.join(used)}: delete them first." if used else ""


def _tags_of(identifier: str) -> dict[str, str]:
    try:
        return find(identifier).tags
    except ServiceError as error:
        raise ServiceError("InvalidResourceId", str(error)) from error


# --- runs ------------------------------------------------------------------------------------------------------------


def run(association: Association, instance_ids: list[str]) -> None:
    """Sends the document to nodes; without a node nothing runs."""
    if not instance_ids:
        return
    wanted = association.wanted
    request = {
        "DocumentName": wanted["Name"],
        "DocumentVersion": wanted.get("DocumentVersion"),
        "Parameters": wanted.get("Parameters"),
        "Targets": wanted["Targets"],
        "MaxConcurrency": wanted.get("MaxConcurrency") or "100%",
        "MaxErrors": wanted.get("MaxErrors") or "100%",
    }
    with GUARD:
        sent = commands.send(request, instance_ids, association=association.id)
        association.executions.append(Execution(new_uuid(), sent.id, association.version, time.time()))


def run_everywhere(association: Association) -> None:
    """Sends the document to every node that matches."""
    run(association, targets.resolve(association.wanted["Targets"], *association.place))


def _attempt(association: Association, work: Callable[[], None]) -> None:
    """Runs in the association's account and region; nobody waits for the result, so an error is logged."""
    with request_scope(*association.place):
        try:
            work()
        except Exception:
            logger.exception("association %s", association.id)


def started(host: Host) -> None:
    """Runs the associations that match a host which has started."""
    node = next((node for node in FLEET.nodes(host.account, host.region) if node.instance_id == host.instance_id), None)
    with GUARD:
        listed = [found for found in ASSOCIATIONS.values() if found.place == (host.account, host.region)]
    for association in listed:
        matching = node is not None and targets.matches(node, association.wanted["Targets"])
        if matching and not association.wanted.get("ApplyOnlyAtCronInterval"):
            _attempt(association, partial(run, association, [host.instance_id]))


def _moved(document: str, version: str) -> None:
    """Runs the associations whose version of a document is another one now, unless only their schedule does."""
    for association in mine():
        wanted = association.wanted
        concerned = wanted["Name"] == document and wanted.get("DocumentVersion", "$DEFAULT") == version
        if concerned and not wanted.get("ApplyOnlyAtCronInterval"):
            _attempt(association, partial(run_everywhere, association))


def tick(now: float) -> None:
    """Runs the associations that are due."""
    with GUARD:
        due = [association for association in ASSOCIATIONS.values() if association.due(now)]
    for association in due:
        _attempt(association, partial(run_everywhere, association))


def _clock() -> None:
    while True:
        time.sleep(1)
        try:
            tick(time.time())
        except Exception:
            logger.exception("State Manager's clock")


def install() -> None:
    """Start the clock, and listen to hosts that start."""
    documents.in_use.append(_uses)
    documents.moved.append(_moved)
    tags.TAGGED["Association"] = _tags_of
    FLEET.listen(started)
    threading.Thread(target=_clock, daemon=True, name="localcloud-state-manager").start()
