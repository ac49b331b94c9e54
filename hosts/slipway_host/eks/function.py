"""The function that releases into a cluster of EKS. It is called once for each step, and writes what became of it.

The event has `id`, `step` and `release`, as the SSM document of a host has. The result is `steps/<id>.json` in the
bucket of releases: `status` (Success or Failed), and `output`, whose last line is `SLIPWAY {…}`.
"""

from __future__ import annotations

import json
import os
import re
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from slipway_host.eks.api import Api, Refused, Server
from slipway_host.eks.aws import Aws, token
from slipway_host.eks.cluster import EksCluster
from slipway_host.eks.memory import Lock, Remote
from slipway_host.kubernetes import steps
from slipway_host.kubernetes.settings import ClusterConfiguration
from slipway_host.kubernetes.steps import Node
from slipway_host.output import Failed, Output
from slipway_host.programs import Programs
from slipway_host.release import Store
from slipway_host.settings import SHA

_ID = re.compile(r"[A-Za-z0-9-]{1,80}")
_FOLDER = Path("/tmp/slipway")  # noqa: S108 - the only place of a function, which is its own
_STEPS = ("apply", "migrate", "report", "restore")


class Context(Protocol):
    """The part of the context of a Lambda invocation that the function uses."""

    def get_remaining_time_in_millis(self) -> int:
        """Returns how long the function may still run."""


class Recorded(Output):
    """Output that is also kept, for the result."""

    def __init__(self) -> None:
        super().__init__()
        self.lines: list[str] = []

    def _print(self, line: str) -> None:
        self.lines.append(line)
        super()._print(line)


@dataclass(frozen=True)
class Surroundings:
    """The cluster and the bucket of this function, from its environment variables."""

    region: str
    bucket: str
    configuration: str
    cluster: str
    server: Server

    @classmethod
    def read(cls) -> Surroundings:
        """Returns those of this function."""
        given = os.environ
        server = Server(given["ENDPOINT"], given["AUTHORITY"])
        return cls(given["AWS_REGION"], given["BUCKET"], given["CONFIGURATION"], given["CLUSTER"], server)

    def api(self) -> Api:
        """Returns the API server, in the name of the function's role."""
        return Api(self.server, lambda: token(self.cluster, self.region))


@dataclass(frozen=True)
class Call:
    """One call of the function."""

    name: str
    """Its id, which no other call has."""
    step: str
    release: str
    deadline: float
    """When Lambda ends it, by `time.monotonic`."""

    @classmethod
    def read(cls, event: dict[str, Any], context: Context) -> Call:
        """Returns the call that an event means.

        Raises:
            ValueError: if it means none.
        """
        name, step, release = (str(event.get(key)) for key in ("id", "step", "release"))
        if step not in _STEPS or not SHA.fullmatch(release) or not _ID.fullmatch(name):
            raise ValueError(f"the event must have an id, a step of {', '.join(_STEPS)}, and the SHA-256 of a release")
        return cls(name, step, release, time.monotonic() + context.get_remaining_time_in_millis() / 1000)

    def left(self) -> float:
        """Returns the seconds that are left."""
        return self.deadline - time.monotonic()


def main(event: dict[str, Any], context: Context) -> dict[str, Any]:
    """Runs a step; a second call with the same id returns what the first one wrote."""
    call, here = Call.read(event, context), Surroundings.read()
    aws, key = Aws(here.region, here.bucket), f"steps/{call.name}.json"
    known = aws.read(key)
    if known is not None:
        return dict(json.loads(known))
    result = _ran(here, aws, call)
    aws.write(key, json.dumps(result).encode())
    return result


def _ran(here: Surroundings, aws: Aws, call: Call) -> dict[str, Any]:
    output = Recorded()
    try:
        code, report = _step(here, aws, output, call)
    except (Failed, Refused, OSError, ValueError) as failure:
        output.say(f"FAILED: {failure}")
        code, report = 1, {"release": "", "version": "", "images": {}, "state": "failed"}
    output.end(report)
    return {"status": "Failed" if code else "Success", "output": "\n".join(output.lines)}


def _step(here: Surroundings, aws: Aws, output: Output, call: Call) -> tuple[int, dict[str, Any]]:
    configuration = ClusterConfiguration.parse(aws.parameter(here.configuration))
    namespace, api = configuration.place.namespace, here.api()
    memory = Remote(_FOLDER, aws, Lock(api, namespace, call.name, call.left))
    cluster, store = EksCluster(api, namespace), Store(aws, memory, output)
    node = Node(configuration, Programs(call.name), cluster, store, memory, output)
    if call.step == "report":
        return steps.tell(node)
    with memory.locked(output):
        if call.step == "migrate":
            return steps.migrate(node, call.release)
        return steps.apply(node, call.release, fall_back=call.step == "apply")
