"""The parts that a step of the program works with."""

from __future__ import annotations

from dataclasses import dataclass

from slipway_host.containers import Daemon
from slipway_host.folder import Folder
from slipway_host.output import Output
from slipway_host.programs import Programs
from slipway_host.project import Project
from slipway_host.release import Store
from slipway_host.settings import Configuration
from slipway_host.state import Memory


@dataclass(frozen=True)
class Host:
    """One host, for one step."""

    configuration: Configuration
    programs: Programs
    daemon: Daemon
    store: Store
    memory: Memory
    output: Output

    def project(self, folder: Folder, *files: str) -> Project:
        """Returns the compose project with the files of a folder."""
        return Project(self.programs, self.configuration, folder.path, *files)
