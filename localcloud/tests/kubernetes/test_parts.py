"""Parts of the node agent that need no container: refusals, values, statuses, rules of Ingresses."""

from __future__ import annotations

import ast
from pathlib import Path
from typing import Any

import pytest

import localcloud
from localcloud.kubernetes import config, images, pod_containers, refusals, spdy, status
from localcloud.kubernetes.status import Container

_RELAY = Path(localcloud.__file__).parent / "bin" / "cluster_relay.py"


def _relay() -> dict[str, Any]:
    """Returns the relay's functions; its last line would run it."""
    tree = ast.parse(_RELAY.read_text(encoding="utf-8"))
    names: dict[str, Any] = {}
    exec(compile(ast.Module(tree.body[:-1], []), str(_RELAY), "exec"), names)
    return names


def _pod(spec: dict[str, Any], **container: Any) -> dict[str, Any]:
    return {"metadata": {"name": "pod"}, "spec": {**spec, "containers": [{"name": "main", "image": "x", **container}]}}


@pytest.mark.parametrize(
    ("spec", "container", "named"),
    [
        ({"hostNetwork": True}, {}, "spec.hostNetwork"),
        ({"hostPID": True}, {}, "spec.hostPID"),
        ({"volumes": [{"name": "v", "hostPath": {"path": "/"}}]}, {}, "spec.volumes[v].hostPath"),
        ({"volumes": [{"name": "v", "nfs": {}}]}, {}, "spec.volumes[v].nfs"),
        ({}, {"securityContext": {"privileged": True}}, "spec.containers[main].securityContext.privileged"),
        ({}, {"securityContext": {"capabilities": {"add": ["SYS_ADMIN"]}}}, "SYS_ADMIN"),
        ({}, {"ports": [{"containerPort": 80, "hostPort": 80}]}, "hostPort 80"),
        ({}, {"volumeMounts": [{"name": "v", "mountPath": "/v", "subPath": "a"}]}, "subPath"),
        ({"activeDeadlineSeconds": 5}, {}, "spec.activeDeadlineSeconds"),
        ({}, {"lifecycle": {"postStart": {"exec": {"command": ["true"]}}}}, "lifecycle.postStart"),
        ({}, {"livenessProbe": {"grpc": {"port": 1}}}, "livenessProbe.grpc"),
    ],
)
def test_what_a_pod_may_not_ask_for_is_refused_by_its_path(
    spec: dict[str, Any], container: dict[str, Any], named: str
) -> None:
    [reason] = refusals.of(_pod(spec, **container))
    assert named in reason


def test_a_usual_pod_is_not_refused() -> None:
    volumes = [{"name": "v", "emptyDir": {}}, {"name": "s", "secret": {"secretName": "s"}}]
    context = {"runAsNonRoot": True, "capabilities": {"drop": ["ALL"], "add": ["NET_BIND_SERVICE"]}}
    assert refusals.of(_pod({"volumes": volumes}, securityContext=context)) == []


@pytest.mark.parametrize(
    ("text", "value"), [("250m", 0.25), ("128Mi", 134217728), ("1", 1), ("1.5G", 1.5e9), (None, 0), (2, 2)]
)
def test_quantities_have_suffixes(text: Any, value: float) -> None:
    assert config.quantity(text) == value


def test_references_to_variables_are_expanded_and_unknown_ones_stay() -> None:
    assert config.expanded("$(A)/$(B) $$(A) $C", {"A": "1"}) == "1/$(B) $(A) $C"


def test_services_give_variables() -> None:
    found = config.service_variables({"my-db": {"address": "1.2.3.4", "ports": [{"port": 5432, "name": "sql"}]}})
    assert found["MY_DB_SERVICE_HOST"] == "1.2.3.4"
    assert found["MY_DB_SERVICE_PORT_SQL"] == "5432"
    assert found["MY_DB_PORT_5432_TCP"] == "tcp://1.2.3.4:5432"


@pytest.mark.parametrize(
    ("image", "repository", "policy"),
    [
        ("nginx", "nginx", "Always"),
        ("localhost:5000/a/b:1", "localhost:5000/a/b", "IfNotPresent"),
        ("r.example/a@sha256:" + "0" * 64, "r.example/a", "IfNotPresent"),
    ],
)
def test_image_names_are_taken_apart(image: str, repository: str, policy: str) -> None:
    assert (images.repository_of(image), images.default_policy(image)) == (repository, policy)


def _ended(code: int) -> dict[str, Any]:
    return {"terminated": {"exitCode": code}}


@pytest.mark.parametrize(
    ("policy", "states", "phase"),
    [
        ("Always", [{"running": {}}], "Running"),
        ("Always", [_ended(1)], "Running"),
        ("Never", [_ended(0)], "Succeeded"),
        ("Never", [_ended(0), _ended(3)], "Failed"),
        ("OnFailure", [_ended(3)], "Running"),
        ("OnFailure", [_ended(0)], "Succeeded"),
    ],
)
def test_the_phase_follows_from_the_containers(policy: str, states: list[dict[str, Any]], phase: str) -> None:
    containers = [Container({"name": str(n), "image": "x"}, attempt=0, state=s) for n, s in enumerate(states)]
    assert status.phase({"spec": {"restartPolicy": policy}}, containers) == phase


def test_a_pod_is_pending_until_its_init_containers_have_succeeded() -> None:
    init = Container({"name": "init", "image": "x"}, is_init=True, attempt=0, state={"running": {}})
    main = Container({"name": "main", "image": "x"})
    assert status.phase({"spec": {}}, [init, main]) == "Pending"
    init.state = _ended(1)
    assert status.phase({"spec": {"restartPolicy": "Never"}}, [init, main]) == "Failed"


def test_back_off_doubles_to_five_minutes() -> None:
    delays = [0.0]
    for _ in range(7):
        delays.append(status.next_delay(delays[-1]))
    assert delays[1:] == [10, 20, 40, 80, 160, 300, 300]
    assert status.shown_delay(80) == "1m20s"


@pytest.mark.parametrize(
    ("host", "path", "chosen"),
    [
        ("shop.test", "/", "host"),
        ("shop.test", "/api/x", "api"),
        ("shop.test", "/apix", "host"),
        ("shop.test", "/exact", "exact"),
        ("shop.test", "/exact/more", "host"),
        ("a.wild.test", "/", "wild"),
        ("a.b.wild.test", "/", None),
        ("other.test", "/", None),
    ],
)
def test_ingress_rules_prefer_exact_hosts_and_long_paths(host: str, path: str, chosen: str | None) -> None:
    rules = [
        {"host": "shop.test", "path": "/", "type": "Prefix", "backends": "host"},
        {"host": "shop.test", "path": "/api", "type": "Prefix", "backends": "api"},
        {"host": "shop.test", "path": "/exact", "type": "Exact", "backends": "exact"},
        {"host": "*.wild.test", "path": "/", "type": "Prefix", "backends": "wild"},
    ]
    found = _relay()["chosen"](rules, host, path)
    assert (found["backends"] if found else None) == chosen


def test_the_ingress_replaces_forwarded_headers_unless_it_is_told_to_trust_them() -> None:
    lines = [b"Host: shop.test", b"X-Forwarded-Proto: https", b"Connection: keep-alive"]
    rewritten = _relay()["rewritten"]
    own = rewritten(b"GET / HTTP/1.1", lines, "10.0.0.1", forwarded=False)
    trusted = rewritten(b"GET / HTTP/1.1", lines, "10.0.0.1", forwarded=True)
    assert b"x-forwarded-proto: http\r\n" in own
    assert b"x-forwarded-proto: https\r\n" in trusted
    assert own.endswith(b"Connection: close\r\n\r\n")


def test_the_ingress_passes_upgrades_on() -> None:
    lines = [b"Host: shop.test", b"Connection: Upgrade", b"Upgrade: websocket"]
    assert b"Upgrade: websocket" in _relay()["rewritten"](b"GET / HTTP/1.1", lines, "10.0.0.1", forwarded=False)


def test_names_of_services_and_the_search_list_meet() -> None:
    names = set(pod_containers.aliases("prod", "web"))
    for written in ("web", "web.prod", "web.prod.svc", "web.prod.svc.cluster.local"):
        assert names & {written, *(f"{written}.{domain}" for domain in pod_containers.search("prod"))}


def test_the_dictionary_of_spdy_has_the_length_that_the_protocol_gives() -> None:
    assert len(spdy.DICTIONARY) == 1423
