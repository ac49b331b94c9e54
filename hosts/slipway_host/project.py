"""`docker compose` for the files of one folder."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Sequence

from slipway_host.output import Failed
from slipway_host.programs import Programs, Result
from slipway_host.settings import Configuration

_CONFIG_SECONDS = 60
_PULL_SECONDS = 1200
_RECREATE_SECONDS = 300  # to stop the old containers, in addition to the time in which the new ones get healthy


class Project:
    """The compose project of an environment, with the files of `folder`: the configuration's, or those named here."""

    def __init__(
        self, programs: Programs, configuration: Configuration, folder: Path, pgpass: str, *files: str
    ) -> None:
        self._programs, self._configuration, self._folder = programs, configuration, folder
        self._environment = {"SLIPWAY_PGPASS": pgpass} if pgpass else {}
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

    def up(self) -> Result:
        """Replaces all containers and waits until they are healthy; the result may be an error."""
        wait = self._configuration.wait_seconds
        words = (
            "--detach",
            "--force-recreate",
            "--remove-orphans",
            "--no-build",
            "--wait",
            "--wait-timeout",
            str(wait),
        )
        return self._compose("up", *words, timeout=wait + _RECREATE_SECONDS)

    def run(self, service: str, name: str, command: Sequence[str], *options: str, timeout: float) -> Result:
        """Runs a command in a new container of a service, which is removed when it ends."""
        return self._compose("run", "--rm", "--no-TTY", "--name", name, *options, service, *command, timeout=timeout)

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
        return self._programs.run(line, timeout=timeout, environment=self._environment, apart=apart)
