"""The agent of Systems Manager on a host: which hosts are managed nodes, and commands that run in them.

A host is a managed node while it runs and the role of its instance profile lets the agent register and connect.
docs.aws.amazon.com/systems-manager/latest/userguide/setup-instance-permissions.html
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from ministack.core import iam_evaluator
from ministack.services import ec2, iam

from localcloud.ec2 import hosts

SYMBOLS: tuple[str, ...] = (
    *hosts.SYMBOLS,
    "ministack.core.iam_evaluator:EvalContext",
    "ministack.core.iam_evaluator:_gather_role_policies",
    "ministack.core.iam_evaluator:_permissions_boundary",
    "ministack.core.iam_evaluator:evaluate",
    "ministack.services.ec2:_instances",
    "ministack.services.ec2:_tags",
    "ministack.services.iam:_roles",
)

REGISTER = "ssm:UpdateInstanceInformation"
#: The agent needs one of these sets to get commands, the first also for sessions.
CONNECT = (
    ("ssmmessages:CreateControlChannel", "ssmmessages:OpenControlChannel"),
    ("ec2messages:GetMessages", "ec2messages:GetEndpoint"),
)
SESSION = ("ssmmessages:CreateDataChannel", "ssmmessages:OpenDataChannel")
ONLINE, LOST = "Online", "ConnectionLost"


class Hosts(Protocol):
    """The operations on machines that the agent uses; `localcloud.ec2.hosts` implements them."""

    def running(self, account: str = "", region: str = "") -> list[hosts.Host]:
        """Returns the hosts that run now."""

    def find(self, instance_id: str) -> hosts.Host | None:
        """Returns a running host."""

    def on_started(self, callback: Callable[[hosts.Host], None]) -> None:
        """Calls `callback` whenever a host has started."""

    def execute(
        self,
        instance_id: str,
        argv: Sequence[str],
        *,
        on_output: hosts.OnOutput,
        environment: Mapping[str, str] | None = None,
        folder: str = "/",
        timeout: float = 3600.0,
        cancelled: threading.Event | None = None,
    ) -> int:
        """Runs a command in a host."""


@dataclass
class Node:
    """A managed node: a host that has registered."""

    instance_id: str
    account: str
    region: str
    registered: float
    last_ping: float
    address: str
    role_arn: str

    @property
    def tags(self) -> dict[str, str]:
        """The tags that the instance has now."""
        listed = ec2._tags.get_scoped(self.account, self.region, self.instance_id) or []
        return {tag["Key"]: tag["Value"] for tag in listed}

    @property
    def exists(self) -> bool:
        """False if the instance was terminated."""
        found = ec2._instances.get_scoped(self.account, self.region, self.instance_id) or {}
        return (found.get("State") or {}).get("Name") not in (None, "shutting-down", "terminated")


def allowed(role_arn: str, actions: Iterable[str], resource: str, region: str, session: str) -> bool:
    """True if a role's policies and its boundary allow all of the actions on a resource."""
    account, name = role_arn.split(":")[4], role_arn.rsplit("/", 1)[-1]
    policies = iam_evaluator._gather_role_policies(name, account)
    limits = iam_evaluator._permissions_boundary(iam._roles, name, account)
    for action in actions:
        context = iam_evaluator.EvalContext(
            principal_arn=f"arn:aws:sts::{account}:assumed-role/{name}/{session}",
            principal_type="AssumedRole",
            principal_account=account,
            action=action,
            resource_arn=resource,
            region=region,
        )
        if iam_evaluator.evaluate(context, policies, *limits).decision != "Allow":
            return False
    return True


class Agents:
    """The managed nodes of all accounts and regions."""

    def __init__(self, machines: Hosts) -> None:
        self.machines = machines
        self._nodes: dict[str, Node] = {}
        self._guard = threading.Lock()

    def clear(self) -> None:
        """Forgets all nodes."""
        with self._guard:
            self._nodes.clear()

    def online(self, instance_id: str) -> bool:
        """True if a host runs and its agent may register and connect."""
        host = self.machines.find(instance_id)
        if host is None or not host.role_arn:
            return False
        instance = f"arn:aws:ec2:{host.region}:{host.account}:instance/{instance_id}"
        if not allowed(host.role_arn, [REGISTER], instance, host.region, instance_id):
            return False
        if not any(allowed(host.role_arn, actions, "*", host.region, instance_id) for actions in CONNECT):
            return False
        now = time.time()
        with self._guard:
            node = self._nodes.get(instance_id)
            registered = node.registered if node else now
            self._nodes[instance_id] = Node(
                instance_id, host.account, host.region, registered, now, host.address, host.role_arn
            )
        return True

    def takes_sessions(self, instance_id: str) -> bool:
        """True if the agent may also open the channel of a session."""
        host = self.machines.find(instance_id)
        if host is None or not self.online(instance_id):
            return False
        return allowed(host.role_arn, (*CONNECT[0], *SESSION), "*", host.region, instance_id)

    def nodes(self, account: str, region: str) -> list[Node]:
        """Returns the nodes that have registered and whose instance still exists, oldest first."""
        for host in self.machines.running(account, region):
            self.online(host.instance_id)
        with self._guard:
            known = [node for node in self._nodes.values() if (node.account, node.region) == (account, region)]
        return sorted((node for node in known if node.exists), key=lambda node: (node.registered, node.instance_id))

    def ping(self, node: Node) -> str:
        """Returns the ping status of a node."""
        return ONLINE if self.online(node.instance_id) else LOST


class Fleet(Agents):
    """The managed nodes on the hosts of EC2; tests put other machines in their place."""

    def __init__(self, machines: Hosts) -> None:
        super().__init__(machines)
        self._listeners: list[Callable[[hosts.Host], None]] = []

    def listen(self, callback: Callable[[hosts.Host], None]) -> None:
        """Calls `callback` whenever a host has started."""
        self._listeners.append(callback)
        self.machines.on_started(callback)

    def use(self, machines: Hosts) -> None:
        """Replaces the machines."""
        self.machines = machines
        for callback in self._listeners:
            machines.on_started(callback)
        self.clear()


FLEET = Fleet(hosts)
