"""A cluster of EKS as its function, a load balancer and a bucket show it."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from tests.support.fake_aws import Refused
from tests.support.fake_hosts import STACK, Hosts
from tests.support.fake_pipeline import Main

FUNCTION = "production-shop-release"


@dataclass
class Call:
    """A call of the function."""

    step: str
    release: str
    reads: int = 0


class FakeCluster(Hosts):
    """An action on a cluster that runs an old release; `host.fails` says how its function ends, as on a host.

    `silent`: the function ends without a result.
    """

    def __init__(self, main: Main, parameters: dict[str, Any]) -> None:
        super().__init__(main, parameters, 1)
        self.outputs[STACK]["ReleaseFunction"] = FUNCTION
        self.called: dict[str, Call] = {}
        self.repeated: list[str] = []
        self.silent = False
        self.health = ["initial", "healthy"]
        """The health of its pods, one for each time that it is asked."""
        place = self.artifacts[0]["location"]
        self.artifacts = [{"name": "Manifests", "location": place}]
        self.on("lambda.Invoke", self._Invoke)

    @property
    def host(self) -> Any:
        """The release that runs, as on the only host."""
        return next(iter(self.hosts.values()))

    def asked(self) -> list[str]:
        """Returns the steps in order."""
        return [call.step for call in self.called.values()]

    def _Invoke(self, given: dict[str, Any]) -> dict[str, Any]:  # noqa: N802 - the operation's name, as below
        assert given["path"].endswith(f"/{FUNCTION}/invocations")
        assert given["headers"]["X-Amz-Invocation-Type"] == "Event"
        event = json.loads(given["body"])
        if event["id"] in self.called:  # the function finds the result of the first call, or waits for it
            self.repeated.append(event["id"])
        else:
            self.called[event["id"]] = Call(event["step"], event["release"])
        return {}

    def _GetObject(self, given: dict[str, Any]) -> bytes:  # noqa: N802 - as above
        key = given["path"].lstrip("/")
        name = key.removeprefix("steps/").removesuffix(".json")
        if key.startswith("steps/") and key not in self.objects and name in self.called:
            call = self.called[name]
            call.reads += 1
            if call.reads > self.takes and not self.silent:
                self.objects[key] = json.dumps(self._result(call)).encode()
        return super()._GetObject(given)

    def _result(self, call: Call) -> dict[str, str]:
        fails = self.host.fails if call.step in ("apply", "migrate") else ""
        if not fails and call.step in ("apply", "restore"):
            self.host.release = call.release
        if fails == "broken":
            self.host.release = ""
        state = {"broken": "failed", "restored": "restored"}.get(fails, "running")
        images = {"web-1/web": "sha256:" + "b" * 64}
        report = {"release": self.host.release, "version": "1.1.0", "state": state, "images": images}
        said = "pod web-1: web: runs, and is not ready\n  | no such table" if fails else "done"
        status = "Failed" if fails else "Success"
        return {"status": status, "output": f"{said}\nSLIPWAY {json.dumps(report)}"}

    def _DescribeTargetHealth(self, given: dict[str, Any]) -> str:  # noqa: N802 - as above
        if "Targets.member.1.Id" in given:
            raise Refused("ValidationError", "the pods are not known here")
        state = self.health.pop(0) if len(self.health) > 1 else self.health[0]
        return (
            "<DescribeTargetHealthResponse><DescribeTargetHealthResult><TargetHealthDescriptions><member><Target>"
            f"<Id>10.0.0.1</Id></Target><TargetHealth><State>{state}</State></TargetHealth></member>"
            "</TargetHealthDescriptions></DescribeTargetHealthResult></DescribeTargetHealthResponse>"
        )
