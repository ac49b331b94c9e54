"""The product manifest: what a product is and how its environments differ. Frozen, typed, plain data."""

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
# What CloudWatch Logs accepts: docs.aws.amazon.com, PutRetentionPolicy.
RetentionDays = Literal[
    1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3653
]
# Fargate's CPU units and, for each, its memory in MiB: docs.aws.amazon.com, task definition parameters.
CpuUnits = Literal[256, 512, 1024, 2048, 4096, 8192, 16384]

_USER = r"^[1-9]\d*(:\d+)?$"


class Repository(Model):
    """The product's GitHub repository. The ids pin it: a renamed or re-created repository gets nothing."""

    owner: str = text(r"^[A-Za-z0-9](?:[A-Za-z0-9-]{0,38})$", "allthrive-ai")
    """Organisation or user."""
    name: str = text(r"^[A-Za-z0-9._-]{1,100}$", "allthrive")
    owner_id: int = Field(gt=0)
    """`gh api users/OWNER --jq .id`"""
    id: int = Field(gt=0)
    """`gh api repos/OWNER/NAME --jq .id`"""
    branch: str = "main"
    """What production is built from."""
    subject_formats: tuple[Literal["names", "ids"], ...] = ("names", "ids")
    """Forms of the OIDC subject to accept: GitHub sends `ids` for repositories made or renamed after 2026-07-15."""


class Tooling(Model):
    """Where the registry, the GitHub roles and the pipelines live."""

    account: Account
    region: str
    oidc_provider: Literal["create", "existing"] = "create"
    """An account has one provider for GitHub: `existing` for every product but the first in it."""


class ExistingSecret(Model):
    """A secret that the operator made, by its name in Secrets Manager; never its value."""

    name: str = text(r"^[A-Za-z0-9/_+=.@-]{1,512}$", "allthrive/openai")
    key: str | None = None
    """Key of a JSON secret; the whole value by default."""

    @model_validator(mode="after")
    def _is_a_name(self) -> ExistingSecret:
        field_checks.secret_name(self.name)
        return self


class Image(Model):
    """A container image the pipeline builds once per release."""

    context: str = "."
    """Folder of the repository that is sent to the build."""
    dockerfile: str = "Dockerfile"
    """Path below `context`."""
    target: str | None = None
    """Stage of a multi-stage Dockerfile; the last one by default."""
    build_args: dict[str, str] = {}
    build_secrets: dict[Annotated[str, text(r"^[a-z][a-z0-9_]*$", "npm_token")], ExistingSecret] = {}
    """What `RUN --mount=type=secret,id=npm_token` sees while it is built, and no layer keeps."""
    keep_snapshots: int = Field(default=50, ge=1, le=1000)
    """How many images without a release tag the registry keeps; of other branches than main at most 30."""


class Scaling(Model):
    """Between how many tasks a service moves, and by what."""

    maximum: int = Field(ge=1, le=1000)
    cpu_percent: Percent | None = None
    """Average CPU to hold."""
    requests_per_target: int | None = Field(default=None, ge=1)
    """Requests a minute and task to hold; only for a service behind the load balancer."""


class Size(Model):
    """What one task gets."""

    cpu: CpuUnits
    """CPU units, 1024 to the core."""
    memory: int = Field(ge=512, le=122880)
    """MiB."""

    @model_validator(mode="after")
    def _fargate_offers_it(self) -> Size:
        field_checks.fargate_size(self.cpu, self.memory)
        return self


class Service(Model):
    """A long-running task."""

    image: Name
    command: tuple[str, ...] | None = None
    """Exec form; the image's own command by default."""
    port: int | None = Field(default=None, ge=1024, le=65535)
    """The port it listens on; only a service with `paths` needs one."""
    paths: Paths = ()
    """What CloudFront sends to this service, uncached."""
    static_paths: Paths = ()
    """What CloudFront sends to this service and may cache."""
    health_path: str | None = text(r"^/\S*$", "/api/v1/health/", default=None)
    """What the load balancer asks for; 200 is healthy."""
    health_command: tuple[str, ...] | None = None
    """What ECS runs in the container, for a service without a port."""
    size: Size
    count: int = Field(default=1, ge=1, le=1000)
    """Tasks; with `scaling`, the fewest."""
    scaling: Scaling | None = None
    singleton: bool = False
    """Never two at once: the old task stops before the new one starts."""
    stop_timeout: int = Field(default=30, ge=2, le=120)
    """Seconds between SIGTERM and SIGKILL."""
    shell_access: bool = False
    """`aws ecs execute-command`; its agent needs a writable root file system."""
    read_only: bool = False
    """Read-only root file system, with an empty writable /tmp."""
    user: str | None = text(_USER, '"10001"', default=None)
    """Numeric user (and group) to run as, never root; the image's own by default, which may be."""
    internet: bool = False
    """Whether it calls addresses outside AWS, and so needs NAT."""

    @model_validator(mode="after")
    def _is_consistent(self) -> Service:
        if problems := self.contradictions():
            raise ProblemsError(problems)
        return self

    def contradictions(self) -> list[str]:
        """Returns a sentence for each pair of keys that contradict each other, with the key in front."""
        problems = []
        if (self.paths or self.static_paths) and self.port is None:
            problems.append("port: missing; a service with paths listens on one, e.g. port: 8000")
        if self.port is not None and self.health_path is None:
            problems.append("health_path: missing; the load balancer asks for it, e.g. health_path: /api/v1/health/")
        if self.shell_access and self.read_only:
            problems.append("read_only: the agent behind shell_access writes to the root file system; choose one")
        if self.singleton and self.count != 1:
            problems.append(f"count: got {self.count}; a singleton has count: 1")
        if self.singleton and self.scaling:
            problems.append("scaling: remove it; a singleton has one task")
        if self.scaling:
            if self.scaling.maximum < self.count:
                problems.append(f"scaling.maximum: got {self.scaling.maximum}, less than count {self.count}")
            if self.scaling.requests_per_target and self.port is None:
                problems.append("scaling.requests_per_target: only a service behind the load balancer has requests")
            if not (self.scaling.cpu_percent or self.scaling.requests_per_target):
                problems.append("scaling: name what to scale by: cpu_percent, requests_per_target, or both")
        return problems


class Migration(Model):
    """How the database schema moves: one task, once per release."""

    image: Name
    command: tuple[str, ...]
    size: Size
    when: Literal["before_deploy", "after_deploy"] = "before_deploy"
    """`before_deploy`: a failure leaves the running release untouched."""
    timeout_minutes: int = Field(default=30, ge=1, le=180)
    user: str | None = text(_USER, '"10001"', default=None)
    """As that of a service."""


class Frontend(Model):
    """A single-page application, built to files."""

    directory: str
    install: str = "npm ci"
    build: str = "npm run build"
    output: str = "dist"
    """Folder below `directory` that the build writes."""
    keep_releases: int = Field(default=5, ge=1)
    """Of how many releases the hashed assets stay, so that an open page still finds its own."""


class Database(Model):
    """PostgreSQL."""

    version: Annotated[str, text(r"^\d+(\.\d+)?$", '"18"')] = "18"
    name: str = text(r"^[a-z][a-z0-9_]{0,62}$", "allthrive")
    user: str = text(r"^[a-z][a-z0-9_]{0,15}$", "app", default="app")
    """The master user, for operators. The containers log in as `<user>_1` or `<user>_2`, which own the schema."""
    tls: Literal["verify-full", "require"] = "verify-full"
    """`sslmode` of the containers. `verify-full` needs the certificate authorities of RDS in the image, at the path
    that `PGSSLROOTCERT` names; `require` encrypts, but does not notice another server."""


class Cache(Model):
    """Redis or Valkey, one shard (cluster mode disabled)."""

    engine: Literal["redis", "valkey"] = "redis"
    version: Annotated[str, text(r"^\d+\.\d+$", '"7.1"')] = "7.1"


class DatabaseSize(Model):
    """How large and how safe an environment's database is."""

    instance: str = text(r"^db\.[a-z0-9-]+\.[a-z0-9]+$", "db.t4g.medium")
    storage_gb: int = Field(default=20, ge=20, le=65536)
    maximum_storage_gb: int | None = Field(default=None, ge=20, le=65536)
    """Storage grows by itself up to this."""
    multi_az: bool = False
    backup_days: int = Field(default=7, ge=1, le=35)
    """Point-in-time recovery reaches back this far."""
    rotate_password_days: int | None = Field(default=None, ge=1, le=1000)
    """A new password every so many days; never by default."""


class CacheSize(Model):
    """How large and how safe an environment's cache is."""

    node: str = text(r"^cache\.[a-z0-9-]+\.[a-z0-9]+$", "cache.t4g.small")
    replicas: int = Field(default=0, ge=0, le=5)
    """With one or more, a failed primary is replaced by itself, in another zone."""
    snapshot_days: int = Field(default=0, ge=0, le=35)


class Network(Model):
    """An environment's VPC."""

    cidr: Annotated[IPv4Network, Field(strict=False)] = IPv4Network("10.0.0.0/16")
    zones: int = Field(default=2, ge=2, le=3)
    zone_letters: str | None = Field(default=None, pattern=r"^[a-z]{2,6}$")
    """Of which zones the first `zones` are used, e.g. `bcd`; CloudFront's VPC origins leave out a few zones."""
    nat: Literal["gateway", "instance", "none"] = "gateway"
    nat_count: int = Field(default=1, ge=1, le=3)
    """Gateways or instances; as many as zones to survive the loss of one."""
    internet_ports: tuple[Annotated[int, Field(ge=1, le=65535)], ...] = (443,)
    """TCP ports on which containers reach addresses outside the VPC. AWS's own APIs need 443; mail needs 587."""

    @model_validator(mode="after")
    def _reaches_aws(self) -> Network:
        field_checks.internet_ports(self.internet_ports)
        return self


class Domain(Model):
    """The address users type."""

    name: str = text(r"^([a-z0-9]([a-z0-9-]*[a-z0-9])?\.)+[a-z]{2,}$", "allthrive.ai")
    hosted_zone_id: str | None = text(r"^Z[A-Z0-9]+$", "Z0123456789ABCDEFGHIJ", default=None)
    """Route 53 zone: the record, and the certificate unless one is given, are made in it."""
    certificate_arn: str | None = text(
        r"^arn:aws:acm:us-east-1:\d{12}:certificate/.+$",
        "arn:aws:acm:us-east-1:111122223333:certificate/0f1e2d3c-0000-4000-8000-000000000000",
        default=None,
    )
    """CloudFront takes certificates of us-east-1 only."""


class Edge(Model):
    """CloudFront of an environment."""

    domain: Domain | None = None
    waf: bool = False
    """A web ACL with AWS's common rules and a rate limit."""
    waf_requests_per_5_minutes: int = Field(default=2000, ge=10)
    """Requests from one address within five minutes before it is blocked."""
    price_class: Literal["100", "200", "all"] = "100"
    content_security_policy: str = (
        "default-src 'self'; img-src 'self' data: blob:; style-src 'self' 'unsafe-inline'; frame-ancestors 'none'"
    )


class ServiceSize(Model):
    """What an environment changes of a service."""

    count: int | None = Field(default=None, ge=1, le=1000)
    size: Size | None = None
    scaling: Scaling | None = None


class Environment(Model):
    """One copy of the product."""

    account: Account
    region: str
    target: Literal["fargate"] = "fargate"
    """What runs the containers."""
    architecture: Literal["arm64", "x86_64"] = "arm64"
    """Graviton is a fifth cheaper; images must be built for it."""
    approval: bool = False
    """Whether a person must say yes before a release enters it."""
    deletion_protection: bool
    """Whether stacks, database and load balancer refuse to be deleted."""
    keep_data: bool
    """Whether `cdk destroy` leaves the media bucket, a final database snapshot, and the logs."""
    log_retention_days: RetentionDays = 30
    network: Network = Network()
    database: DatabaseSize
    cache: CacheSize
    services: dict[str, ServiceSize] = {}
    variables: dict[str, str] = {}
    """Plain environment variables of every container, beside the product's."""
    edge: Edge = Edge()
    alarm_emails: tuple[Annotated[str, text(r"^[^@\s]+@[^@\s]+$", "ops@allthrive.ai")], ...] = ()

    @property
    def protected(self) -> bool:
        """Whether only the repository's branch may reach it: where deletion is protected, or a person must say yes."""
        return self.deletion_protection or self.approval


class Product(Model):
    """A system with its own manifest."""

    # Each part checks itself; that the parts fit together, products/loader.py checks with products/checks.py.

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
    """Environment variables whose values stand in secrets the operator made."""
    variables: dict[str, str] = {}
    """Plain environment variables of every container."""
    pipeline: Pipeline | None = None
    """What a push runs through; without it releases are made by hand."""
    review: Review = Review()
    environments: dict[Name, Environment] = Field(min_length=1)

    def services_in(self, environment: str) -> dict[str, Service]:
        """The services as an environment runs them: the product's, with the environment's sizes."""
        sizes = self.environments[environment].services
        return {
            name: service.model_copy(update=_given(sizes[name])) if name in sizes else service
            for name, service in self.services.items()
        }

    def variables_in(self, environment: str) -> dict[str, str]:
        """Plain environment variables of every container of an environment."""
        return {**self.variables, **self.environments[environment].variables}

    def prefix(self, environment: str) -> str:
        """What the names of an environment begin with."""
        return prefix(environment, self.name)


def _given(size: ServiceSize) -> dict[str, object]:
    return {key: value for key in type(size).model_fields if (value := getattr(size, key)) is not None}
