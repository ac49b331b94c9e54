"""Runs one pod: what a kubelet does from the moment in which the pod is bound to its node until it is gone."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from docker.errors import APIError, DockerException, NotFound

from localcloud.kubernetes import images, pod_base, pod_containers, probes, refusals, status
from localcloud.kubernetes.api import ApiError, Json
from localcloud.kubernetes.config import ConfigError
from localcloud.kubernetes.events import NORMAL, WARNING
from localcloud.kubernetes.pod_starting import Starting
from localcloud.kubernetes.status import Container

SYMBOLS: tuple[str, ...] = pod_base.SYMBOLS

_POLL_SECONDS = 2.0
_RESET_SECONDS = 600  # a container that ran this long starts again without back-off, as the kubelet's do
logger = logging.getLogger("localcloud")


class Pod(Starting):
    """The runner of one pod."""

    # --- from outside ------------------------------------------------------------------------------------------------

    def update(self, pod: Json) -> None:
        """Takes the pod's newest version."""
        self.pod = self._containers.pod = pod
        self._wake.set()

    def gone(self) -> None:
        """Says that the pod was deleted at the API server."""
        self._is_gone = True
        self._wake.set()

    def wake(self) -> None:
        """Looks at the containers at once: one of them ended."""
        self._wake.set()

    def abandon(self) -> None:
        """Ends the runner and leaves the containers alone; another runner can take them over."""
        self._abandoned = True
        self._stop_probers()
        self._wake.set()

    def container(self, name: str) -> Container | None:
        """Returns a container by its name."""
        return next((container for container in self.containers if container.name == name), None)

    def attempts(self, name: str) -> list[Any]:
        """Returns the Docker containers of a container, the newest first."""
        return self._containers.find(name)

    # --- the loop ----------------------------------------------------------------------------------------------------

    def run(self) -> None:
        """Runs the pod until it is gone."""
        try:
            self._adopt()
        except DockerException as error:
            logger.warning("pod %s: %s", self.pod["metadata"]["name"], error)
        while not self._abandoned:
            self._wake.clear()
            try:
                if self._is_gone or self.pod["metadata"].get("deletionTimestamp"):
                    self._terminate()
                    return
                self._step()
            except (DockerException, ApiError, OSError) as error:
                logger.warning("pod %s: %s", self.pod["metadata"]["name"], error)
            except Exception:
                logger.exception("pod %s", self.pod["metadata"]["name"])
            self._wake.wait(self._pause())

    def _pause(self) -> float:
        due = [c.due - time.monotonic() for c in self.containers if c.due and not c.is_running]
        return max(0.05, min([_POLL_SECONDS, *(seconds for seconds in due if seconds > 0)]))

    def _adopt(self) -> None:
        """Finds the containers of an earlier runner of this pod."""
        self._sandbox = self._containers.sandbox()
        self._is_filled = self._sandbox is not None
        for container in self.containers:
            attempts = self._containers.find(container.name)
            if attempts:
                found = attempts[0]
                container.docker_id, container.attempt = found.id, int(found.labels[pod_containers.ATTEMPT_LABEL])
                container.image_id = images.identity(found.image, container.spec["image"])
                if found.status == "running":
                    self._running(container, found)

    def _step(self) -> None:
        if self._phase() in ("Succeeded", "Failed"):
            self._publish()
            return
        reasons = refusals.of(self.pod)
        if reasons:
            for container in self.containers:
                container.wait("CreateContainerConfigError", "; ".join(reasons))
            if not self._written:
                self._event(WARNING, "Unsupported", "; ".join(reasons))
            self._publish()
            return
        self._notice_ends()
        if self._ready_to_run():
            self._advance()
        self._publish()

    # --- sandbox -----------------------------------------------------------------------------------------------------

    def _ready_to_run(self) -> bool:
        """Makes sure that the sandbox runs and its volumes are filled."""
        if self._sandbox is not None:
            try:
                container = self._containers.get(self._sandbox.docker_id)
            except NotFound:
                container = None
            if container is None or container.status != "running":
                self._event(NORMAL, "SandboxChanged", "Pod sandbox changed, it will be killed and re-created.")
                self._stop_probers()
                self._containers.remove()
                self._sandbox, self._is_filled = None, False
                for own in self.containers:
                    own.wait("ContainerCreating")
        if self._sandbox is None:
            try:
                self._sandbox = self._containers.create_sandbox(max(c.attempt for c in self.containers) + 1)
            except (APIError, NotFound) as error:
                self._event(WARNING, "FailedCreatePodSandBox", f"Failed to create pod sandbox: {error}")
                return False
        if not self._is_filled:
            try:
                self._containers.fill(self._sandbox, self._node.config(self.pod))
            except ConfigError as error:
                self._event(WARNING, "FailedMount", f"MountVolume.SetUp failed: {error}")
                return False
            self._is_filled = True
        return True

    # --- containers --------------------------------------------------------------------------------------------------

    def _notice_ends(self) -> None:
        for container in self.containers:
            if not container.is_running:
                continue
            try:
                found = self._containers.get(container.docker_id)
            except NotFound:
                container.wait("ContainerCreating")
                continue
            if found.status == "running":
                if container.kill_reason:
                    self._kill(container, found)
                continue
            self._ended(container, found)

    def _ended(self, container: Container, found: Any) -> None:
        self._stop_probers(container.name)
        ended = status.ended(found.attrs["State"], found.id)
        began = container.state.get("running", {}).get("startedAt", "")
        container.state, container.started, container.ready = ended, False, False
        policy = self.pod["spec"].get("restartPolicy", "Always")
        restarts = policy == "Always" and not container.is_init
        if container.has_succeeded and not restarts:
            return
        ran = _age(began)
        container.delay = 10.0 if ran >= _RESET_SECONDS else container.delay
        # The first restart comes at once; the back-off counts from the second on.
        container.due = time.monotonic() + (container.delay if container.attempt > 0 else 0)
        container.delay = status.next_delay(container.delay)

    def _kill(self, container: Container, found: Any) -> None:
        reason = f"Container {container.name} failed {container.kill_reason} probe, will be restarted"
        container.kill_reason = ""
        self._event(NORMAL, "Killing", reason, container.name)
        self._stop_probers(container.name)
        self._stop(container, found, self._grace())
        found.reload()
        self._ended(container, found)

    def _advance(self) -> None:
        """Starts what can start: the first init container that has not succeeded, or else the others."""
        pending = next((c for c in self.containers if c.is_init and not c.has_succeeded), None)
        policy = self.pod["spec"].get("restartPolicy", "Always")
        if pending is not None:
            if not pending.is_running and not (policy == "Never" and pending.ended):
                self._begin(pending)
            return
        for container in self.containers:
            over = container.ended is not None and (
                policy == "Never" or (policy == "OnFailure" and container.has_succeeded)
            )
            if not container.is_init and not container.is_running and not over:
                self._begin(container)

    # --- the end -----------------------------------------------------------------------------------------------------

    def _terminate(self) -> None:
        """Ends the pod: no new requests, preStop, SIGTERM, SIGKILL after the grace period, and no trace is left."""
        self._stop_probers()
        wanted = self.pod["metadata"].get("deletionGracePeriodSeconds")
        grace = self._grace() if wanted is None else int(wanted)
        running = [container for container in self.containers if container.is_running]
        if running and self._sandbox is not None:
            self._node.withdraw(self._sandbox.address)
        with ThreadPoolExecutor(max_workers=max(1, len(running))) as pool:
            list(pool.map(lambda container: self._end(container, grace), running))
        if not self._is_gone:
            self._publish(is_over=True)
        self._containers.remove()
        metadata = self.pod["metadata"]
        if not self._is_gone:
            body = {"kind": "DeleteOptions", "apiVersion": "v1", "gracePeriodSeconds": 0}
            body["preconditions"] = {"uid": self.uid}
            try:
                self._node.api.delete(f"/api/v1/namespaces/{metadata['namespace']}/pods/{metadata['name']}", body)
            except ApiError as error:
                logger.warning("pod %s: %s", metadata["name"], error)
        self._node.forget(self.uid)

    def _end(self, container: Container, grace: int) -> None:
        try:
            found = self._containers.get(container.docker_id)
            self._event(NORMAL, "Killing", f"Stopping container {container.name}", container.name)
            self._stop(container, found, grace)
            found.reload()
            container.state, container.ready = status.ended(found.attrs["State"], found.id), False
        except (NotFound, APIError) as error:
            logger.debug("container %s: %s", container.name, error)

    def _stop(self, container: Container, found: Any, grace: int) -> None:
        began = time.monotonic()
        hook = (container.spec.get("lifecycle") or {}).get("preStop")
        if hook:
            self._hook(container, hook, grace)
        found.stop(timeout=max(1, int(grace - (time.monotonic() - began))) if grace else 0)

    def _hook(self, container: Container, hook: Mapping[str, Any], grace: int) -> None:
        failure: list[str] = []

        def run() -> None:
            if "sleep" in hook:
                time.sleep(float(hook["sleep"]["seconds"]))
                return
            probe = probes.Probe("PreStop", hook, 0, 0, grace, 1, 1)
            address = self._sandbox.address if self._sandbox else ""
            failure.append(probes.run(probe, container.spec, container.docker_id, address))

        thread = threading.Thread(target=run, daemon=True, name="localcloud-prestop")
        thread.start()
        thread.join(grace)
        if failure and failure[0]:
            self._event(WARNING, "FailedPreStopHook", f"PreStopHook failed: {failure[0]}", container.name)

    # --- status ------------------------------------------------------------------------------------------------------

    def _publish(self, *, is_over: bool = False) -> None:
        """Writes the status if it has changed."""
        address = self._sandbox.address if self._sandbox else ""
        with self._lock:
            known = [*((self.pod.get("status") or {}).get("conditions") or ()), *self._written.get("conditions", ())]
            addresses = (self._node.address, address)
            made = status.of(self.pod, self.containers, addresses, self._since, known, is_over=is_over)
            if made == self._written or self._phase() in ("Succeeded", "Failed"):
                return
            metadata = self.pod["metadata"]
            path = f"/api/v1/namespaces/{metadata['namespace']}/pods/{metadata['name']}/status"
            self._node.api.patch(path, {"metadata": {"uid": self.uid}, "status": made})
            self._written = made


def _age(began: str) -> float:
    try:
        return time.time() - time.mktime(time.strptime(began, "%Y-%m-%dT%H:%M:%SZ")) + time.timezone
    except ValueError:
        return 0.0
