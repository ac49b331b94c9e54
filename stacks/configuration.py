"""Resolves the environment variables of containers: references become values, or secrets of the container."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from aws_cdk import aws_ecs as ecs
from aws_cdk import aws_secretsmanager as secretsmanager
from constructs import Construct

from products import names
from products.values import Value
from products.variables import containers, site_is_released
from slipway.composed_secret import ComposedSecret, Part, SecretPart
from slipway.release import ReleaseParameters
from stacks.data import DataStack
from stacks.references import resolved, sources
from stacks.scope import EnvironmentScope


@dataclass(frozen=True)
class ContainerVariables:
    """The environment variables of a container."""

    plain: Mapping[str, str]
    secrets: Mapping[str, ecs.Secret]


class Configuration:
    """The environment variables of an environment's containers.

    A value that contains a secret is a secret of its own, which all containers with the same value share. A new value
    is another secret: so it starts new tasks, and a rollback finds the old one.
    """

    composed: Sequence[ComposedSecret]
    """The secrets that were composed for the containers, and the database's URL."""

    def __init__(
        self, scope: Construct, *, environment_scope: EnvironmentScope, data: DataStack, release: ReleaseParameters
    ) -> None:
        self._scope, self._data = environment_scope, data
        product, environment = environment_scope.product, environment_scope.name
        self._containers = containers(product, environment)
        self._site = self._define_site(release)
        self._known = {
            **sources(environment_scope, data, site=self._site),
            "release.version": (release.version,),
        }
        self._existing = {
            variable: ecs.Secret.from_secrets_manager(
                secretsmanager.Secret.from_secret_name_v2(scope, f"Secret{variable}", secret.name), secret.key
            )
            for variable, secret in product.secrets.items()
        }
        self._composed = self._compose(scope)
        self.composed = (*([data.database.url] if data.database else []), *self._composed.values())

    def of(self, container: str, *, image: str) -> ContainerVariables:
        """Returns the variables of a service, a schedule or products.variables.MIGRATION, whose image has this URI."""
        plain: dict[str, str] = {}
        secrets: dict[str, ecs.Secret] = {}
        for name, value in self._containers[container].items():
            if value.secret:
                secrets[name] = self._secret(value)
            else:
                plain[name] = "".join(str(part) for part in self._parts(value, image))
        return ContainerVariables(plain, {**secrets, **self._existing})

    def _define_site(self, release: ReleaseParameters) -> str:
        """Returns the site's domain name, and defines its parameter if only a later stack knows it."""
        product, environment = self._scope.product, self._scope.name
        domain = self._scope.environment.edge.domain
        if domain:
            return domain.name
        if not site_is_released(product, environment):
            return ""
        services, edge = (names.stack(environment, product.name, stack) for stack in ("services", "edge"))
        return release.site(
            names.SITE_PARAMETER,
            f"Add: --parameters {services}:{names.SITE_PARAMETER}=NAME, once. "
            f"NAME is the output {names.SITE_OUTPUT} of {edge}",
        )

    def _secret(self, value: Value) -> ecs.Secret:
        if str(value) in self._composed:
            return ecs.Secret.from_secrets_manager(self._composed[str(value)])
        if self._data.database and _is_database_url(value):
            return ecs.Secret.from_secrets_manager(self._data.database.url)
        (part,) = self._parts(value, "")
        assert isinstance(part, SecretPart)  # noqa: S101 - for mypy: `_compose` has composed all other values
        return ecs.Secret.from_secrets_manager(part.secret, part.key)

    def _compose(self, scope: Construct) -> dict[str, ComposedSecret]:
        """Define a secret for each secret value that no existing secret has."""
        used: dict[str, set[str]] = {}
        values: dict[str, Value] = {}
        for variables in self._containers.values():
            for name, value in variables.items():
                if value.secret and not self._exists(value):
                    values[str(value)] = value
                    used.setdefault(str(value), set()).add(name)
        inside = Construct(scope, "Composed")
        return {
            text: self._define(inside, values[text], f"{', '.join(sorted(used[text]))} of the containers")
            for text in sorted(values)
        }

    def _define(self, scope: Construct, value: Value, description: str) -> ComposedSecret:
        construct_id = _construct_id(value)
        secret = ComposedSecret(
            scope,
            construct_id,
            description=description,
            parts=self._parts(value, ""),
            keep=False,  # whoever deploys again composes it again
        )
        resource = secret.node.default_child
        assert isinstance(resource, secretsmanager.CfnSecret)  # noqa: S101 - for mypy: the L1 of the L2
        resource.override_logical_id(f"Composed{construct_id}")  # the id ends with a hash already
        return secret

    def _exists(self, value: Value) -> bool:
        """True if a secret of the Data stack has exactly this value."""
        return value.only is not None and (_is_database_url(value) or len(self._parts(value, "")) == 1)

    def _parts(self, value: Value, image: str) -> list[Part]:
        return resolved(value, {**self._known, "release.image": (image,)})


def _is_database_url(value: Value) -> bool:
    return value.only is not None and value.only.name == "database.url"


def _construct_id(value: Value) -> str:
    """Returns an id that depends on the value only, and begins with its references, e.g. CacheUrl0F1E2D3C."""
    words = "-".join(reference.name for reference in value.references if reference.secret)
    digest = hashlib.sha256(str(value).encode()).hexdigest()[:8]
    return names.pascal(words.replace(".", "-").replace("_", "-")) + digest.upper()
