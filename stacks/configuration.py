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
from slipway.cache import PORT as CACHE_PORT
from slipway.composed_secret import ComposedSecret, Part, SecretPart
from slipway.database import PORT as DATABASE_PORT
from slipway.release import ReleaseParameters
from stacks.data import DataStack
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
        self._scope, self._data, self._version = environment_scope, data, release.version
        product, environment = environment_scope.product, environment_scope.name
        self._containers = containers(product, environment)
        self._site = self._define_site(release)
        self._known = self._sources()
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
        known = {**self._known, "release.image": (image,)}
        parts: list[Part] = []
        for source in value.parts:
            for part in [source] if isinstance(source, str) else known[source.name]:
                if isinstance(part, str) and parts and isinstance(parts[-1], str):
                    parts[-1] += part
                else:
                    parts.append(part)
        return parts

    def _sources(self) -> dict[str, Sequence[Part]]:
        """Returns the values of all references, except for those that a release or a container decides."""
        database, cache, media = self._data.database, self._data.cache, self._data.media
        sources: dict[str, Sequence[Part]] = {
            "secret_key": (SecretPart(self._data.secret_key),),
            "site.url": (f"https://{self._site}",),
            "site.domain": (self._site,),
            "release.version": (self._version,),
            "environment": (self._scope.name,),
            "region": (self._scope.environment.region,),
        }
        if database and self._scope.product.database:
            login = database.users.credentials
            sources |= {
                "database.url": database.address,
                "database.host": (database.instance.instance_endpoint.hostname,),
                "database.port": (str(DATABASE_PORT),),
                "database.name": (self._scope.product.database.name,),
                "database.user": (SecretPart(login, "username"),),
                "database.password": (SecretPart(login, "password"),),
            }
        if cache:
            sources |= {
                "cache.url": cache.address,
                "cache.host": (cache.host,),
                "cache.port": (str(CACHE_PORT),),
                "cache.token": (SecretPart(cache.token),),
            }
        if media:
            sources["media.bucket"] = (media.bucket_name,)
        return sources


def _is_database_url(value: Value) -> bool:
    return value.only is not None and value.only.name == "database.url"


def _construct_id(value: Value) -> str:
    """Returns an id that depends on the value only, and begins with its references, e.g. CacheUrl0F1E2D3C."""
    words = "-".join(reference.name for reference in value.references if reference.secret)
    digest = hashlib.sha256(str(value).encode()).hexdigest()[:8]
    return names.pascal(words.replace(".", "-").replace("_", "-")) + digest.upper()
