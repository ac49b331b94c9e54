"""The parts of a manifest that describe one environment of a product."""

from __future__ import annotations

from ipaddress import IPv4Network
from typing import Annotated, Literal

from pydantic import Field, model_validator

from products import field_checks
from products.base import Account, Model, Variables, derived, text
from products.containers import Capacity, ServiceSize
from products.hosts import Hosts
from products.kubernetes import Kubernetes
from products.storage import CacheSize, DatabaseSize

# The values that CloudWatch Logs accepts: docs.aws.amazon.com, PutRetentionPolicy.
RetentionDays = Literal[
    1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3653
]


Profile = Literal["minimal", "standard", "ha"]
_OF_THE_PROFILE = derived("the profile's")


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
    load_balancer_certificate_arn: str | None = text(
        r"^arn:aws:acm:[a-z0-9-]+:\d{12}:certificate/.+$",
        "arn:aws:acm:eu-central-1:111122223333:certificate/0f1e2d3c-0000-4000-8000-000000000000",
        default=None,
    )
    """Certificate for the same name in the environment's region, with which the load balancer answers CloudFront. By
    default Slipway creates one in the hosted zone; in us-east-1 `certificate_arn` serves for both."""

    def load_balancer_certificate(self, region: str) -> str | None:
        """Returns the existing certificate that the load balancer in a region can use; None if one must be created."""
        if self.load_balancer_certificate_arn:
            return self.load_balancer_certificate_arn
        given = self.certificate_arn
        return given if given and given.split(":")[3] == region else None


class Edge(Model):
    """The CloudFront distribution of an environment."""

    domain: Domain | None = None
    waf: bool = False
    """True for a web ACL with AWS's common rules and a rate limit."""
    waf_count: tuple[str, ...] = ("SizeRestrictions_BODY",)
    """Rules of AWS's rule groups that count matching requests instead of blocking them; your list replaces the default.
    `SizeRestrictions_BODY` blocks bodies over 8 KiB, and so uploads."""
    waf_requests_per_5_minutes: int = Field(default=2000, ge=10)
    """Requests from one IP address within five minutes, above which it is blocked."""
    read_timeout_seconds: int = Field(default=60, ge=1, le=120)
    """Seconds that CloudFront waits for a response of a service, and then for each next packet of it."""
    price_class: Literal["100", "200", "all"] = "100"
    content_security_policy: str | None = None
    """`Content-Security-Policy` of responses that have none of their own; `""` for none. Default: with a `frontend`,
    scripts, styles and data of the product's own domain only; without one none: the application knows its pages."""


class Environment(Model):
    """One deployed copy of the product."""

    profile: Profile | None = None
    """Size, zones, NAT, protection and retention in one word; each key below overrides it (docs/profiles.md)."""
    account: Account = Field(json_schema_extra=derived("the manifest's"))
    region: str = Field(json_schema_extra=derived("the manifest's"))
    target: Literal["fargate", "hosts", "kubernetes"] = "fargate"
    """The service that runs the containers: `fargate` runs `services`; `hosts`, virtual machines, run `compose` or
    `containers`; `kubernetes` runs the manifests of its section."""
    hosts: Hosts | None = None
    """The hosts of an environment with `target: hosts`."""
    kubernetes: Kubernetes | None = None
    """The cluster of an environment with `target: kubernetes`, and what it runs."""
    architecture: Literal["arm64", "x86_64"] = "arm64"
    """CPU architecture. Graviton (`arm64`) is a fifth cheaper; images must be built for it."""
    capacity: Capacity = "on-demand"
    """`spot` runs services on spare capacity, 50 to 70% cheaper. AWS stops a task with two minutes' notice, and starts
    none while it has no spare capacity. Migrations always run on demand."""
    approval: bool = False
    """True if a person must approve each release before it is deployed here."""
    alarm_gate: bool = False
    """True if a release waits until no alarm of the environment rings, and fails after five minutes, with nothing
    changed. Rollbacks are not held back; neither is the first release, before which nothing runs."""
    deletion_protection: bool = Field(json_schema_extra=_OF_THE_PROFILE)
    """True if stacks, database and load balancer are protected against deletion."""
    keep_data: bool = Field(json_schema_extra=_OF_THE_PROFILE)
    """True if `cdk destroy` keeps the media bucket, a final database snapshot, and the logs."""
    log_retention_days: RetentionDays = 30
    network: Network = Network()
    database: DatabaseSize | None = Field(default=None, json_schema_extra=_OF_THE_PROFILE)
    """Required if the product has a database, and no profile sets it."""
    cache: CacheSize | None = Field(default=None, json_schema_extra=_OF_THE_PROFILE)
    """Required if the product has a cache, and no profile sets it."""
    services: dict[str, ServiceSize] = {}
    variables: Variables = {}
    """Environment variables of every container; they replace the product's of the same name."""
    edge: Edge = Edge()
    container_insights: bool = True
    """True for CPU, memory and network of each service, by the minute, in CloudWatch. No alarm needs them."""
    dashboard: bool = True
    """True for a CloudWatch dashboard with the alarms and their metrics. The alarms exist without it, too."""
    alarm_emails: tuple[Annotated[str, text(r"^[^@\s]+@[^@\s]+$", "ops@allthrive.ai")], ...] = ()

    @property
    def machines(self) -> Hosts | None:
        """The virtual machines that run the containers; None if the environment has none of its own."""
        if self.target == "hosts":
            return self.hosts or Hosts()
        return self.kubernetes.machines if self.target == "kubernetes" and self.kubernetes else None

    @property
    def protected(self) -> bool:
        """True if only the repository's branch may be deployed here: with deletion protection or with an approval."""
        return self.deletion_protection or self.approval
