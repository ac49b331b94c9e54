"""The manifest's `pipeline:` section: what a push runs through, and who hears of it."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from products.base import Model, Name, text

# CodePipeline takes at most 8 patterns in each list: docs.aws.amazon.com/codepipeline, pipeline filters.
Pattern = Annotated[str, text(r"^[^\s{}]{1,255}$", "feature/**")]
Patterns = Annotated[tuple[Pattern, ...], Field(max_length=8)]
SecretName = Annotated[str, text(r"^[A-Za-z0-9/_+=.@-]{1,512}$", "allthrive/github")]
Minutes = Annotated[
    int, Field(ge=5, le=480)
]  # CodeBuild's bounds for a build are 5 minutes and 8 hours (default quota)


class Check(Model):
    """One action of the Test stage: a build that passes or fails."""

    build: str | None = text(r"^[a-z][a-z0-9-]*$", "backend", default=None)
    """One of Slipway's builds, `builds/<build>.yml`."""
    buildspec: str | None = text(r"^[\w./-]+\.ya?ml$", "ci/contract.yml", default=None)
    """A buildspec of the product's own repository, instead of `build`."""
    variables: dict[str, str] = {}
    """What the build is told; the head of its file lists them."""
    run_order: int = Field(default=1, ge=1, le=10)
    """Checks of one number run side by side; higher numbers wait for lower ones."""
    flows: tuple[Name, ...] = ()
    """The flows it runs in; all by default."""
    docker: bool = True
    """Whether the build runs containers: CodeBuild then runs it privileged."""


class EndToEnd(Model):
    """The E2E stage: a browser drives the environment that was deployed before it."""

    directory: str = "e2e"
    variables: dict[str, str] = {}


class AcceptedFinding(Model):
    """A finding of the registry's scan that stops nothing, for a while and for a reason."""

    id: str = text(r"^[A-Za-z0-9][A-Za-z0-9._-]{2,99}$", "CVE-2026-12345")
    """As the scan names it."""
    reason: str = text(r"^.{20,300}$", "the parser of fonts is never reached: uploads are images")
    """Why it does no harm here, or what is waited for."""
    until: str = text(r"^\d{4}-\d{2}-\d{2}$", "2026-12-31")
    """The last day it is accepted, in UTC; from the next one on the gate fails until somebody decides again."""


class Scan(Model):
    """How many findings of the registry's scan an image may have and still reach a protected environment."""

    critical: int = Field(default=0, ge=0)
    high: int = Field(default=0, ge=0)
    accepted: tuple[AcceptedFinding, ...] = Field(default=(), max_length=50)
    """Findings that are not counted: each with `id`, `reason` and `until`, its last day in UTC."""


class Notifications(Model):
    """Who hears of failures, recoveries, approvals and releases."""

    emails: tuple[Annotated[str, text(r"^[^@\s]+@[^@\s]+$", "ops@allthrive.ai")], ...] = ()
    slack_secret: SecretName | None = None
    """Secret that holds a Slack webhook's address."""
    discord_secret: SecretName | None = None
    """Secret that holds a Discord webhook's address."""


class GitHubAccess(Model):
    """How the pipeline writes issues, commit statuses and releases."""

    secret: SecretName
    """Secret with a token, or with a GitHub App's `app_id`, `installation_id`, `kms_key_id`."""
    app_key_arn: str | None = text(
        r"^arn:aws:kms:[a-z0-9-]+:\d{12}:key/[0-9a-f-]+$",
        "arn:aws:kms:us-east-1:111122223333:key/0f1e2d3c-0000-4000-8000-000000000000",
        default=None,
    )
    """KMS key that holds the App's private key."""


class Flow(Model):
    """One pipeline: what starts it, and how far it goes."""

    branches: Patterns = ()
    """Pushes to these start it; `*` stops at a slash, `**` does not."""
    tags: Patterns = ()
    """Pushed git tags start it, instead of branches."""
    pull_requests_to: Patterns = ()
    """Pull requests to these branches start it, when they are opened and at each push to them."""
    paths: Patterns = ()
    """Only changes of these files start it."""
    ignore_paths: Patterns = ()
    """Changes of these files alone do not start it."""
    stages: tuple[str, ...] = Field(min_length=1)
    """In order: `test`, `publish`, `e2e`, `release`, and names of environments."""
    mode: Literal["queued", "superseded", "parallel"] | None = None
    """What a run does while another is in progress; pull requests run in parallel, all else is queued by default."""
    stop_older: bool | None = None
    """Whether a newer run of the same branch or pull request stops the older, up to a protected environment; only
    a flow that reaches none does so by default."""
    timeouts: dict[str, Minutes] = {}
    """Minutes of a stage, where they differ from the pipeline's."""


class Pipeline(Model):
    """Delivery: from a push to the last stage."""

    connection: str = text(
        r"^arn:aws:(codeconnections|codestar-connections):[a-z0-9-]+:\d{12}:connection/[0-9a-f-]{36}$",
        "arn:aws:codeconnections:us-east-1:111122223333:connection/0f1e2d3c-0000-4000-8000-000000000000",
    )
    """`aws codeconnections create-connection --provider-type GitHub`, then authorised once in the console."""
    github: GitHubAccess
    version_file: str
    """Where the product's version stands: pyproject.toml, package.json, or a Python file with `__version__`."""
    tags: tuple[str, ...] = Field(default=("{sha}",), min_length=1, max_length=10)
    """Labels of a published image, of `{version}`, `{sha}`, `{sha7}` and `{branch}`; one without them moves. What finds
    an image is `commit-<full sha>` alone."""
    release_tag: str = "v{version}-{sha7}"
    """Tag of what reached the last environment: in the registry and on GitHub. The registry keeps what begins with the
    same text, up to the first field, for ever; a changed text lets the releases before the change expire."""
    checks: dict[Name, Check] = Field(min_length=1)
    e2e: EndToEnd | None = None
    scan: Scan | None = Scan()
    """`null`: what the scan finds stops nothing."""
    notifications: Notifications = Notifications()
    flows: dict[Name, Flow] = Field(min_length=1)
    timeouts: dict[str, Minutes] = {}
    """Minutes each stage may take, by its name."""
    verify_path: str = text(r"^/\S*$", "/api/v1/status/", default="/api/v1/status/")
    """Where the product tells its version and the digest of its image."""
    keep_artifacts_days: int = Field(default=180, ge=30, le=3650)
    """A stage can be rolled back to a run whose artifacts are there."""
    log_retention_days: Literal[30, 60, 90, 120, 150, 180, 365, 400, 545, 731] = 90
    """Of builds and functions."""
