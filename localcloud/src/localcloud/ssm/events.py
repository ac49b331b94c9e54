"""The events that EventBridge gets: status changes of commands and their invocations.

docs.aws.amazon.com/systems-manager/latest/userguide/monitoring-systems-manager-event-examples.html
"""

from __future__ import annotations

from datetime import UTC, datetime

from localcloud.eventbridge import bus
from localcloud.ssm.records import Command, Invocation


def _time(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


def command(sent: Command) -> None:
    """Sends a status change of a command."""
    account, region = sent.place
    detail = {
        "command-id": sent.id,
        "document-name": sent.document,
        "expire-after": _time(sent.expires),
        "requested-date-time": _time(sent.requested),
        "status": sent.status,
    }
    resources = [f"arn:aws:ec2:{region}:{account}:instance/{key}" for key in sent.invocations]
    bus.emit("aws.ssm", "EC2 Command Status-change Notification", detail, resources)


def invocation(sent: Command, copy: Invocation) -> None:
    """Sends a status change of an invocation."""
    account, region = sent.place
    detail = {
        "command-id": sent.id,
        "document-name": sent.document,
        "instance-id": copy.instance_id,
        "requested-date-time": _time(sent.requested),
        "status": copy.status,
    }
    resources = [f"arn:aws:ec2:{region}:{account}:instance/{copy.instance_id}"]
    bus.emit("aws.ssm", "EC2 Command Invocation Status-change Notification", detail, resources)
