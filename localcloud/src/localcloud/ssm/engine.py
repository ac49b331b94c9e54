"""Delivers a command to its nodes: as many at a time as allowed, until too many have failed."""

from __future__ import annotations

import logging
import math
import threading
import time
from collections.abc import Callable

from ministack.core.responses import request_scope

from localcloud.ssm import events, records, shell
from localcloud.ssm.agent import FLEET
from localcloud.ssm.content import Content
from localcloud.ssm.interpolation import Values
from localcloud.ssm.records import Command, Invocation, Store

SYMBOLS: tuple[str, ...] = ("ministack.core.responses:request_scope",)

_LOOK_SECONDS = 0.2
_PERCENT = 100
logger = logging.getLogger("localcloud")


def concurrency(limit: str, targets: int) -> int:
    """Returns the number of nodes that may run a command at once; a percentage allows at least one."""
    if limit.endswith("%"):
        return max(1, math.ceil(targets * int(limit[:-1]) / _PERCENT))
    return int(limit)


def errors(limit: str, targets: int) -> int:
    """Returns the number of errors after which one more stops the command."""
    return targets * int(limit[:-1]) // _PERCENT if limit.endswith("%") else int(limit)


def failed(invocation: Invocation) -> bool:
    """True if an invocation counts against the limit of errors."""
    return invocation.details in (records.FAILED, records.EXECUTION_TIMED_OUT)


def result(command: Command) -> tuple[str, str]:
    """Returns the status of a command whose invocations are over, and its details.

    docs.aws.amazon.com/systems-manager/latest/userguide/monitor-commands.html. Undeliverable invocations do not count.
    """
    listed = list(command.invocations.values())
    if not listed:
        return records.SUCCESS, records.NO_INSTANCES
    if any(invocation.details == records.CANCELLED for invocation in listed):
        return records.CANCELLED, records.CANCELLED
    limit = max(1, errors(command.max_errors, len(listed)))
    if sum(failed(invocation) for invocation in listed) >= limit:
        only_late = all(invocation.details != records.FAILED for invocation in listed)
        return (records.TIMED_OUT, records.EXECUTION_TIMED_OUT) if only_late else (records.FAILED, records.FAILED)
    if sum(invocation.details == records.DELIVERY_TIMED_OUT for invocation in listed) >= limit:
        return records.TIMED_OUT, records.DELIVERY_TIMED_OUT
    counted = [invocation for invocation in listed if invocation.details != records.UNDELIVERABLE]
    if all(invocation.status == records.SUCCESS for invocation in counted) and counted:
        return records.SUCCESS, records.SUCCESS
    return records.FAILED, records.INCOMPLETE if counted else records.UNDELIVERABLE


class Delivery:
    """The delivery of one command."""

    def __init__(self, store: Store, command: Command, content: Content, values: Values) -> None:
        self.command = command
        self._store, self._content, self._values = store, content, values
        self._cancelled = {key: threading.Event() for key in command.invocations}
        self._running: set[str] = set()

    def start(self) -> None:
        """Delivers on a thread of its own."""
        self._store.add(self.command)
        threading.Thread(target=self.run, daemon=True, name=f"localcloud-ssm-{self.command.id[:8]}").start()

    def cancel(self, instance_ids: list[str]) -> None:
        """Cancels invocations: those that wait at once, those that run by killing their processes."""
        with self._store.changed:
            for key in instance_ids:
                invocation = self.command.invocations[key]
                self._cancelled[key].set()
                if key in self._running and not invocation.over:
                    self._set(invocation, records.CANCELLING)
                elif not invocation.over:
                    self._end(invocation, records.CANCELLED)
            if any(invocation.status == records.CANCELLING for invocation in self.command.invocations.values()):
                self.command.status = self.command.details = records.CANCELLING
            self._store.save(self.command)

    def run(self) -> None:
        """Delivers, and returns when every invocation is over."""
        account, region = self.command.place
        with request_scope(account, region), self._store.changed:
            while not all(invocation.over for invocation in self.command.invocations.values()):
                self._look()
                self._store.changed.wait(_LOOK_SECONDS)
                if self._store.commands.get(self.command.id) is not self.command:
                    self._abandon()
                    return
            self.command.status, self.command.details = result(self.command)
            self._store.save(self.command)
            events.command(self.command)

    def _abandon(self) -> None:
        """The cloud was reset: end what runs."""
        for event in self._cancelled.values():
            event.set()

    def _look(self) -> None:
        invocations = self.command.invocations
        waiting = [invocation for invocation in invocations.values() if not self._taken(invocation)]
        if sum(map(failed, invocations.values())) > errors(self.command.max_errors, len(invocations)):
            for invocation in waiting:
                self._end(invocation, records.CANCELLED, records.TERMINATED)
            return
        room = concurrency(self.command.max_concurrency, len(invocations)) - len(self._running)
        for invocation in waiting:
            if room <= 0:
                return
            invocation.offered = invocation.offered or time.time()
            if FLEET.online(invocation.instance_id):
                room -= 1
                self._begin(invocation)
            else:
                self._wait_for(invocation)

    def _taken(self, invocation: Invocation) -> bool:
        return invocation.over or invocation.instance_id in self._running

    def _wait_for(self, invocation: Invocation) -> None:
        """Ends the invocation of a node that does not exist or did not connect in time; else it is delayed."""
        known = {node.instance_id for node in FLEET.nodes(*self.command.place)}
        if invocation.instance_id not in known:
            self._end(invocation, records.FAILED, records.UNDELIVERABLE)
        elif time.time() - invocation.offered > self.command.delivery_seconds:
            self._end(invocation, records.TIMED_OUT, records.DELIVERY_TIMED_OUT)
        elif invocation.status != records.DELAYED:
            self._set(invocation, records.DELAYED)

    def _begin(self, invocation: Invocation) -> None:
        self._running.add(invocation.instance_id)
        self._set(invocation, records.IN_PROGRESS)
        if not self.command.over and self.command.status == records.PENDING:
            self.command.status = self.command.details = records.IN_PROGRESS
            events.command(self.command)
        self._store.save(self.command)
        job = shell.Job(
            self._content,
            self._values,
            self.command.id,
            self.command.log_group,
            self._cancelled[invocation.instance_id],
        )
        work: Callable[[], None] = lambda: self._work(job, invocation)  # noqa: E731 - the thread's target
        threading.Thread(target=work, daemon=True, name=f"localcloud-ssm-{invocation.instance_id}").start()

    def _work(self, job: shell.Job, invocation: Invocation) -> None:
        account, region = self.command.place
        with request_scope(account, region):
            try:
                end = shell.run(job, invocation, lambda: self._store.save(self.command))
            except Exception:  # an invocation never stays in progress
                logger.exception("command %s on %s", self.command.id, invocation.instance_id)
                end = shell.End(records.FAILED, trace="The local cloud failed: see its log.")
            with self._store.changed:
                self._running.discard(invocation.instance_id)
                self._end(invocation, end.status, end.details, end.trace)

    def _set(self, invocation: Invocation, status: str) -> None:
        invocation.details, invocation.status = status, status
        events.invocation(self.command, invocation)

    def _end(self, invocation: Invocation, status: str, details: str = "", trace: str = "") -> None:
        invocation.end(status, details, trace)
        events.invocation(self.command, invocation)
        self._store.save(self.command)
