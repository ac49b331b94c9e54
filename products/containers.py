"""Images, and the containers that run them: the parts of a manifest that describe a product's processes."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from products import field_checks, log_alarms
from products.base import ExistingSecret, Model, Name, Variables, derived, text
from products.errors import ProblemsError
from products.health import PATH_PATTERN, Declared, HealthCheck
from products.log_alarms import LogAlarms

# Fargate's CPU units and, for each, its memory in MiB: docs.aws.amazon.com, task definition parameters.
CpuUnits = Literal[256, 512, 1024, 2048, 4096, 8192, 16384]
Capacity = Literal["on-demand", "spot"]
Percent = Annotated[int, Field(ge=1, le=100)]
Paths = tuple[Annotated[str, text(r"^(/|\*$)", "/api/*")], ...]

Workspace = Annotated[
    str,
    text(
        r"^arn:aws:aps:[a-z0-9-]+:\d{12}:workspace/ws-[0-9a-f-]+$",
        "arn:aws:aps:us-east-1:111122223333:workspace/ws-0f1e2d3c-0000-4000-8000-000000000000",
    ),
]
_SecretId = Annotated[str, text(r"^[a-z][a-z0-9_]*$", "npm_token")]
USER_PATTERN = r"^[1-9]\d*(:\d+)?$"


class Image(Model):
    """A container image that the pipeline builds once per release."""

    context: str = "."
    """Folder of the repository that is the build context."""
    dockerfile: str = "Dockerfile"
    """Path of the Dockerfile below `context`."""
    target: str | None = None
    """Stage of a multi-stage Dockerfile; the last stage by default."""
    build_args: dict[str, str] = {}
    """Build arguments; never secrets, which would stay in the image's history. Values may contain the fields of
    `pipeline.tags`: `{version}`, `{sha}`, `{sha7}`, `{branch}`."""
    build_secrets: dict[_SecretId, ExistingSecret] = {}
    """Secrets for `RUN --mount=type=secret,id=npm_token`: available during the build, stored in no layer. Builds of
    pull requests do not get them."""
    candidate_secrets: dict[_SecretId, ExistingSecret] = {}
    """Secrets with the same ids for the builds of pull requests, whose authors can read them: nobody has reviewed the
    Dockerfile. Give other values than in `build_secrets`."""
    keep_snapshots: int = Field(default=50, ge=1, le=1000)
    """Number of newest images that the registry keeps in any case; at most 30 of branches other than main. It also
    keeps releases, what is in use, and main's 100 newest images that entered an environment."""
    public: bool = False
    """True if releases of the image are also in ECR Public, under the same digest: everybody may pull and read them.
    Environments still pull from the private registry. Only with `tooling.region` us-east-1, and a stage `release`."""


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


_SMALLEST = Size(cpu=256, memory=512)
_ONLY_IMAGE = derived("the only image, if there is one")


class Service(Model):
    """An ECS service: tasks that run all the time."""

    image: Name = Field(json_schema_extra=_ONLY_IMAGE)
    command: tuple[str, ...] | None = None
    """Command in exec form; the image's own command by default."""
    port: int | None = Field(default=None, ge=1, le=65535)
    """The port that the container listens on; only a service with `paths` needs one. Services may use the same port.
    Below 1024 the image must allow a `user` other than root to listen."""
    paths: Paths = ()
    """Path patterns that CloudFront routes to this service without caching; the most specific pattern of all services
    is tried first. `/*` is every other path, for a product without `frontend`."""
    static_paths: Paths = ()
    """Path patterns that CloudFront routes to this service and may cache."""
    health_path: str | None = text(PATH_PATTERN, "/api/v1/health/", default=None)
    """Short form of `health_check: {path: …}`: a task is healthy if this path returns 200."""
    health_command: tuple[str, ...] | None = None
    """Short form of `health_check: {command: […]}`: a task is healthy if this program exits with 0."""
    health_check: HealthCheck | None = None
    size: Size = _SMALLEST
    count: int = Field(default=1, ge=1, le=1000)
    """Number of tasks; with `scaling`, the minimum."""
    scaling: Scaling | None = None
    capacity: Capacity | None = None
    """By default the environment's. Write `on-demand` for a service that must not be interrupted anywhere."""
    singleton: bool = False
    """Never two at once: the old task stops before the new one starts."""
    stop_timeout: int = Field(default=30, ge=2, le=120)
    """Seconds between SIGTERM and SIGKILL."""
    shell_access: bool = False
    """Allows `aws ecs execute-command`, whose agent needs a writable root file system."""
    read_only: bool = False
    """True for a read-only root file system, with an empty, writable /tmp."""
    user: str | None = text(USER_PATTERN, '"10001"', default=None)
    """Numeric user (and group) that runs the container, never root. Default: the image's user, which may be root."""
    internet: bool = False
    """True if the service calls addresses outside AWS, and so needs NAT."""
    variables: Variables = {}
    """Environment variables of this service; they replace the environment's and the product's of the same name."""
    calls: tuple[Name, ...] = ()
    """Other services that this one calls inside the network, by the name `SERVICE.${discovery.domain}`, which has the
    address of each of their running tasks. All services of the environment may then open connections to their ports."""
    alerts: bool = False
    """True if the service may publish to the topic of the environment's alarms, `${alarms.topic}`."""
    remote_write: Workspace | None = None
    """Workspace of Amazon Managed Prometheus that the service may write to. The variable `REMOTE_WRITE_URL` has its
    address. Without it, what Prometheus has collected ends with its task."""
    log_alarms: LogAlarms = {}
    """Alarms on numbers that this service writes to its log, e.g. the age of the oldest task in a queue."""

    @property
    def health(self) -> Declared:
        """Returns the service's health checks, from the short forms and the section `health_check`."""
        return Declared(self.health_check, self.health_path, self.health_command, self.port)

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
        problems += self.health.problems()
        problems += log_alarms.problems(self.log_alarms)
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

    image: Name = Field(json_schema_extra=_ONLY_IMAGE)
    command: tuple[str, ...]
    size: Size = _SMALLEST
    when: Literal["before_deploy", "after_deploy"] = "before_deploy"
    """With `before_deploy`, a failed migration leaves the running release unchanged."""
    timeout_minutes: int = Field(default=30, ge=1, le=180)
    user: str | None = text(USER_PATTERN, '"10001"', default=None)
    """Numeric user, as for a service."""
    variables: Variables = {}
    """Environment variables of the migration, as for a service. On hosts it has those of `service`."""
    service: str | None = text(r"^[a-zA-Z0-9._-]{1,64}$", "backend", default=None)
    """On hosts: the service of the compose files, or the container, that runs the command. Default: the one that is
    named as the image, or that has it."""


class ServiceSize(Model):
    """Settings of a service that an environment overrides."""

    count: int | None = Field(default=None, ge=1, le=1000)
    size: Size | None = None
    scaling: Scaling | None = None
    capacity: Capacity | None = None
    """Overrides the environment's and the product's `capacity`."""
    remote_write: Workspace | None = None
    """Overrides the product's `remote_write`."""
