"""Parts of the function that releases into a cluster of EKS: paths, progress of a rollout, and one step at a time."""

from __future__ import annotations

import copy
import datetime
from typing import Any

import pytest

from slipway_host.eks import cluster, kinds, memory
from slipway_host.eks.api import Api, Refused
from slipway_host.eks.cluster import EksCluster
from slipway_host.eks.memory import Lock
from slipway_host.output import Failed, Output


class Server(Api):
    """An API server that keeps objects by their paths, with conflicts and versions as Kubernetes has them."""

    def __init__(self) -> None:
        self.objects: dict[str, Any] = {}
        self.asked: list[tuple[str, str, Any, Any]] = []
        self.refused: dict[str, str] = {}
        """Messages by the end of the path."""

    def ask(self, method: str, path: str, query: dict[str, str] | None = None, body: Any = None) -> Any:
        self.asked.append((method, path, query, copy.deepcopy(body)))
        for end, message in self.refused.items():
            if path.endswith(end):
                raise Refused(422, "Invalid", message)
        place = f"{path}/{body['metadata']['name']}" if method == "POST" else path
        if method == "POST" and place in self.objects:
            raise Refused(409, "AlreadyExists", f"{place} already exists")
        if method in ("GET", "DELETE", "PUT") and place not in self.objects:
            raise Refused(404, "NotFound", f"{place} not found")
        if (
            method == "PUT"
            and body["metadata"]["resourceVersion"] != self.objects[place]["metadata"]["resourceVersion"]
        ):
            raise Refused(409, "Conflict", "the object has been modified")
        if method == "DELETE":
            return self.objects.pop(place)
        if body is not None:
            self.objects[place] = {**body, "metadata": {**body["metadata"], "resourceVersion": str(len(self.asked))}}
        return self.objects[place]


def deployment(**status: int) -> dict[str, Any]:
    return {"metadata": {"generation": 2}, "spec": {"replicas": 2}, "status": {"observedGeneration": 2, **status}}


@pytest.mark.parametrize(
    ("kind", "version", "expected"),
    [
        ("Deployment", "apps/v1", "/apis/apps/v1/namespaces/shop/deployments/web"),
        ("pods", "", "/api/v1/namespaces/shop/pods/web"),
        ("CronJob", "batch/v1beta1", "/apis/batch/v1beta1/namespaces/shop/cronjobs/web"),
        ("NodePool", "", "/apis/karpenter.sh/v1/nodepools/web"),
    ],
)
def test_objects_have_the_paths_of_their_kinds(kind: str, version: str, expected: str) -> None:
    assert kinds.path(kind, "shop", "web", version) == expected


def test_an_unknown_kind_has_no_path() -> None:
    with pytest.raises(ValueError, match="objects of the kind ClusterRole are not known here"):
        kinds.path("ClusterRole", "shop")


@pytest.mark.parametrize(
    ("status", "code", "said"),
    [
        ({"observedGeneration": 1}, None, "spec update to be observed"),
        ({"updatedReplicas": 1, "replicas": 3}, None, "1 out of 2 new replicas have been updated"),
        ({"updatedReplicas": 2, "replicas": 3}, None, "1 old replicas are pending termination"),
        ({"updatedReplicas": 2, "replicas": 2, "availableReplicas": 1}, None, "1 of 2 updated replicas are available"),
        ({"updatedReplicas": 2, "replicas": 2, "availableReplicas": 2}, 0, "successfully rolled out"),
    ],
)
def test_a_rollout_ends_when_new_pods_are_ready_and_old_ones_are_gone(
    status: dict[str, int], code: int | None, said: str
) -> None:
    found, text = cluster._progress("web", deployment(**status))

    assert found == code
    assert said in text


def test_objects_are_applied_on_the_server_and_ports_name_their_protocol() -> None:
    server = Server()
    service = {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "web"}, "spec": {"ports": [{"port": 80}]}}

    assert EksCluster(server, "shop").apply([service], dry_run=True) == "service/web applied"

    method, path, query, body = server.asked[0]
    assert (method, path) == ("PATCH", "/api/v1/namespaces/shop/services/web")
    assert query == {"fieldManager": "slipway", "force": "true", "dryRun": "All"}
    assert body["spec"]["ports"] == [{"port": 80, "protocol": "TCP"}]
    assert service["spec"] == {"ports": [{"port": 80}]}


def test_a_trial_reports_every_object_that_the_cluster_refuses_and_an_attempt_stops_at_the_first() -> None:
    server = Server()
    server.refused = {"/a": "spec.replicas: Invalid value", "/b": "spec.selector: Required value"}
    things = [{"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": name}} for name in ("a", "b")]

    with pytest.raises(Failed, match=r"(?s)deployment/a: spec.replicas: .*deployment/b: spec.selector: "):
        EksCluster(server, "shop").apply(things, dry_run=True)
    with pytest.raises(Failed, match="deployment/a") as failed:
        EksCluster(server, "shop").apply(things)
    assert "deployment/b" not in str(failed.value)


def test_a_step_holds_the_lease_and_gives_it_back() -> None:
    server = Server()

    with Lock(server, "shop", "first", lambda: 900).held(Output()):
        (lease,) = server.objects.values()
        assert lease["spec"]["holderIdentity"] == "first"
    assert server.objects == {}


def test_a_step_that_finds_the_lease_held_waits_and_then_fails_with_what_to_do() -> None:
    server = Server()

    with Lock(server, "shop", "first", lambda: 900).held(Output()):
        second = Lock(server, "shop", "second", lambda: memory.LONGEST_SECONDS / 2 - 1)
        with (
            pytest.raises(Failed, match="another step still holds the lease shop/slipway: retry"),
            second.held(Output()),
        ):
            pass


def test_the_lease_of_a_step_that_was_ended_is_taken_over_when_its_function_cannot_run_any_more() -> None:
    server = Server()
    path = "/apis/coordination.k8s.io/v1/namespaces/shop/leases"
    old = datetime.datetime.now(datetime.UTC) - datetime.timedelta(seconds=memory._LEASE_SECONDS + 1)
    spec = {"holderIdentity": "first", "leaseDurationSeconds": memory._LEASE_SECONDS, "renewTime": f"{old:%FT%T.%fZ}"}
    server.ask("POST", path, body={"metadata": {"name": "slipway"}, "spec": spec})

    with Lock(server, "shop", "second", lambda: 900).held(Output()):
        assert server.objects[f"{path}/slipway"]["spec"]["holderIdentity"] == "second"
