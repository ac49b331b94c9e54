"""Hosts of an environment as EC2, SSM, a load balancer and a bucket show them; each host runs what its commands say."""

from __future__ import annotations

import hashlib
import io
import json
import zipfile
from dataclasses import dataclass, field
from typing import Any
from xml.sax.saxutils import escape

from tests.support.fake_aws import Refused
from tests.support.fake_pipeline import Action, Main

GROUP = "arn:aws:elasticloadbalancing:us-east-1:111122223333:targetgroup/hosts/1"
STACK, EDGE = "staging-edenco-hosts", "staging-edenco-edge"
BUCKET = "staging-edenco-releases"
BUNDLE = b"a bundle"


def _sha(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


@dataclass
class FakeHost:
    """A host; `fails` says how it ends the commands of a release that it cannot run."""

    name: str
    release: str
    fails: str = ""
    """restored: its program brought the release before back; broken: it did not; hangs; away: no agent answers; ill:
    the load balancer finds it unhealthy."""
    balanced: str = "healthy"
    left: int = 0
    online: bool = True


@dataclass
class Command:
    """A command on some hosts."""

    comment: str
    step: str
    release: str
    instances: list[str]
    reads: int = 0
    cancelled: bool = False
    ended: dict[str, tuple[str, str, str]] = field(default_factory=dict)
    """Status, details and output of each host on which it has ended."""


class Hosts(Action):
    """An action on some hosts that run an old release."""

    def __init__(self, main: Main, parameters: dict[str, Any], count: int = 2) -> None:
        super().__init__(main, {**parameters, "expected": count})
        self.old = b'{"bundle":"0","commit":"a","images":{},"version":"1.0.0"}'
        self.outputs: dict[str, dict[str, str]] = {
            STACK: {"ReleasesBucket": BUCKET, "TargetGroupArn": GROUP},
            EDGE: {"Url": "https://staging.example.com/"},
        }
        self.objects: dict[str, bytes] = {"current.json": self.old}
        self.hosts = {f"i-{number:017x}": FakeHost(f"host-{number}", _sha(self.old)) for number in range(1, count + 1)}
        self.commands: dict[str, Command] = {}
        self.takes = 2
        """The number of reads before a command ends, and before a target's state changes."""
        self.unknown = 0
        """The number of reads in which SSM does not know a command that it has accepted."""
        self.cut = False
        """True if a connection that breaks off leaves requests undone in the balancer."""
        self.stuck = False
        """True if a command on a host that has ended stays in progress, as it does on AWS until it expires."""
        self.violations: list[str] = []
        self.wrong: dict[str, Any] = {}
        """Fields that replace those in the reports of `report`."""
        self.artifact(BUNDLE)
        for service, names in _OPERATIONS.items():
            for name in names:
                self.on(f"{service}.{name}", getattr(self, f"_{name}"))

    def artifact(self, content: bytes, name: str = "bundle.tar.gz") -> None:
        """Sets the input artifact."""
        packed = io.BytesIO()
        with zipfile.ZipFile(packed, "w") as archive:
            archive.writestr(name, content)
        self.objects["artifact.zip"] = packed.getvalue()
        place = {"type": "S3", "s3Location": {"bucketName": "artifacts", "objectKey": "artifact.zip"}}
        self.artifacts = [{"name": "Compose", "location": place}]

    @property
    def released(self) -> list[str]:
        """The release of each host."""
        return [host.release for host in self.hosts.values()]

    def sent(self, *steps: str) -> list[tuple[str, str]]:
        """Returns the commands in order: step and name of the host."""
        return [
            (command.step, self.hosts[instance].name if instance in self.hosts else instance)
            for command in self.commands.values()
            for instance in command.instances
            if command.step in (steps or ("apply", "restore", "migrate"))
        ]

    def _DescribeStacks(self, given: dict[str, Any]) -> str:  # noqa: N802 - the operation's name, as below
        outputs = "".join(
            f"<member><OutputKey>{key}</OutputKey><OutputValue>{value}</OutputValue></member>"
            for key, value in self.outputs[given["StackName"]].items()
        )
        return (
            "<DescribeStacksResponse><DescribeStacksResult><Stacks><member>"
            f"<StackName>{given['StackName']}</StackName><Outputs>{outputs}</Outputs>"
            "</member></Stacks></DescribeStacksResult></DescribeStacksResponse>"
        )

    def _DescribeInstances(self, _: dict[str, Any]) -> str:  # noqa: N802 - as above
        items = "".join(
            f"<item><instancesSet><item><instanceId>{instance}</instanceId><tagSet><item><key>slipway:host</key>"
            f"<value>{escape(host.name)}</value></item></tagSet></item></instancesSet></item>"
            for instance, host in reversed(self.hosts.items())
        )
        return f"<DescribeInstancesResponse><reservationSet>{items}</reservationSet></DescribeInstancesResponse>"

    def _DescribeInstanceInformation(self, given: dict[str, Any]) -> dict[str, Any]:  # noqa: N802 - as above
        listed = []
        for instance in given["Filters"][0]["Values"]:
            if instance in self.hosts:
                status = "Online" if self.hosts[instance].online else "ConnectionLost"
                listed.append({"InstanceId": instance, "PingStatus": status})
        return {"InstanceInformationList": listed}

    def _DescribeTargetHealth(self, given: dict[str, Any]) -> str:  # noqa: N802 - as above
        instance = given["Targets.member.1.Id"]
        host = self.hosts.get(instance)
        if host and host.balanced in ("draining", "initial"):
            host.left -= 1
            if host.left <= 0:
                ill = not host.release or (host.fails == "ill" and host.release != _sha(self.old))
                host.balanced = "unused" if host.balanced == "draining" else "unhealthy" if ill else "healthy"
        state = host.balanced if host else "unused"
        return (
            "<DescribeTargetHealthResponse><DescribeTargetHealthResult><TargetHealthDescriptions><member><Target>"
            f"<Id>{instance}</Id></Target><TargetHealth><State>{state}</State><Description>Health checks failed"
            "</Description></TargetHealth></member></TargetHealthDescriptions></DescribeTargetHealthResult>"
            "</DescribeTargetHealthResponse>"
        )

    def _DeregisterTargets(self, given: dict[str, Any]) -> str:  # noqa: N802 - as above
        host = self.hosts[given["Targets.member.1.Id"]]
        host.balanced, host.left = "draining", self.takes
        if not any(other.balanced in ("healthy", "unhealthy") for other in self.hosts.values()):
            self.violations.append(f"{host.name} was the last behind the load balancer")
        return "<DeregisterTargetsResponse><DeregisterTargetsResult/></DeregisterTargetsResponse>"

    def _RegisterTargets(self, given: dict[str, Any]) -> str:  # noqa: N802 - as above
        host = self.hosts.get(given["Targets.member.1.Id"])
        if host and host.balanced in ("unused", "draining"):
            host.balanced, host.left = "initial", self.takes
        return "<RegisterTargetsResponse><RegisterTargetsResult/></RegisterTargetsResponse>"

    def _SendCommand(self, given: dict[str, Any]) -> dict[str, Any]:  # noqa: N802 - as above
        gone = [instance for instance in given["InstanceIds"] if instance not in self.hosts]
        if gone:
            raise Refused("InvalidInstanceId", f"{gone[0]} is not in a valid state")
        assert given["CloudWatchOutputConfig"]["CloudWatchOutputEnabled"]
        parameters = given["Parameters"]
        command = Command(given["Comment"], parameters["Step"][0], parameters["Release"][0], list(given["InstanceIds"]))
        for instance in command.instances:
            if (
                command.step in ("apply", "restore")
                and len(self.hosts) > 1
                and self.hosts[instance].balanced == "healthy"
            ):
                self.violations.append(f"{command.step} on {self.hosts[instance].name} while it gets requests")
        identity = f"{len(self.commands):08d}-0000-4000-8000-000000000000"
        self.commands[identity] = command
        return {"Command": {"CommandId": identity}}

    def _ListCommandInvocations(self, given: dict[str, Any]) -> dict[str, Any]:  # noqa: N802 - as above
        assert given["Filters"][0]["key"] == "InvokedAfter"
        found = [
            {"CommandId": identity, "InstanceId": given["InstanceId"], "Comment": command.comment}
            for identity, command in self.commands.items()
            if given["InstanceId"] in command.instances
        ]
        return {"CommandInvocations": found}

    def _GetCommandInvocation(self, given: dict[str, Any]) -> dict[str, Any]:  # noqa: N802 - as above
        command, instance = self.commands[given["CommandId"]], given["InstanceId"]
        command.reads += 1
        if command.reads <= self.unknown:
            raise Refused("InvocationDoesNotExist", "no such invocation")
        if instance not in command.ended and command.reads > self.takes:
            self._progress(command, instance)
        status, details, output = command.ended.get(instance, ("InProgress", "InProgress", ""))
        return {"Status": status, "StatusDetails": details, "StandardOutputContent": output, "StandardErrorContent": ""}

    def _progress(self, command: Command, instance: str) -> None:
        host = self.hosts.get(instance)
        fails = host.fails if host and command.step in ("apply", "migrate") else ""
        if host is None and self.stuck:
            return
        if command.cancelled:
            command.ended[instance] = ("Cancelled", "Cancelled", "recreating the containers")
        elif host is None or fails == "away":
            command.ended[instance] = ("TimedOut", "DeliveryTimedOut", "")
        elif fails == "hangs":
            if command.step == "apply":
                host.release = ""
        elif fails and fails != "ill":
            host.release = "" if fails == "broken" else host.release
            state = "failed" if fails == "broken" else "restored"
            said = f"web is unhealthy\n  | no such table\n{_line(host.release, state)}"
            command.ended[instance] = ("Failed", "Failed", said)
        else:
            if command.step in ("apply", "restore"):
                host.release = command.release
            report = {
                "release": host.release,
                "version": "1.1.0",
                "state": "running",
                "images": {"web": "sha256:" + "b" * 64},
            }
            wrong = self.wrong if command.step == "report" else {}
            command.ended[instance] = ("Success", "Success", f"done\nSLIPWAY {json.dumps({**report, **wrong})}\n")

    def _CancelCommand(self, given: dict[str, Any]) -> dict[str, Any]:  # noqa: N802 - as above
        self.commands[given["CommandId"]].cancelled = True
        return {}

    def _PutObject(self, given: dict[str, Any]) -> str:  # noqa: N802 - as above
        assert given["host"].startswith(f"{BUCKET}.")
        self.objects[given["path"].lstrip("/")] = _dechunked(given)
        return ""

    def _GetObject(self, given: dict[str, Any]) -> bytes:  # noqa: N802 - as above
        key = given["path"].lstrip("/")
        if key not in self.objects:
            raise Refused("NoSuchKey", f"{escape(key)} does not exist", status=404)
        return self.objects[key]


def _line(release: str, state: str) -> str:
    return f"SLIPWAY {json.dumps({'release': release, 'version': '1.0.0', 'state': state, 'images': {}})}\n"


def _dechunked(given: dict[str, Any]) -> bytes:
    """Returns the body, without the frames in which botocore sends a checksum behind it."""
    body: bytes = given["body"]
    if "aws-chunked" not in given["headers"].get("Content-Encoding", ""):
        return body
    whole = b""
    while True:
        size, _, rest = body.partition(b"\r\n")
        length = int(size.split(b";")[0], 16)
        if not length:
            return whole
        whole, body = whole + rest[:length], rest[length + 2 :]


_OPERATIONS = {
    "cloudformation": ("DescribeStacks",),
    "ec2": ("DescribeInstances",),
    "elasticloadbalancingv2": ("DescribeTargetHealth", "DeregisterTargets", "RegisterTargets"),
    "ssm": (
        "CancelCommand",
        "DescribeInstanceInformation",
        "GetCommandInvocation",
        "ListCommandInvocations",
        "SendCommand",
    ),
    "s3": ("GetObject", "PutObject"),
}
