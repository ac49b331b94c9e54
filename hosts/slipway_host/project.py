"""`docker compose` for the files of one folder."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Callable, Sequence

from slipway_host.output import Failed
from slipway_host.programs import Programs, Result
from slipway_host.settings import Configuration

_CONFIG_SECONDS = 60
_PULL_SECONDS = 1200
_RECREATE_SECONDS = 300  # to stop the old containers, in addition to the time in which the new ones get healthy


class Project:
    """The compose project of an environment, with the files of `folder`: the configuration's, or those named here."""

    def __init__(self, programs: Programs, configuration: Configuration, folder: Path, *files: str) -> None:
        self._programs, self._configuration, self._folder = programs, configuration, folder
        self._files = files or configuration.compose

    def resolved(self) -> dict[str, Any]:
        """Returns the project as compose understands it; it holds the secrets of the env files.

        Raises:
            Failed: if compose refuses the files.
        """
        done = self._compose("config", "--format", "json", timeout=_CONFIG_SECONDS, apart=True)
        if done.code:
            raise Failed(f"docker compose refuses the files of this release: {done.lines[len(done.out) :].strip()}")
        found: dict[str, Any] = json.loads(done.out)
        return found

    def pull(self) -> None:
        """Pulls the images that are not here yet.

        Raises:
            Failed: if one cannot be pulled.
        """
        done = self._compose("pull", "--quiet", "--policy", "missing", timeout=_PULL_SECONDS)
        if done.code:
            raise Failed(f"an image cannot be pulled: {done.tail(5)}")

    def up(self, prepare: Callable[[], None] | None = None) -> Result:
        """Replaces all containers and waits until they are healthy; the result may be an error.

        `prepare` is called between the creation of the new containers and their start.
        """
        replacing = ("--force-recreate", "--remove-orphans", "--no-build")
        if prepare is None:
            return self._up(*replacing)
        created = self._compose("up", "--no-start", *replacing, timeout=_RECREATE_SECONDS)
        if created.code:
            return created
        prepare()
        return self._up("--no-build")

    def start(self, services: Sequence[str]) -> Result:
        """Starts some services and waits until they are healthy."""
        return self._up("--no-build", services=services)

    def create(self, service: str) -> Result:
        """Creates the container of a service, without starting it or others."""
        return self._compose("create", "--force-recreate", "--no-build", service, timeout=_RECREATE_SECONDS)

    def _up(self, *options: str, services: Sequence[str] = ()) -> Result:
        wait = self._configuration.wait_seconds
        words = ("--detach", *options, "--wait", "--wait-timeout", str(wait), *services)
        return self._compose("up", *words, timeout=wait + _RECREATE_SECONDS)

    def _compose(self, *words: str, timeout: float, apart: bool = False) -> Result:
        settings, folder = self._configuration, self._folder
        options = ["--ansi", "never", "--project-name", settings.project, "--project-directory", str(folder)]
        if (folder / ".env").is_file():
            options += ["--env-file", str(folder / ".env")]
        for file in self._files:
            options += ["--file", str(folder / file)]
        for profile in settings.profiles:
            options += ["--profile", profile]
        line = ("docker", "compose", *options, *words)
        return self._programs.run(line, timeout=timeout, apart=apart)
