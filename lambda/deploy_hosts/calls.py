"""Steps in a cluster of EKS: its function is called once for each, and writes the result into the bucket."""

from __future__ import annotations

import json
from typing import Any

from botocore.exceptions import ClientError

from deploy_hosts.commands import Commands, Ended
from deploy_hosts.fleet import Fleet, Host
from deploy_hosts.settings import Settings
from shared.aws import code
from shared.job import Failed, Job, Wait
from shared.words import parsed

_LONGEST_SECONDS = 960  # a function of Lambda runs for 900 at most, and may begin a little later
_JOIN_SECONDS = 300
_MISSING = frozenset({"NoSuchKey", "404"})


class Calls(Commands):
    """The calls of one job; the state has the current one, if it has not ended."""

    def run(self, job: Job, hosts: list[Host], step: str, release: str) -> list[Ended] | Wait:
        """Calls the function with a step, or looks how far it is; returns the result when there is one."""
        if "command" not in job.state:
            job.state["command"] = self._called(job, step, release)
            job.state.pop("sent", None)
            job.seconds_since("sent")
            return Wait(f"{step} in the cluster: begun", str(job.state["command"]))
        found = self._result(hosts[0], str(job.state["command"]))
        if found is None:
            if job.seconds_since("sent") > _LONGEST_SECONDS:
                raise Failed(
                    f"the function {self._settings.function} ended without a result: read {self._settings.log_group}"
                )
            return Wait(f"{step} in the cluster: in progress", str(job.state["command"]))
        self.forget(job)
        return [found]

    def cancel(self, job: Job) -> None:
        """Does nothing: a call ends by itself, and the next one waits for it."""

    def over(self, job: Job, host: Host) -> bool:
        """True if the call has ended."""
        late = job.seconds_since("sent") > _LONGEST_SECONDS
        return "command" not in job.state or late or self._result(host, str(job.state["command"])) is not None

    def known(self, job: Job, _host: Host) -> bool:
        """True if a call is at work."""
        return "command" in job.state

    def read_again(self, _job: Job, host: Host, command: str) -> str:
        """Returns what happened in a call that has ended; empty if there is no result."""
        try:
            found = self._result(host, command)
        except ClientError:
            return ""
        return found.why if found else ""

    def _called(self, job: Job, step: str, release: str) -> str:
        # The id is the same for a call whose answer was lost: the function then does nothing, or waits for itself.
        name = f"{job.key}-{int(job.number('sequence'))}"
        event = {"id": name, "step": step, "release": release}
        self._settings.place.client("lambda").invoke(
            FunctionName=self._settings.function, InvocationType="Event", Payload=json.dumps(event).encode()
        )
        return name

    def _result(self, host: Host, name: str) -> Ended | None:
        s3: Any = self._settings.place.client("s3")
        try:
            content = s3.get_object(Bucket=self._settings.bucket, Key=f"steps/{name}.json")["Body"].read()
        except ClientError as error:
            if code(error) not in _MISSING:
                raise
            return None
        known = parsed(content)
        return Ended(host, name, str(known["status"]), str(known["status"]), str(known["output"]), "")


class OneCluster(Fleet):
    """The cluster in the place of hosts: it is there, and its load balancer follows the pods by itself."""

    def gather(self, _job: Job) -> list[Host]:
        """Returns the cluster."""
        return [Host(str(self._settings.cluster), "cluster")]

    def ended(self, _host: Host) -> bool:
        """False: a cluster does not end while it gets a release."""
        return False

    def leave(self, _job: Job, _host: Host) -> None:
        """Does nothing."""

    def join(self, job: Job, host: Host) -> Wait | None:
        """Waits until the load balancer finds a pod healthy."""
        group = self._settings.target_group
        found = self._place.client("elbv2").describe_target_health(TargetGroupArn=group)["TargetHealthDescriptions"]
        states = sorted({str(target["TargetHealth"]["State"]) for target in found})
        if "healthy" in states:
            job.state.pop("joining", None)
            return None
        if job.seconds_since("joining") > _JOIN_SECONDS:
            raise Failed(f"the load balancer finds no pod of {host} healthy: {', '.join(states) or 'it has none'}")
        return Wait(f"the load balancer checks the pods: {', '.join(states) or 'none is registered yet'}")

    def put_back(self, host: Host) -> None:
        """Does nothing: EKS registers the pods."""


def commands(settings: Settings) -> Commands:
    """Returns how steps reach an environment: a function in its cluster, or SSM on its hosts."""
    return Calls(settings) if settings.cluster else Commands(settings)


def fleet(settings: Settings) -> Fleet:
    """Returns the hosts of an environment, or its cluster."""
    return OneCluster(settings) if settings.cluster else Fleet(settings)
