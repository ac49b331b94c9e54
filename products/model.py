"""The product manifest: what a product consists of, and how its environments differ. Frozen, typed, plain data."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from products.base import Account, ExistingSecret, Model, Name, Variables, derived, text
from products.containers import Image, Migration, Service, ServiceSize
from products.environment import Environment
from products.frontend import Frontend
from products.hosts import Compose, HostContainer
from products.names import prefix
from products.pipeline import Pipeline
from products.review import Review
from products.schedules import Schedule
from products.storage import Cache, Database


class Repository(Model):
    """The product's GitHub repository. Roles trust its ids, so another repository with the same name gets no access."""

    owner: str = text(r"^[A-Za-z0-9](?:[A-Za-z0-9-]{0,38})$", "allthrive-ai")
    """Organisation or user."""
    name: str = text(r"^[A-Za-z0-9._-]{1,100}$", "allthrive")
    owner_id: int = Field(gt=0)
    """`gh api users/OWNER --jq .id`"""
    id: int = Field(gt=0)
    """`gh api repos/OWNER/NAME --jq .id`"""
    branch: str = "main"
    """The branch that production is built from."""
    subject_formats: tuple[Literal["names", "ids"], ...] = ("names", "ids")
    """Accepted formats of the OIDC subject. GitHub sends `ids` for repositories created or renamed after 2026-07-15."""


class Tooling(Model):
    """The AWS account and region of the registry, the GitHub roles and the pipelines."""

    account: Account = Field(json_schema_extra=derived("the manifest's"))
    region: str = Field(json_schema_extra=derived("the manifest's"))
    oidc_provider: Literal["create", "existing"] = "create"
    """An account can have only one OIDC provider for GitHub: write `existing` for every product but the first in it."""


class Product(Model):
    """A system with its own manifest."""

    # Each part validates itself; products/loader.py calls products/checks.py for rules that involve several parts.

    name: Name
    description: str = ""
    account: Account | None = None
    """AWS account of the tooling and of each environment that names no other; in quotes, it may begin with 0."""
    region: str | None = None
    """Region of the tooling and of each environment that names no other."""
    repository: Repository
    tooling: Tooling = Field(json_schema_extra=derived("the manifest's account and region"))
    images: dict[Name, Image] = Field(min_length=1)
    services: dict[Name, Service] = {}
    """The services that environments with `target: fargate` run; they need at least one."""
    compose: Compose | None = None
    """The compose files that environments with `target: hosts` run."""
    containers: dict[Name, HostContainer] = {}
    """Instead of `compose`: containers that hosts run."""
    migration: Migration | None = None
    schedules: dict[Name, Schedule] = {}
    frontend: Frontend | None = None
    """Without this section a service serves the pages: `paths: [/*]`."""
    frontends: dict[Name, Frontend] = {}
    """Instead of `frontend`, several, each below its own `path`; the most specific path is tried first."""
    database: Database | None = None
    """Without this section the product has no database."""
    cache: Cache | None = Cache()
    """`cache: null` for a product without a cache."""
    media: bool = True
    """True for a bucket for uploads, which CloudFront serves below `/media/`."""
    secrets: dict[str, ExistingSecret] = {}
    """Environment variables whose values come from secrets that an operator created."""
    variables: Variables = {}
    """Environment variables of every container. Values may contain [references](#references), e.g. `${cache.url}/1`."""
    default_variables: bool = True
    """False if containers get only what `variables` and `secrets` name, and none of Slipway's own set."""
    pipeline: Pipeline | None = None
    """The pipelines that pushes start; without this section, releases are made by hand."""
    review: Review = Review()
    environments: dict[Name, Environment] = Field(min_length=1)

    def sites(self) -> dict[str, Frontend]:
        """Returns the frontends by their names; the name of the single one in `frontend` is empty."""
        return {"": self.frontend} if self.frontend else self.frontends

    def services_in(self, environment: str) -> dict[str, Service]:
        """Returns the product's services with the settings that an environment overrides; none but on Fargate."""
        if environment not in self.on_fargate():
            return {}
        overrides = self.environments[environment].services
        return {
            name: service.model_copy(update=_given(overrides[name])) if name in overrides else service
            for name, service in self.services.items()
        }

    def on_fargate(self) -> list[str]:
        """Returns the environments whose containers run on Fargate."""
        return [name for name, environment in self.environments.items() if environment.target == "fargate"]

    def public_images(self) -> list[str]:
        """Returns the images whose releases are also in ECR Public."""
        return [name for name, image in self.images.items() if image.public]

    def on_hosts(self) -> list[str]:
        """Returns the environments whose containers run on hosts."""
        return [name for name, environment in self.environments.items() if environment.target == "hosts"]

    def on_kubernetes(self) -> list[str]:
        """Returns the environments whose containers run on Kubernetes."""
        return [name for name, environment in self.environments.items() if environment.target == "kubernetes"]

    def prefix(self, environment: str) -> str:
        """Returns the prefix of every name in an environment."""
        return prefix(environment, self.name)


def _given(override: ServiceSize) -> dict[str, object]:
    return {key: value for key in type(override).model_fields if (value := getattr(override, key)) is not None}
