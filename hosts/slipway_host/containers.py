"""The containers of a compose project, as the Docker daemon describes them."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from slipway_host.output import Failed
from slipway_host.programs import Programs, Result

_SECONDS = 60
_LINES = 30  # of a container's log that a failure shows


@dataclass(frozen=True)
class Container:
    """A container of a service."""

    id: str
    name: str
    service: str
    image: str
    """As the compose files name it: an image of a release by digest."""
    status: str
    code: int
    health: str
    """Empty without a health check."""
    checked: str
    """The output of the last health check."""
    ports: tuple[str, ...]
    pgpass: str
    """The value of its variable PGPASSFILE."""

    @property
    def trouble(self) -> str:
        """Returns the fault of the container; empty if it runs, or has ended with 0."""
        if self.status == "exited" and self.code == 0:
            return ""
        if self.status != "running":
            return f"is {self.status}, exit code {self.code}"
        return "" if self.health in ("", "healthy") else f"is {self.health}"

    @property
    def digest(self) -> str:
        """The digest of its image, or the whole name of one that is not named by digest."""
        return self.image.partition("@")[2] or self.image


class Daemon:
    """The Docker daemon of this host, for one compose project."""

    def __init__(self, programs: Programs, project: str) -> None:
        self._programs, self._project = programs, project

    def ask(self, *words: str, timeout: float = _SECONDS) -> str:
        """Returns what a command of docker prints.

        Raises:
            Failed: if it ends with an error.
        """
        done = self._programs.run(("docker", *words), timeout=timeout, apart=True)
        if done.code:
            raise Failed(f"'docker {' '.join(words[:2])}' failed: {done.lines[len(done.out) :].strip()}")
        return done.out

    def containers(self) -> list[Container]:
        """Returns the containers of the project's services."""
        label = f"label=com.docker.compose.project={self._project}"
        ids = self.ask("ps", "--all", "--quiet", "--no-trunc", "--filter", label).split()
        if not ids:
            return []
        found = [_container(described) for described in json.loads(self.ask("inspect", "--type", "container", *ids))]
        return sorted((container for container in found if container is not None), key=lambda container: container.name)

    def put(self, container: Container, packed: bytes) -> None:
        """Unpacks a tar archive into a container, with its owners and modes."""
        done = self._programs.run(("docker", "cp", "-", f"{container.id}:/"), timeout=_SECONDS, given=packed)
        if done.code:
            raise Failed(f"a file cannot be put into {container.name}: {done.tail(3)}")

    def follow(self, container: Container, timeout: float) -> Result:
        """Starts a container and waits until it ends; the result has its output and exit code."""
        return self._programs.run(("docker", "start", "--attach", container.id), timeout=timeout)

    def remove(self, container: Container) -> None:
        """Removes a container and its anonymous volumes, even while it runs."""
        self._programs.run(("docker", "rm", "--force", "--volumes", container.id), timeout=_SECONDS)

    def log(self, container: Container) -> str:
        """Returns the end of a container's log."""
        done = self._programs.run(("docker", "logs", "--tail", str(_LINES), container.id), timeout=_SECONDS)
        return done.tail(_LINES)

    def login(self, registry: str, password: str) -> None:
        """Lets docker pull from the registry; the password is not an argument, which others could read."""
        words = ("docker", "login", "--username", "AWS", "--password-stdin", registry)
        done = self._programs.run(words, timeout=_SECONDS, given=password.encode())
        if done.code:
            raise Failed(f"the registry {registry} refused the login: {done.tail(3)}")

    def user(self, image: str) -> tuple[str, str]:
        """Returns the numbers of the user and group that an image runs as."""
        named = self.ask("image", "inspect", "--format", "{{.Config.User}}", image).strip()
        user, _, group = named.partition(":")
        if not user or user.isdigit():
            return user or "0", group if group.isdigit() else user or "0"
        asked = ("run", "--rm", "--network", "none", "--entrypoint", "id", image)
        return self.ask(*asked, "-u").strip(), self.ask(*asked, "-g").strip()

    def remove_images(self, registry: str, kept: set[str]) -> list[str]:
        """Removes the registry's images except these digests; returns those that are gone. Errors are no failure."""
        listed = self.ask("image", "ls", "--no-trunc", "--digests", "--format", "{{.Repository}} {{.Digest}}")
        gone = []
        for line in sorted(set(listed.splitlines())):
            repository, _, digest = line.partition(" ")
            if repository.startswith(f"{registry}/") and digest.startswith("sha256:") and digest not in kept:
                image = f"{repository}@{digest}"
                if not self._programs.run(("docker", "image", "rm", image), timeout=_SECONDS).code:
                    gone.append(image)
        return gone


def _container(described: dict[str, Any]) -> Container | None:
    labels, state = described["Config"].get("Labels") or {}, described["State"]
    if labels.get("com.docker.compose.oneoff") == "True":
        return None
    health = state.get("Health") or {}
    log = health.get("Log") or [{}]
    bindings = (described.get("HostConfig") or {}).get("PortBindings") or {}
    return Container(
        described["Id"],
        described["Name"].lstrip("/"),
        labels.get("com.docker.compose.service", ""),
        described["Config"]["Image"],
        state["Status"],
        int(state.get("ExitCode", 0)),
        "" if health.get("Status") in (None, "none") else str(health["Status"]),
        str(log[-1].get("Output") or "").strip(),
        tuple(sorted(str(bound.get("HostPort")) for bounds in bindings.values() for bound in bounds or [])),
        next((line[11:] for line in described["Config"].get("Env") or [] if line.startswith("PGPASSFILE=")), ""),
    )
