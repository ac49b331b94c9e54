"""The product manifest: what a product consists of, and how its environments differ. Frozen, typed, plain data."""

from __future__ import annotations

from ipaddress import IPv4Network
from typing import Annotated, Literal

from pydantic import Field, model_validator

from products import field_checks
from products.base import Model, Name, text
from products.errors import ProblemsError
from products.names import prefix
from products.pipeline import Pipeline
from products.review import Review

Account = Annotated[str, text(r"^\d{12}$", '"111122223333"', description="12-digit AWS account id, quoted")]
Percent = Annotated[int, Field(ge=1, le=100)]
Paths = tuple[Annotated[str, text(r"^/", "/api/*")], ...]
# The values that CloudWatch Logs accepts: docs.aws.amazon.com, PutRetentionPolicy.
RetentionDays = Literal[
    1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3653
]
# Fargate's CPU units and, for each, its memory in MiB: docs.aws.amazon.com, task definition parameters.
CpuUnits = Literal[256, 512, 1024, 2048, 4096, 8192, 16384]

_USER = r"^[1-9]\d*(:\d+)?$"


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

    account: Account
    region: str
    oidc_provider: Literal["create", "existing"] = "create"
    """An account can have only one OIDC provider for GitHub: write `existing` for every product but the first in it."""


class ExistingSecret(Model):
    """A secret that an operator created: its name in Secrets Manager, never its value."""

    name: str = text(r"^[A-Za-z0-9/_+=.@-]{1,512}$", "allthrive/openai")
    key: str | None = None
    """Key in a JSON secret; by default the whole value of the secret is used."""

    @model_validator(mode="after")
    def _is_a_name(self) -> ExistingSecret:
        field_checks.secret_name(self.name)
        return self


class Image(Model):
    """A container image that the pipeline builds once per release."""

    context: str = "."
    """Folder of the repository that is the build context."""
    dockerfile: str = "Dockerfile"
    """Path of the Dockerfile below `context`."""
    target: str | None = None
    """Stage of a multi-stage Dockerfile; the last stage by default."""
    build_args: dict[str, str] = {}
    build_secrets: dict[Annotated[str, text(r"^[a-z][a-z0-9_]*$", "npm_token")], ExistingSecret] = {}
    """Secrets for `RUN --mount=type=secret,id=npm_token`: available during the build, stored in no layer."""
    keep_snapshots: int = Field(default=50, ge=1, le=1000)
    """Number of images without a release tag that the registry keeps; at most 30 of branches other than main."""


class Scaling(Model):
    """Automatic scaling of a service by target tracking: its limits and its target values."""

    maximum: int = Field(ge=1, le=1000)
    cpu_percent: Percent | None = None
    """Target for the average CPU utilization."""
    requests_per_target: int | None = Field(default=None, ge=1)
    """Target for the requests per minute and task; only for a service behind the load balancer."""


class Size(Model):
    """CPU and memory of one task."""

    cpu: CpuUnits
    """CPU units; 1024 units are one vCPU."""
    memory: int = Field(ge=512, le=122880)
    """Memory in MiB."""

    @model_validator(mode="after")
    def _fargate_offers_it(self) -> Size:
        field_checks.fargate_size(self.cpu, self.memory)
        return self


class Service(Model):
    """An ECS service: tasks that run all the time."""

    image: Name
    command: tuple[str, ...] | None = None
    """Command in exec form; the image's own command by default."""
    port: int | None = Field(default=None, ge=1024, le=65535)
    """The port that the container listens on; only a service with `paths` needs one."""
    paths: Paths = ()
    """Path patterns that CloudFront routes to this service without caching."""
    static_paths: Paths = ()
    """Path patterns that CloudFront routes to this service and may cache."""
    health_path: str | None = text(r"^/\S*$", "/api/v1/health/", default=None)
    """Path of the load balancer's health check; a task is healthy if it returns 200."""
    health_command: tuple[str, ...] | None = None
    """Health check that ECS runs in the container, for a service without a port."""
    size: Size
    count: int = Field(default=1, ge=1, le=1000)
    """Number of tasks; with `scaling`, the minimum."""
    scaling: Scaling | None = None
    singleton: bool = False
    """Never two at once: the old task stops before the new one starts."""
    stop_timeout: int = Field(default=30, ge=2, le=120)
    """Seconds between SIGTERM and SIGKILL."""
    shell_access: bool = False
    """Allows `aws ecs execute-command`, whose agent needs a writable root file system."""
    read_only: bool = False
    """True for a read-only root file system, with an empty, writable /tmp."""
    user: str | None = text(_USER, '"10001"', default=None)
    """Numeric user (and group) that runs the container, never root. Default: the image's user, which may be root."""
    internet: bool = False
    """True if the service calls addresses outside AWS, and so needs NAT."""

    @model_validator(mode="after")
    def _is_consistent(self) -> Service:
        if problems := self.contradictions():
            raise ProblemsError(problems)
        return self

    def contradictions(self) -> list[str]:
        """Returns an error message, beginning with a key, for each pair of keys that contradict each other."""
        problems = []
        if (self.paths or self.static_paths) and self.port is None:
            problems.append("port: missing; a service with paths needs one, e.g. port: 8000")
        if self.port is not None and self.health_path is None:
            problems.append(
                "health_path: missing; the load balancer's health check needs it, e.g. health_path: /api/v1/health/"
            )
        if self.shell_access and self.read_only:
            problems.append("read_only: shell_access needs a writable root file system; remove one of the two")
        if self.singleton and self.count != 1:
            problems.append(f"count: got {self.count}; a singleton needs count: 1")
        if self.singleton and self.scaling:
            problems.append("scaling: remove it; a singleton has exactly one task")
        if self.scaling:
            if self.scaling.maximum < self.count:
                problems.append(f"scaling.maximum: got {self.scaling.maximum}, less than count {self.count}")
            if self.scaling.requests_per_target and self.port is None:
                problems.append("scaling.requests_per_target: only a service behind the load balancer has requests")
            if not (self.scaling.cpu_percent or self.scaling.requests_per_target):
                problems.append("scaling: has no target; write cpu_percent, requests_per_target, or both")
        return problems


class Migration(Model):
    """The task that migrates the database schema, once per release."""

    image: Name
    command: tuple[str, ...]
    size: Size
    when: Literal["before_deploy", "after_deploy"] = "before_deploy"
    """With `before_deploy`, a failed migration leaves the running release unchanged."""
    timeout_minutes: int = Field(default=30, ge=1, le=180)
    user: str | None = text(_USER, '"10001"', default=None)
    """Numeric user, as for a service."""


class Frontend(Model):
    """A single-page application that is built into static files."""

    directory: str
    install: str = "npm ci"
    build: str = "npm run build"
    output: str = "dist"
    """Folder below `directory` that the build writes to."""
    keep_releases: int = Field(default=5, ge=1)
    """Number of releases whose hashed assets are kept, so that pages opened earlier still find their files."""


class Database(Model):
    """PostgreSQL."""

    version: Annotated[str, text(r"^\d+(\.\d+)?$", '"18"')] = "18"
    name: str = text(r"^[a-z][a-z0-9_]{0,62}$", "allthrive")
    user: str = text(r"^[a-z][a-z0-9_]{0,15}$", "app", default="app")
    """The master user, for operators. Containers log in as `<user>_1` or `<user>_2`, which own the schema."""
    tls: Literal["verify-full", "require"] = "verify-full"
    """`sslmode` of the containers. `verify-full` needs RDS's certificate authorities in the image, at the path in
    `PGSSLROOTCERT`; `require` encrypts, but does not check which server answers."""


class Cache(Model):
    """Redis or Valkey with one shard (cluster mode disabled)."""

    engine: Literal["redis", "valkey"] = "redis"
    version: Annotated[str, text(r"^\d+\.\d+$", '"7.1"')] = "7.1"


class DatabaseSize(Model):
    """Size, availability and backups of an environment's database."""

    instance: str = text(r"^db\.[a-z0-9-]+\.[a-z0-9]+$", "db.t4g.medium")
    storage_gb: int = Field(default=20, ge=20, le=65536)
    maximum_storage_gb: int | None = Field(default=None, ge=20, le=65536)
    """Limit for automatic storage scaling."""
    multi_az: bool = False
    backup_days: int = Field(default=7, ge=1, le=35)
    """Number of days that point-in-time recovery covers."""
    rotate_password_days: int | None = Field(default=None, ge=1, le=1000)
    """Days between two rotations of the password; by default it is not rotated."""


class CacheSize(Model):
    """Size, availability and snapshots of an environment's cache."""

    node: str = text(r"^cache\.[a-z0-9-]+\.[a-z0-9]+$", "cache.t4g.small")
    replicas: int = Field(default=0, ge=0, le=5)
    """With one or more, a replica in another zone replaces a failed primary automatically."""
    snapshot_days: int = Field(default=0, ge=0, le=35)


class Network(Model):
    """An environment's VPC."""

    cidr: Annotated[IPv4Network, Field(strict=False)] = IPv4Network("10.0.0.0/16")
    zones: int = Field(default=2, ge=2, le=3)
    zone_letters: str | None = Field(default=None, pattern=r"^[a-z]{2,6}$")
    """Letters of the zones to choose from, e.g. `bcd`: a few zones do not support CloudFront's VPC origins."""
    nat: Literal["gateway", "instance", "none"] = "gateway"
    nat_count: int = Field(default=1, ge=1, le=3)
    """Number of NAT gateways or instances; write as many as zones to survive the failure of a zone."""
    internet_ports: tuple[Annotated[int, Field(ge=1, le=65535)], ...] = (443,)
    """TCP ports on which containers may reach addresses outside the VPC. AWS's APIs need 443, mail needs 587."""

    @model_validator(mode="after")
    def _reaches_aws(self) -> Network:
        field_checks.internet_ports(self.internet_ports)
        return self


class Domain(Model):
    """The domain name that users type."""

    name: str = text(r"^([a-z0-9]([a-z0-9-]*[a-z0-9])?\.)+[a-z]{2,}$", "allthrive.ai")
    hosted_zone_id: str | None = text(r"^Z[A-Z0-9]+$", "Z0123456789ABCDEFGHIJ", default=None)
    """Route 53 hosted zone. Slipway creates the DNS record in it, and validates the certificate if none is given."""
    certificate_arn: str | None = text(
        r"^arn:aws:acm:us-east-1:\d{12}:certificate/.+$",
        "arn:aws:acm:us-east-1:111122223333:certificate/0f1e2d3c-0000-4000-8000-000000000000",
        default=None,
    )
    """CloudFront accepts certificates of us-east-1 only."""


class Edge(Model):
    """The CloudFront distribution of an environment."""

    domain: Domain | None = None
    waf: bool = False
    """True for a web ACL with AWS's common rules and a rate limit."""
    waf_requests_per_5_minutes: int = Field(default=2000, ge=10)
    """Requests from one IP address within five minutes, above which it is blocked."""
    price_class: Literal["100", "200", "all"] = "100"
    content_security_policy: str = (
        "default-src 'self'; img-src 'self' data: blob:; style-src 'self' 'unsafe-inline'; frame-ancestors 'none'"
    )


class ServiceSize(Model):
    """Settings of a service that an environment overrides."""

    count: int | None = Field(default=None, ge=1, le=1000)
    size: Size | None = None
    scaling: Scaling | None = None


class Environment(Model):
    """One deployed copy of the product."""

    account: Account
    region: str
    target: Literal["fargate"] = "fargate"
    """The service that runs the containers."""
    architecture: Literal["arm64", "x86_64"] = "arm64"
    """CPU architecture. Graviton (`arm64`) is a fifth cheaper; images must be built for it."""
    approval: bool = False
    """True if a person must approve each release before it is deployed here."""
    deletion_protection: bool
    """True if stacks, database and load balancer are protected against deletion."""
    keep_data: bool
    """True if `cdk destroy` keeps the media bucket, a final database snapshot, and the logs."""
    log_retention_days: RetentionDays = 30
    network: Network = Network()
    database: DatabaseSize
    cache: CacheSize
    services: dict[str, ServiceSize] = {}
    variables: dict[str, str] = {}
    """Plain environment variables of every container, in addition to the product's."""
    edge: Edge = Edge()
    alarm_emails: tuple[Annotated[str, text(r"^[^@\s]+@[^@\s]+$", "ops@allthrive.ai")], ...] = ()

    @property
    def protected(self) -> bool:
        """True if only the repository's branch may be deployed here: with deletion protection or with an approval."""
        return self.deletion_protection or self.approval


class Product(Model):
    """A system with its own manifest."""

    # Each part validates itself; products/loader.py calls products/checks.py for rules that involve several parts.

    name: Name
    description: str = ""
    repository: Repository
    tooling: Tooling
    images: dict[Name, Image] = Field(min_length=1)
    services: dict[Name, Service] = Field(min_length=1)
    migration: Migration | None = None
    frontend: Frontend | None = None
    database: Database
    cache: Cache = Cache()
    secrets: dict[str, ExistingSecret] = {}
    """Environment variables whose values come from secrets that an operator created."""
    variables: dict[str, str] = {}
    """Plain environment variables of every container."""
    pipeline: Pipeline | None = None
    """The pipelines that pushes start; without this section, releases are made by hand."""
    review: Review = Review()
    environments: dict[Name, Environment] = Field(min_length=1)

    def services_in(self, environment: str) -> dict[str, Service]:
        """Returns the product's services with the settings that an environment overrides."""
        overrides = self.environments[environment].services
        return {
            name: service.model_copy(update=_given(overrides[name])) if name in overrides else service
            for name, service in self.services.items()
        }

    def variables_in(self, environment: str) -> dict[str, str]:
        """Returns the plain environment variables of every container in an environment."""
        return {**self.variables, **self.environments[environment].variables}

    def prefix(self, environment: str) -> str:
        """Returns the prefix of every name in an environment."""
        return prefix(environment, self.name)


def _given(override: ServiceSize) -> dict[str, object]:
    return {key: value for key in type(override).model_fields if (value := getattr(override, key)) is not None}
