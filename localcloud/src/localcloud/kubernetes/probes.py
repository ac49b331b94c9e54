"""Probes of containers: startup, readiness and liveness, by httpGet, tcpSocket and exec, as the kubelet runs them."""

from __future__ import annotations

import http.client
import socket
import ssl
import threading
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from concurrent.futures import TimeoutError as ProbeTimeoutError
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

import docker
from docker.errors import DockerException

_SHOWN_BYTES = 10 * 1024
_LEAST_SECONDS = 5.0  # a machine that is busy with a build and other pods is no fault of the pod


@dataclass(frozen=True)
class Probe:
    """A probe with Kubernetes' defaults."""

    kind: str
    """Startup, Readiness or Liveness."""
    action: Mapping[str, Any]
    delay: float
    period: float
    timeout: float
    successes: int
    failures: int


def of(container: Mapping[str, Any], kind: str) -> Probe | None:
    """Returns a container's probe: Startup, Readiness or Liveness; None if it has none."""
    given = container.get(f"{kind.lower()}Probe")
    if not given:
        return None
    return Probe(
        kind,
        given,
        float(given.get("initialDelaySeconds") or 0),
        float(given.get("periodSeconds") or 10),
        max(_LEAST_SECONDS, float(given.get("timeoutSeconds") or 1)),
        int(given.get("successThreshold") or 1),
        int(given.get("failureThreshold") or 3),
    )


def port_of(container: Mapping[str, Any], port: Any) -> int:
    """Returns the number of a port that is given by number or by name."""
    if isinstance(port, int) or str(port).isdigit():
        return int(port)
    return next((int(p["containerPort"]) for p in container.get("ports") or () if p.get("name") == port), 0)


def run(probe: Probe, container: Mapping[str, Any], docker_id: str, address: str) -> str:
    """Runs a probe once; returns why it failed, in the kubelet's words, or an empty text."""
    if "exec" in probe.action:
        return _exec(docker_id, list(probe.action["exec"].get("command") or ()), probe.timeout)
    if "tcpSocket" in probe.action:
        given = probe.action["tcpSocket"]
        return _tcp(given.get("host") or address, port_of(container, given["port"]), probe.timeout)
    given = probe.action["httpGet"]
    return http_get(given, given.get("host") or address, port_of(container, given["port"]), probe.timeout)


def _tcp(host: str, port: int, timeout: float) -> str:
    try:
        socket.create_connection((host, port), timeout).close()
    except OSError as error:
        return f"dial tcp {host}:{port}: {error.strerror or error}"
    return ""


def http_get(given: Mapping[str, Any], host: str, port: int, timeout: float) -> str:
    """Returns why a GET failed; empty if its answer has a status from 200 to 399."""
    path = given.get("path") or "/"
    secure = str(given.get("scheme", "HTTP")).upper() == "HTTPS"
    headers = {entry["name"]: entry["value"] for entry in given.get("httpHeaders") or ()}
    connection = (
        http.client.HTTPSConnection(host, port, timeout=timeout, context=ssl._create_unverified_context())  # noqa: S323 - probes verify no certificate
        if secure
        else http.client.HTTPConnection(host, port, timeout=timeout)
    )
    try:
        connection.request("GET", path, headers={"User-Agent": "kube-probe/1.34", "Accept": "*/*", **headers})
        status = connection.getresponse().status
    except TimeoutError:
        return f'Get "http://{host}:{port}{path}": context deadline exceeded (Client.Timeout exceeded)'
    except (OSError, http.client.HTTPException) as error:
        return f'Get "http://{host}:{port}{path}": dial tcp {host}:{port}: {getattr(error, "strerror", "") or error}'
    finally:
        connection.close()
    if HTTPStatus.OK <= status < HTTPStatus.BAD_REQUEST:
        return ""
    return f"HTTP probe failed with statuscode: {status}"


def _exec(docker_id: str, command: list[str], timeout: float) -> str:
    pool = ThreadPoolExecutor(max_workers=1)
    try:
        done = pool.submit(exec_in, docker_id, command).result(timeout)
    except ProbeTimeoutError:
        return f'command "{" ".join(command)}" timed out'
    except DockerException as error:
        return str(error)
    finally:
        pool.shutdown(wait=False)
    code, output = done
    return "" if code == 0 else output[:_SHOWN_BYTES].decode(errors="replace").strip() or f"exit code {code}"


def exec_in(docker_id: str, command: list[str]) -> tuple[int, bytes]:
    """Runs a command in a container; returns its exit code and its output."""
    done: Any = docker.from_env(timeout=60).containers.get(docker_id).exec_run(command)
    return int(done.exit_code or 0), bytes(done.output or b"")


class Prober(threading.Thread):
    """Runs one probe of one container again and again.

    It reports True or False when a result passes its threshold, and None with the failure before that.
    """

    def __init__(
        self, probe: Probe, check: Callable[[Probe], str], report: Callable[[Probe, bool | None, str], None]
    ) -> None:
        super().__init__(daemon=True, name=f"localcloud-probe-{probe.kind.lower()}")
        self._probe, self._check, self._report = probe, check, report
        self._stopped = threading.Event()

    def stop(self) -> None:
        """Ends it; a probe that runs now is not reported any more."""
        self._stopped.set()

    def run(self) -> None:
        """Probes until `stop`."""
        probe, in_a_row, last = self._probe, 0, None
        self._stopped.wait(probe.delay)
        while not self._stopped.is_set():
            failure = self._check(probe)
            if self._stopped.is_set():
                return
            good = not failure
            in_a_row = in_a_row + 1 if last is good else 1
            last = good
            if good and in_a_row >= probe.successes:
                self._report(probe, True, "")
                if probe.kind == "Startup":
                    return
            elif not good:
                self._report(probe, False if in_a_row >= probe.failures else None, failure)
                if in_a_row >= probe.failures and probe.kind != "Readiness":
                    return
            self._stopped.wait(probe.period)
