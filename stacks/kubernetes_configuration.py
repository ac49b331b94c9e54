"""The configuration of a cluster: the objects that a release applies, and the variables of their pods."""

from __future__ import annotations

from constructs import Construct

from products import host_files, kubernetes_files, kubernetes_release
from stacks.data import DataStack
from stacks.host_values import KEPT, HostValues, Json, registry, verify
from stacks.references import sources
from stacks.scope import EnvironmentScope


class KubernetesConfiguration:
    """The configuration that a host or a function reads before each step: names of secrets, never their values."""

    secrets: list[str]
    """The ARNs, or ARN patterns, of the secrets that the host reads."""

    def __init__(self, scope: Construct, *, environment_scope: EnvironmentScope, data: DataStack) -> None:
        product, name = environment_scope.product, environment_scope.name
        self._environment = environment_scope
        domain = environment_scope.environment.edge.domain
        known = sources(environment_scope, data, site=domain.name if domain else "")
        self._image = kubernetes_files.image(product, name)
        values = HostValues(scope, known, own_image=self._image)
        config, secret = kubernetes_files.variables(product, name)
        self._variables = {
            "config": [[name, values.resolved(value)] for name, value in config.items()],
            "secrets": [[name, values.resolved(value)] for name, value in secret.items()],
        }
        self.secrets = values.secrets

    def settings(self) -> Json:
        """Returns the configuration as the program on the host reads it."""
        product, name = self._environment.product, self._environment.name
        cluster, migration = kubernetes_files.settings(product, name), product.migration
        return {
            "target": "kubernetes",
            "folder": f"/srv/{product.name}",
            "objects": kubernetes_release.objects(name),
            "namespace": cluster.namespace,
            "deployment": cluster.deployment,
            "container": cluster.container,
            "image": self._image,
            "config_map": cluster.config_map_name,
            "secret": cluster.secret_name,
            **self._variables,
            "registry": registry(product) if cluster.machines else "",  # nodes of EKS pull with their role
            "migration": {"command": list(migration.command), "timeout_seconds": migration.timeout_minutes * 60}
            if migration
            else None,
            "rollout_seconds": cluster.rollout_seconds,
            "verify": verify(self._environment, host_files.INGRESS_PORT) if cluster.machines else None,
            "keep_releases": KEPT,
        }
