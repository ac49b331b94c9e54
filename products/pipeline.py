"""The manifest's `pipeline:` section: what a push starts, and who is notified."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from products.base import ExistingSecret, Minutes, Model, Name, derived, text
from products.infrastructure import Infrastructure

# CodePipeline allows at most 8 patterns in each list: docs.aws.amazon.com/codepipeline, pipeline filters.
Pattern = Annotated[str, text(r"^[^\s{}]{1,255}$", "feature/**")]
Patterns = Annotated[tuple[Pattern, ...], Field(max_length=8)]
Size = Literal["lambda", "small", "medium", "large"]
SecretName = Annotated[str, text(r"^[A-Za-z0-9/_+=.@-]{1,512}$", "allthrive/github")]


class Check(Model):
    """One action of the Test stage: a build that passes or fails."""

    build: str | None = text(r"^[a-z][a-z0-9-]*$", "backend", default=None)
    """One of Slipway's builds, `builds/<build>.yml`."""
    buildspec: str | None = text(r"^[\w./-]+\.ya?ml$", "ci/contract.yml", default=None)
    """A buildspec of the product's own repository, instead of `build`."""
    variables: dict[str, str] = {}
    """Environment variables of the build; the comment at the top of its file lists them."""
    secrets: dict[str, ExistingSecret] = {}
    """Environment variables from secrets of the tooling account, such as `PIP_INDEX_URL`. In a build of Slipway's, only
    the install gets them. Every pull request's install can read them: give a token that may only read packages."""
    run_order: int = Field(default=1, ge=1, le=10)
    """Checks with the same number run in parallel; higher numbers wait for lower ones."""
    flows: tuple[Name, ...] = ()
    """The flows that run the check; all by default."""
    docker: bool = True
    """True if the build runs containers: CodeBuild then runs it in privileged mode."""
    compute: Size | None = None
    """The machine of the build: `small` by default. `lambda` starts in seconds, but runs no containers and ends after
    15 minutes; it is the default of `build: seo` with `docker: false`."""


class EndToEnd(Model):
    """The E2E stage: it tests the environment deployed before it, with a browser."""

    directory: str = "e2e"
    variables: dict[str, str] = {}


class Smoke(Model):
    """A program of the repository that uses a deployed environment as a visitor does, after each deployment.

    If it fails, so does the stage, which is then rolled back.
    """

    command: str = text(r"^\S.*$", "python3 smoke.py")
    """Run by `sh` in the repository's folder, in CodeBuild's own image, which has Python and Node.js. `URL` is the
    address of the environment, `ENVIRONMENT` its name, `RELEASE_VERSION` the version that was deployed."""
    environments: tuple[Name, ...] = ()
    """The environments that it tests; all by default."""


class AcceptedFinding(Model):
    """A finding of the registry's scan that does not stop the pipeline until a given day, for a given reason."""

    id: str = text(r"^[A-Za-z0-9][A-Za-z0-9._-]{2,99}$", "CVE-2026-12345")
    """The finding's name in the scan."""
    reason: str = text(r"^.{20,300}$", "the parser of fonts is never reached: uploads are images")
    """Why the finding does no harm here, or which fix is awaited."""
    until: str = text(r"^\d{4}-\d{2}-\d{2}$", "2026-12-31")
    """The last day on which the finding is accepted, in UTC. From the next day on, the scan fails again."""


class Scan(Model):
    """The number of findings that an image may have in the registry's scan and still reach a protected environment."""

    critical: int = Field(default=0, ge=0)
    high: int = Field(default=0, ge=0)
    accepted: tuple[AcceptedFinding, ...] = Field(default=(), max_length=50)
    """Findings that are not counted, each with `id`, `reason` and `until`, the last day in UTC."""


class Notifications(Model):
    """Recipients of messages about failures, recoveries, approvals and releases."""

    emails: tuple[Annotated[str, text(r"^[^@\s]+@[^@\s]+$", "ops@allthrive.ai")], ...] = ()
    slack_secret: SecretName | None = None
    """Secret with the URL of a Slack webhook."""
    discord_secret: SecretName | None = None
    """Secret with the URL of a Discord webhook."""


class GitHubAccess(Model):
    """The connection with which the pipeline writes issues, commit statuses and releases."""

    secret: SecretName
    """Secret with a token, or with a GitHub App's `app_id`, `installation_id`, `kms_key_id`."""
    app_key_arn: str | None = text(
        r"^arn:aws:kms:[a-z0-9-]+:\d{12}:key/[0-9a-f-]+$",
        "arn:aws:kms:us-east-1:111122223333:key/0f1e2d3c-0000-4000-8000-000000000000",
        default=None,
    )
    """KMS key that holds the App's private key."""
    issues: Literal["releases", "all"] = "releases"
    """Failures that open an issue: those of pipelines that release, or of all, also of branches and pull requests."""


class Flow(Model):
    """One pipeline: what starts it, and which stages it runs."""

    branches: Patterns = ()
    """Pushes to these branches start the pipeline; `*` stops at a slash, `**` does not."""
    tags: Patterns = ()
    """Pushes of these git tags start the pipeline, instead of pushes to branches."""
    pull_requests_to: Patterns = ()
    """Pull requests to these branches start the pipeline, when they are opened and after each push."""
    merged_pull_requests_to: Patterns = ()
    """Pull requests to these branches start the pipeline when they are merged. Only with `images_from`."""
    paths: Patterns = ()
    """Only changes to these files start the pipeline."""
    ignore_paths: Patterns = ()
    """Changes to only these files do not start the pipeline."""
    stages: tuple[str, ...] = Field(min_length=1)
    """The stages in order: `test`, `publish`, `e2e`, `release`, and names of environments."""
    images_from: Name | None = None
    """The flow that builds and tests what this flow releases. This flow then builds no image: its stage Snapshot takes
    the image that the other flow built of the same files, and stops if there is none, or if that run did not succeed.
    Protect the branch of the other flow like the repository's: who pushes to it decides what is released."""
    mode: Literal["queued", "superseded", "parallel"] | None = None
    """CodePipeline's execution mode. Default: `parallel` for pull requests, `queued` for all other flows."""
    stop_older: bool | None = None
    """True if a newer run stops the older run of the same branch or pull request, unless the older one has reached a
    protected environment. Default: true for flows without a protected environment."""
    timeouts: dict[str, Minutes] = {}
    """Timeout of each stage in minutes, where it differs from the pipeline's."""


# One pattern for both forms, so that an example of it names the same path.
REPORT_PATH = r"^/[^\s?#]*$"


class Verify(Model):
    """The check with which the last action of an environment's stage verifies that the release runs, and no other.

    ECS is always asked: the deployment of each service is complete, and each of its tasks runs an image of the release.
    """

    path: str | None = text(REPORT_PATH, "/api/v1/status/", default=None, max_length=1024)
    """Path at which the product itself reports its release, which also tests the way from CloudFront to a container: it
    returns 200 and a JSON object with the texts `version` and `image_digest` (docs/pipelines.md). Default: ECS alone is
    asked."""


class Drift(Model):
    """A nightly check of every environment for changes that were made outside of its stacks."""

    hour: int = Field(default=3, ge=0, le=23)
    """The hour of the check, in UTC. The issue is opened, updated or closed within this hour."""


class Pipeline(Model):
    """Continuous delivery, from a push to the last stage."""

    connection: str = text(
        r"^arn:aws:(codeconnections|codestar-connections):[a-z0-9-]+:\d{12}:connection/[0-9a-f-]{36}$",
        "arn:aws:codeconnections:us-east-1:111122223333:connection/0f1e2d3c-0000-4000-8000-000000000000",
    )
    """Create it with `aws codeconnections create-connection --provider-type GitHub`; authorize it in the console."""
    github: GitHubAccess = Field(json_schema_extra=derived("the secret `<product>/github`"))
    version_file: str = "pyproject.toml"
    """File that holds the product's version: pyproject.toml, package.json, or a Python file with `__version__`."""
    tags: tuple[str, ...] = Field(default=("{sha}",), min_length=1, max_length=10)
    """Tags of a published image. They may contain `{version}`, `{sha}`, `{sha7}` and `{branch}`; a tag without these
    fields moves to the newest image. Slipway itself finds an image only by its tag `commit-<full sha>`. None may begin
    with `in-use-` or `entered-`: by such tags the registry keeps what runs, enters or waits to enter an environment."""
    release_tag: str = "v{version}-{sha7}"
    """Tag of a release, in the registry and on GitHub. The registry keeps images forever whose tag begins with the text
    before the first field. If you change that text, images of earlier releases can expire, except those in use and the
    100 newest that entered an environment."""
    git_tag: str | None = None
    """Tag of a release on GitHub, such as `{version}`; only for a flow with `images_from`. Default: `release_tag`."""
    checks: dict[Name, Check] = {}
    e2e: EndToEnd | None = None
    smoke: Smoke | None = None
    scan: Scan | None = Scan()
    """Limits for the registry's scan of images; with `null`, findings do not stop the pipeline."""
    notifications: Notifications = Notifications()
    flows: dict[Name, Flow] = Field(
        min_length=1,
        json_schema_extra=derived("checks of pull requests; releases of the branch through all environments"),
    )
    infrastructure: Infrastructure | None = None
    """The flow that deploys the product's stacks; without this section you deploy them yourself."""
    dashboard: bool = True
    """True for a CloudWatch dashboard of pipelines and builds. Each beyond an account's third costs $3 a month."""
    drift: Drift | None = None
    """With this section, e.g. `drift: {}`, what was changed by hand becomes one issue for each environment; nothing is
    reverted. CloudFormation reads every resource with the rights of the role that asks, so the role may describe all
    resources of the account. Without it, `slipway drift` checks with your own rights."""
    timeouts: dict[str, Minutes] = {}
    """Timeout of each stage in minutes, by the stage's name."""
    verify: Verify = Verify()
    verify_path: str | None = text(REPORT_PATH, "/api/v1/status/", default=None)
    """Short form of `verify: {path: …}`."""
    keep_artifacts_days: int = Field(default=180, ge=30, le=3650)
    """Days to keep the artifacts of a run. A stage can be rolled back only to a run whose artifacts still exist."""
    log_retention_days: Literal[30, 60, 90, 120, 150, 180, 365, 400, 545, 731] = 90
    """Days to keep the logs of builds and functions."""

    @property
    def report_path(self) -> str | None:
        """The path at which the product reports its release; None if only ECS is asked."""
        return self.verify.path or self.verify_path
