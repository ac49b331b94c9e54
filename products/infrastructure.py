"""The manifest's `pipeline.infrastructure:` section: the flow that deploys the product's stacks."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from products.base import Minutes, Model, Name, text


class PlatformRepository(Model):
    """The GitHub repository that holds the checkout of Slipway with the product's manifest."""

    owner: str = text(r"^[A-Za-z0-9](?:[A-Za-z0-9-]{0,38})$", "allthrive-ai")
    """Organisation or user."""
    name: str = text(r"^[A-Za-z0-9._-]{1,100}$", "allthrive")
    """The repository's name."""


class Infrastructure(Model):
    """The flow `infrastructure`: a push deploys the product's stacks, the tooling last (docs/infrastructure.md)."""

    repository: PlatformRepository | None = None
    """The platform repository. Default: the product's own. `pipeline.connection` and the token or App of
    `pipeline.github` must have access to it."""
    branch: str | None = text(r"^[^\s*?{}\[]{1,255}$", "main", default=None)
    """Only pushes to this branch start the flow. Default: the product's `repository.branch`."""
    directory: str = text(r"^(\.|[A-Za-z0-9_][\w.-]*(/[A-Za-z0-9_][\w.-]*)*)$", "platform", default=".")
    """The folder of the repository that holds `cdk.json`."""
    after: Name | None = None
    """A flow of the same repository and branch, such as `main`: nothing is deployed before its images are built and its
    tests have succeeded with the same commit. Only if the platform repository is the product's own."""
    approval: Literal["when-needed", "always"] = "when-needed"
    """`always` if a person approves every change of an environment; otherwise only those that the review names."""
    cost_limit_usd: int = Field(default=20, ge=0)
    """A person approves a larger increase of an environment's estimated monthly cost, in US dollars."""
    check: str = "make check-platform"
    """The command that checks the platform repository, in `directory`. It has no credentials of an environment."""
    timeouts: dict[Literal["check", "review", "deploy"], Minutes] = Field(default_factory=dict)
    """Timeout in minutes of each build. Default: check 45, review 60, deploy 120."""
