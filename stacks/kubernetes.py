"""The Kubernetes stack with MicroK8s: one virtual machine with a cluster."""

from __future__ import annotations

from products import host_files, kubernetes_files
from stacks.data import DataStack
from stacks.host_values import Configuration
from stacks.kubernetes_configuration import KubernetesConfiguration
from stacks.machines import LEAST_MINUTES, MachinesStack
from stacks.scope import EnvironmentScope


class KubernetesStack(MachinesStack):
    """The cluster of one environment: MicroK8s on one host, whose Ingress answers the load balancer."""

    DESCRIPTION = "Kubernetes: MicroK8s on one host, disks, releases"
    SYSTEM = "microk8s"
    OPERATING_SYSTEM = "ubuntu"
    FOLDERS = "/snap/bin"

    def entrance(self, environment_scope: EnvironmentScope) -> host_files.Entrance:
        """Returns where the Ingress answers."""
        return kubernetes_files.entrance(environment_scope.product, environment_scope.name)

    def configuration(self, environment_scope: EnvironmentScope, data: DataStack) -> Configuration:
        """Returns what the cluster runs, and the variables of its pods."""
        return KubernetesConfiguration(self, environment_scope=environment_scope, data=data)

    def step_minutes(self, environment_scope: EnvironmentScope) -> int:
        """Returns the minutes of two rollouts, the second of which undoes the first."""
        settings = kubernetes_files.settings(environment_scope.product, environment_scope.name)
        return max(LEAST_MINUTES, 2 * settings.rollout_seconds // 60 + 10)
