"""Starts the containers of a pod: pulls images, creates, starts, and waits longer after each failure."""

from __future__ import annotations

import time
from typing import Any

from docker.errors import APIError, NotFound

from localcloud.kubernetes import images, pod_base, status
from localcloud.kubernetes.api import Json
from localcloud.kubernetes.config import ConfigError
from localcloud.kubernetes.events import NORMAL, WARNING, now
from localcloud.kubernetes.pod_base import Base
from localcloud.kubernetes.status import Container

SYMBOLS: tuple[str, ...] = pod_base.SYMBOLS

_RETRY_SECONDS = 2.0


class Starting(Base):
    """The part of a pod's runner that starts containers."""

    def _begin(self, container: Container) -> None:
        """Pulls the image, creates the container and starts it, or says why it has to wait."""
        if container.due > time.monotonic():
            self._show_backoff(container)
            return
        container.due = 0.0
        sandbox = self._sandbox
        if sandbox is None or not self._pulled(container):
            return
        attempt = container.attempt + 1
        try:
            found = self._containers.create(container.spec, attempt, sandbox, self._node.config(self.pod))
        except (ConfigError, APIError, NotFound) as error:
            is_config = isinstance(error, ConfigError)
            reason = "CreateContainerConfigError" if is_config else "CreateContainerError"
            container.wait(reason, str(error))
            container.due = time.monotonic() + _RETRY_SECONDS
            self._event(WARNING, "Failed", f"Error: {error}", container.name)
            return
        container.image_id = images.identity(found.image, container.spec["image"])
        if self._refuses_root(container, found):
            found.remove(force=True)
            return
        self._event(NORMAL, "Created", f"Created container: {container.name}", container.name)
        self._launch(container, found, attempt)

    def _launch(self, container: Container, found: Any, attempt: int) -> None:
        if "terminated" in container.state:
            container.last = container.state
        container.docker_id, container.attempt = found.id, attempt
        try:
            found.start()
        except APIError as error:
            message = str(error.explanation or error)
            container.state = {
                "terminated": {
                    "exitCode": 128,
                    "reason": "StartError",
                    "message": message,
                    "startedAt": now(),
                    "finishedAt": now(),
                    "containerID": f"docker://{found.id}",
                }
            }
            self._event(WARNING, "Failed", f"Error: {message}", container.name)
            container.due = time.monotonic() + container.delay
            container.delay = status.next_delay(container.delay)
            return
        found.reload()
        self._running(container, found)
        self._event(NORMAL, "Started", f"Started container {container.name}", container.name)
        self._containers.prune(container.name)

    def _refuses_root(self, container: Container, found: Any) -> bool:
        context = {
            **(self.pod["spec"].get("securityContext") or {}),
            **(container.spec.get("securityContext") or {}),
        }
        user = str(found.attrs["Config"].get("User") or "").partition(":")[0]
        if not context.get("runAsNonRoot") or user not in ("", "0", "root"):
            return False
        message = "container has runAsNonRoot and image will run as root"
        container.wait("CreateContainerConfigError", message)
        container.due = time.monotonic() + _RETRY_SECONDS * 5
        self._event(WARNING, "Failed", f"Error: {message}", container.name)
        return True

    def _show_backoff(self, container: Container) -> None:
        waiting = container.state.get("waiting", {}).get("reason")
        if waiting in ("ErrImagePull", "ImagePullBackOff"):
            if waiting == "ErrImagePull":
                image = container.spec["image"]
                container.wait("ImagePullBackOff", f'Back-off pulling image "{image}"')
                self._event(NORMAL, "BackOff", f'Back-off pulling image "{image}"', container.name)
        elif "terminated" in container.state:
            metadata = self.pod["metadata"]
            shown = status.shown_delay(container.due - time.monotonic())
            name = f"{metadata['name']}_{metadata['namespace']}({self.uid})"
            container.wait(
                "CrashLoopBackOff", f"back-off {shown} restarting failed container={container.name} pod={name}"
            )
            message = f"Back-off restarting failed container {container.name} in pod {name}"
            self._event(WARNING, "BackOff", message, container.name)

    def _pulled(self, container: Container) -> bool:
        image = container.spec["image"]
        policy = container.spec.get("imagePullPolicy") or images.default_policy(image)
        began = time.monotonic()
        try:
            was_pulled = self._node.puller.ensure(image, policy, self._pull_secrets())
        except images.PullError as error:
            container.wait(error.reason, str(error))
            container.delay = status.next_delay(container.delay)
            container.due = time.monotonic() + container.delay
            if error.reason == "ErrImagePull":
                self._event(WARNING, "Failed", f'Failed to pull image "{image}": {error}', container.name)
            self._event(WARNING, "Failed", f"Error: {error.reason}", container.name)
            return False
        took = time.monotonic() - began
        message = (
            f'Successfully pulled image "{image}" in {took:.3f}s'
            if was_pulled
            else f'Container image "{image}" already present on machine'
        )
        self._event(NORMAL, "Pulled", message, container.name)
        if container.attempt < 0:
            container.delay = 0.0
        return True

    def _pull_secrets(self) -> list[Json]:
        config = self._node.config(self.pod)
        named = self.pod["spec"].get("imagePullSecrets") or ()
        found = (config.find("secrets", entry["name"]) for entry in named if entry.get("name"))
        return [secret for secret in found if secret is not None]
