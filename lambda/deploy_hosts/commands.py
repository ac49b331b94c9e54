"""Commands on hosts: sent once each, found again if their confirmation was lost, and read until they end.

SendCommand has no client token. So each command has a comment that tells it from all others, by which it is found.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from botocore.exceptions import ClientError

from deploy_hosts.fleet import Host
from deploy_hosts.settings import Settings
from shared.aws import code, transient
from shared.job import Failed, Job, Wait
from shared.words import parsed

_DELIVERY_SECONDS = 60
_UNKNOWN_SECONDS = 120  # SSM may not know a command yet that it has accepted
_SKEW_SECONDS = 600
_RUNNING = frozenset({"Pending", "InProgress", "Delayed", "Cancelling"})
_MARK = "SLIPWAY "
_TAIL = 40  # lines of a command's output that a failure shows
_DELIVERY = {
    "DeliveryTimedOut": "SSM could not deliver the command: the host is away, or its agent has stopped",
    "ExecutionTimedOut": "the command ran longer than the document allows, and was ended",
    "Undeliverable": "SSM could not deliver the command: the host does not answer",
    "Terminated": "SSM gave the command up, since other hosts had failed",
}


@dataclass(frozen=True)
class Ended:
    """A command that has ended on one host."""

    host: Host
    command: str
    status: str
    details: str
    output: str
    errors: str

    @property
    def good(self) -> bool:
        """True if it ended with exit code 0."""
        return self.status == "Success"

    @property
    def report(self) -> dict[str, Any]:
        """The report in the last line of the host's program; empty if it did not get that far."""
        lines = [line for line in self.output.splitlines() if line.startswith(_MARK)]
        try:
            found = parsed(lines[-1].removeprefix(_MARK)) if lines else {}
        except ValueError:
            return {}
        return found if isinstance(found, dict) else {}

    @property
    def why(self) -> str:
        """A sentence about the end of the command, and the end of its output."""
        lines = [line for line in self.output.splitlines() if not line.startswith(_MARK)]
        lines += [line for line in self.errors.splitlines() if line.strip()]
        said = _DELIVERY.get(self.details, f"the command ended as {self.details or self.status}")
        return "\n".join([f"{self.host}: {said}", *lines[-_TAIL:]])


class Commands:
    """The commands of one job; the state has the current one, if it has not ended."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._ssm: Any = settings.place.client("ssm")

    def run(self, job: Job, hosts: list[Host], step: str, release: str) -> list[Ended] | Wait:
        """Sends a command to hosts, or reads how far it is; returns its results when it has ended on all."""
        if "command" not in job.state:
            job.state["command"] = self._found(job, hosts[0]) or self._sent(job, hosts, step, release)
            job.state.pop("sent", None)
            job.seconds_since("sent")
            return Wait(f"{step} on {', '.join(map(str, hosts))}: sent", job.state["command"])
        ended = []
        for host in hosts:
            found = self._read(job, host, str(job.state["command"]))
            if found is None:
                return Wait(f"{step} on {host}: in progress", str(job.state["command"]))
            ended.append(found)
        self.forget(job)
        return ended

    def forget(self, job: Job) -> None:
        """Makes room for the next command."""
        job.state.pop("command", None)
        job.state["sequence"] = int(job.number("sequence")) + 1

    def cancel(self, job: Job) -> None:
        """Cancels the command that runs; a command that cannot be cancelled ends by the document's time limit."""
        if "command" not in job.state:
            return
        try:
            self._ssm.cancel_command(CommandId=job.state["command"])
        except ClientError as error:
            if transient(error):
                raise

    def over(self, job: Job, host: Host) -> bool:
        """True if the command that was cancelled has ended, or is not known."""
        try:
            return "command" not in job.state or self._read(job, host, str(job.state["command"])) is not None
        except Failed:
            return True

    def known(self, job: Job, host: Host) -> bool:
        """True if the next command was sent already: by a call whose result was lost, or that came twice."""
        return "command" in job.state or self._found(job, host) is not None

    def read_again(self, job: Job, host: Host, command: str) -> str:
        """Returns what happened in a command that has ended; empty if SSM does not say."""
        try:
            found = self._read(job, host, command)
        except (Failed, ClientError):
            return ""
        return found.why if found else ""

    def _sent(self, job: Job, hosts: list[Host], step: str, release: str) -> str:
        # Without retries: a request whose answer is lost may have been accepted, and is found by the next call.
        once = self._settings.place.client("ssm", retries=False)
        try:
            sent = once.send_command(
                DocumentName=self._settings.document,
                InstanceIds=[host.id for host in hosts],
                Parameters={"Step": [step], "Release": [release]},
                TimeoutSeconds=_DELIVERY_SECONDS,
                Comment=_comment(job),
                CloudWatchOutputConfig={
                    "CloudWatchOutputEnabled": True,
                    "CloudWatchLogGroupName": self._settings.log_group,
                },
            )
        except ClientError as error:
            if code(error) == "InvalidInstanceId":
                raise Failed(f"SSM does not reach {', '.join(map(str, hosts))} any more: {error}") from error
            raise
        return str(sent["Command"]["CommandId"])

    def _found(self, job: Job, host: Host) -> str | None:
        after = datetime.fromtimestamp(job.started - _SKEW_SECONDS, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        pages = self._ssm.get_paginator("list_command_invocations").paginate(
            InstanceId=host.id, Filters=[{"key": "InvokedAfter", "value": after}]
        )
        for page in pages:
            for invocation in page["CommandInvocations"]:
                if invocation.get("Comment") == _comment(job):
                    return str(invocation["CommandId"])
        return None

    def _read(self, job: Job, host: Host, command: str) -> Ended | None:
        """Returns the result on one host; None while it runs."""
        try:
            found = self._ssm.get_command_invocation(CommandId=command, InstanceId=host.id)
        except ClientError as error:
            if code(error) != "InvocationDoesNotExist":
                raise
            if job.seconds_since("sent") > _UNKNOWN_SECONDS:
                raise Failed(f"{host}: SSM does not know the command {command} that it accepted") from error
            return None
        status = str(found["Status"])
        if status in _RUNNING:
            return None
        output, errors = str(found.get("StandardOutputContent", "")), str(found.get("StandardErrorContent", ""))
        return Ended(host, command, status, str(found.get("StatusDetails", "")), output, errors)


def _comment(job: Job) -> str:
    return f"{job.key} {int(job.number('sequence'))}"
