"""The hosts of an environment: which ones run, and their place behind the load balancer."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from deploy_hosts.settings import Settings
from shared.job import Failed, Job, Wait

_GATHER_SECONDS = 600  # in which a host that Auto Scaling replaces is back
_LEAVE_SECONDS = 480  # more than the target group's longest deregistration delay that we set
_JOIN_SECONDS = 300
_NAME = 12  # characters of a host's name: the continuation token names each host
_INFORMED = 50  # instances of one call of DescribeInstanceInformation


@dataclass(frozen=True)
class Host:
    """An instance, and its name for people: host-1."""

    id: str
    name: str

    def __str__(self) -> str:
        return f"{self.name} ({self.id})"


class Fleet:
    """The hosts of one environment. Methods that return Wait are called again later; None means done."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._place = settings.place

    def gather(self, job: Job) -> list[Host] | Wait:
        """Returns the hosts in the order of their names, as soon as all are there and SSM reaches them.

        Raises:
            Failed: if there are more than expected, or fewer for ten minutes.
        """
        hosts, expected = self._running(), self._settings.expected
        missing = f"{len(hosts)} of {expected} hosts run" if len(hosts) != expected else self._unreached(hosts)
        if not missing:
            job.state.pop("gathering", None)
            return hosts
        if job.seconds_since("gathering") > _GATHER_SECONDS:
            tags = ", ".join(f"{key}={value}" for key, value in sorted(self._settings.tags.items()))
            raise Failed(
                f"{missing} ({tags}): look at the Auto Scaling groups of the stack Hosts, then retry the stage"
            )
        return Wait(missing)

    def ended(self, host: Host) -> bool:
        """True if a host that was gathered runs no more; SSM calls its command in progress until that expires."""
        return host.id not in {running.id for running in self._running()}

    def leave(self, job: Job, host: Host) -> Wait | None:
        """Takes a host out of the load balancer and waits for its requests to end; the only host stays."""
        if self._settings.expected == 1 or self._settings.target_group is None:
            return None
        balancer = self._place.client("elbv2")
        state = self._health(balancer, host)[0]
        if state == "unused":
            job.state.pop("leaving", None)
            return None
        if state != "draining":
            balancer.deregister_targets(TargetGroupArn=self._settings.target_group, Targets=[{"Id": host.id}])
        if job.seconds_since("leaving") > _LEAVE_SECONDS:
            raise Failed(f"{host} is still {state} after {_LEAVE_SECONDS} s: look at the target group")
        return Wait(f"{host} finishes its requests")

    def join(self, job: Job, host: Host) -> Wait | None:
        """Lets the load balancer send requests to a host, and waits until it finds the host healthy."""
        if self._settings.target_group is None:
            return None
        balancer = self._place.client("elbv2")
        state, reason = self._health(balancer, host)
        if state == "healthy":
            job.state.pop("joining", None)
            return None
        if state in ("unused", "draining"):
            balancer.register_targets(TargetGroupArn=self._settings.target_group, Targets=[{"Id": host.id}])
        if job.seconds_since("joining") > _JOIN_SECONDS:
            raise Failed(f"the load balancer finds {host} {state} after {_JOIN_SECONDS} s: {reason}")
        return Wait(f"the load balancer checks {host}: {state}")

    def put_back(self, host: Host) -> None:
        """Lets the load balancer send requests to a host whatever its health."""
        if self._settings.target_group is not None:
            targets = [{"Id": host.id}]
            self._place.client("elbv2").register_targets(TargetGroupArn=self._settings.target_group, Targets=targets)

    def _running(self) -> list[Host]:
        filters = [{"Name": f"tag:{key}", "Values": [value]} for key, value in sorted(self._settings.tags.items())]
        filters.append({"Name": "instance-state-name", "Values": ["running"]})
        pages = self._place.client("ec2").get_paginator("describe_instances").paginate(Filters=filters)
        found = [
            Host(str(instance["InstanceId"]), _name(instance))
            for page in pages
            for reservation in page["Reservations"]
            for instance in reservation["Instances"]
        ]
        return sorted(found, key=lambda host: (len(host.name), host.name, host.id))

    def _unreached(self, hosts: list[Host]) -> str:
        """Returns which hosts SSM does not reach; empty if it reaches all."""
        online: set[str] = set()
        ssm = self._place.client("ssm")
        filters = [{"Key": "InstanceIds", "Values": [host.id for host in hosts]}]
        pages = ssm.get_paginator("describe_instance_information").paginate(
            Filters=filters, PaginationConfig={"PageSize": _INFORMED}
        )
        for page in pages:
            online |= {
                known["InstanceId"] for known in page["InstanceInformationList"] if known["PingStatus"] == "Online"
            }
        away = [str(host) for host in hosts if host.id not in online]
        return f"SSM does not reach {', '.join(away)}" if away else ""

    def _health(self, balancer: Any, host: Host) -> tuple[str, str]:
        found = balancer.describe_target_health(TargetGroupArn=self._settings.target_group, Targets=[{"Id": host.id}])[
            "TargetHealthDescriptions"
        ]
        health = found[0]["TargetHealth"] if found else {"State": "unused"}
        return str(health["State"]), str(health.get("Description") or health.get("Reason") or "no reason was given")


def _name(instance: dict[str, Any]) -> str:
    tags = {tag["Key"]: tag["Value"] for tag in instance.get("Tags", [])}
    name = "".join(
        letter for letter in tags.get("slipway:host", "") if letter.isascii() and (letter.isalnum() or letter in "-_")
    )
    return name[:_NAME] or str(instance["InstanceId"])[-_NAME:]
