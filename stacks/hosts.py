"""The Hosts stack: virtual machines with Docker Compose."""

from __future__ import annotations

from products import host_files
from stacks.data import DataStack
from stacks.host_configuration import HostConfiguration
from stacks.host_values import Configuration
from stacks.machines import MachinesStack
from stacks.scope import EnvironmentScope


class HostsStack(MachinesStack):
    """The hosts of one environment, with Docker Compose."""

    DESCRIPTION = "Hosts: machines, disks, releases"
    SYSTEM = "docker"
    OPERATING_SYSTEM = "amazon-linux"

    def entrance(self, environment_scope: EnvironmentScope) -> host_files.Entrance:
        """Returns where the proxy answers."""
        return host_files.entrance(environment_scope.product)

    def configuration(self, environment_scope: EnvironmentScope, data: DataStack) -> Configuration:
        """Define the generated secrets, and return which files and variables the hosts get."""
        return HostConfiguration(self, environment_scope=environment_scope, data=data)
