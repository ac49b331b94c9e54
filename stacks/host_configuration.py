"""The configuration of hosts: which files and variables they get, and what they run."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from aws_cdk import aws_secretsmanager as secretsmanager
from constructs import Construct

from products import host_files, names
from products.hosts import HostContainer
from slipway.composed_secret import SecretPart
from slipway.generated_secret import GeneratedSecret
from stacks.data import DataStack
from stacks.host_values import KEPT, HostValues, Json, registry, verify
from stacks.references import sources
from stacks.scope import EnvironmentScope

_GENERATED_LENGTH = 32
_WAIT = 120  # as Edenco documents: seconds until the containers are healthy
# Where the program that applies releases puts the password file of PostgreSQL's clients.
_PASSWORD_FILE = "/run/secrets/pgpass"  # noqa: S105 - the name of a file


class HostConfiguration:
    """The configuration that an environment's hosts read before each step: names of secrets, never their values."""

    secrets: list[str]
    """The ARNs, or ARN patterns, of the secrets that hosts read."""

    def __init__(self, scope: Construct, *, environment_scope: EnvironmentScope, data: DataStack) -> None:
        self._scope, self._environment = scope, environment_scope
        self._product, self._name = environment_scope.product, environment_scope.name
        domain = environment_scope.environment.edge.domain
        self._domain = domain.name if domain else None
        self._registry = registry(self._product)
        known = {
            **sources(environment_scope, data, site=self._domain or ""),
            "registry": (self._registry,),
            **{f"generated.{name}": (SecretPart(secret),) for name, secret in self._generate(scope).items()},
        }
        self._values = HostValues(scope, known)
        self._settings = self._define()
        self.secrets = self._values.secrets

    def _generate(self, scope: Construct) -> dict[str, secretsmanager.Secret]:
        inside = Construct(scope, "Generated")
        return {
            name: GeneratedSecret(
                inside,
                names.pascal(name.replace("_", "-")),
                description=f"generated.{name} of the hosts",
                length=_GENERATED_LENGTH,
                keep=self._environment.environment.keep_data,
            )
            for name in host_files.generated(self._product)
        }

    def settings(self) -> Json:
        """Returns the configuration as the program on the hosts reads it."""
        return self._settings

    def _define(self) -> Json:
        product, compose, entrance = self._product, self._product.compose, host_files.entrance(self._product)
        return {
            "project": product.name,
            "folder": f"/srv/{product.name}",
            "compose": [host_files.named(file, self._name) for file in compose.files] if compose else [],
            "profiles": list(compose.profiles) if compose else [],
            "rendered": None if compose else self._rendered(),
            "files": {
                file: [[name, self._values.resolved(value)] for name, value in variables.items()]
                for file, variables in host_files.files(product, self._name).items()
            },
            "pgpass": self._pgpass(),
            "registry": self._registry,
            "migration": self._migration(),
            "wait_seconds": _WAIT,
            "verify": verify(self._environment, entrance.port),
            "keep_releases": KEPT,
            "region": self._environment.environment.region,
            "environment": self._name,
        }

    def _migration(self) -> Json | None:
        migration = self._product.migration
        if migration is None:
            return None
        return {
            "service": host_files.migration_service(self._product),
            "command": list(migration.command),
            "timeout_seconds": migration.timeout_minutes * 60,
        }

    def _pgpass(self) -> list[list[Any]] | None:
        if not any(container.pgpass for container in self._product.containers.values()):
            return None
        host, port, database, user, password = (
            self._values.known(f"database.{key}") for key in ("host", "port", "name", "user", "password")
        )
        return [[*host, ":", *port, ":", *database, ":", *user, ":", *password]]

    def _rendered(self) -> Json:
        """Returns the containers as a compose file."""
        volumes: dict[str, Json] = {
            volume.partition(":")[0]: {}
            for container in self._product.containers.values()
            for volume in container.volumes
        }
        services = {name: self._service(name, part) for name, part in self._product.containers.items()}
        return {"services": services, **({"volumes": volumes} if volumes else {})}

    def _service(self, name: str, container: HostContainer) -> Json:
        optional: Mapping[str, Any] = {
            "command": [word.replace("$", "$$") for word in container.command or ()],
            "ports": list(container.ports),
            "volumes": list(container.volumes),
            "environment": {"PGPASSFILE": _PASSWORD_FILE} if container.pgpass else {},
        }
        return {
            "image": f"${{{host_files.image_variable(container.image)}}}",
            "container_name": host_files.container_name(self._product, self._name, name),
            "restart": "unless-stopped",
            "env_file": [host_files.container_file(name)],
            **{key: value for key, value in optional.items() if value},
        }
