"""Rules that look at more than one key of a manifest. Each raises ValueError with a sentence for the user.

A message may begin with `key.path: `, which the loader turns into a place in the file.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

from products import names, pipeline_checks
from products.errors import nearest
from products.regions import REGIONS
from products.secrets import looks_secret, names_a_secret

if TYPE_CHECKING:
    from products.model import Environment, Product, Service

# Memory in MiB that Fargate offers for each CPU size, as (lowest, highest, step):
# docs.aws.amazon.com/AmazonECS/latest/developerguide/task_definition_parameters.html#task_size
_FARGATE_MEMORY = {
    256: (512, 2048, 512),
    512: (1024, 4096, 1024),
    1024: (2048, 8192, 1024),
    2048: (4096, 16384, 1024),
    4096: (8192, 30720, 1024),
    8192: (16384, 61440, 4096),
    16384: (32768, 122880, 8192),
}
# What the containers receive from the platform: documented, so a manifest cannot give it another meaning.
PLATFORM_VARIABLES = frozenset(
    {
        "SECRET_KEY", "DATABASE_URL", "REDIS_AUTH_TOKEN", "REDIS_HOST", "REDIS_PORT", "REDIS_TLS",
        "AWS_STORAGE_BUCKET_NAME", "RELEASE_VERSION", "RELEASE_IMAGE",
    }
)  # fmt: skip
_HTTPS = 443
_VARIABLE = re.compile(r"^[A-Za-z_][A-Za-z0-9_]*$")


class ProblemsError(ValueError):
    """Several sentences at once, so that a user mends a manifest in one go."""

    def __init__(self, sentences: list[str]) -> None:
        self.sentences = sentences
        super().__init__("\n".join(sentences))


def fargate_size(cpu: int, memory: int) -> None:
    """Refuse a size that Fargate does not sell."""
    low, high, step = _FARGATE_MEMORY[cpu]
    if cpu == 256 and memory == 1536:  # noqa: PLR2004 - the table's one irregular row offers 512, 1024 and 2048
        low = 2048
    if not low <= memory <= high or memory % step:
        offered = "512, 1024 or 2048" if cpu == 256 else f"{low} to {high} in steps of {step}"  # noqa: PLR2004 - the table's one irregular row
        raise ValueError(f"memory: got {memory} MiB for cpu {cpu}; Fargate offers {offered}")


def secret_name(name: str) -> None:
    """Refuse what looks like a secret's value where its name belongs."""
    if kind := looks_secret(name):
        raise ValueError(
            f"name: this looks like {kind}; write the secret's name in Secrets Manager, e.g. allthrive/openai, keep "
            "its value out of git, and change it now if it was ever committed"
        )


def internet_ports(ports: tuple[int, ...]) -> None:
    """Refuse a network in which containers cannot start."""
    if _HTTPS not in ports:
        listed = ", ".join(str(port) for port in (_HTTPS, *ports))
        raise ValueError(
            f"internet_ports: 443 is missing; ECS pulls images and reads secrets there, so write [{listed}]"
        )


def service(it: Service) -> None:
    """Refuse a service that contradicts itself."""
    if problems := _service_problems(it):
        raise ProblemsError(problems)


def _service_problems(it: Service) -> list[str]:
    problems = []
    if (it.paths or it.static_paths) and it.port is None:
        problems.append("port: missing; a service with paths listens on one, e.g. port: 8000")
    if it.port is not None and it.health_path is None:
        problems.append("health_path: missing; the load balancer asks for it, e.g. health_path: /api/v1/health/")
    if it.shell_access and it.read_only:
        problems.append("read_only: the agent behind shell_access writes to the root file system; choose one")
    if it.singleton and it.count != 1:
        problems.append(f"count: got {it.count}; a singleton has count: 1")
    if it.singleton and it.scaling:
        problems.append("scaling: remove it; a singleton has one task")
    if it.scaling:
        if it.scaling.maximum < it.count:
            problems.append(f"scaling.maximum: got {it.scaling.maximum}, less than count {it.count}")
        if it.scaling.requests_per_target and it.port is None:
            problems.append("scaling.requests_per_target: only a service behind the load balancer has requests")
        if not (it.scaling.cpu_percent or it.scaling.requests_per_target):
            problems.append("scaling: name what to scale by: cpu_percent, requests_per_target, or both")
    return problems


def product(it: Product) -> None:
    """Refuse a product whose parts do not fit together."""
    problems = [*_names(it), *_images(it), *_ports(it), *_variables(it)]
    problems += _region("tooling.region", it.tooling.region)
    problems += pipeline_checks.pipeline(it)
    for name, environment in it.environments.items():
        problems += _environment(it, f"environments.{name}", environment)
    if problems:
        raise ProblemsError(problems)


def _names(it: Product) -> Iterator[str]:
    if it.name in names.RESERVED_PRODUCTS:
        yield f"name: '{it.name}' is reserved; name the product after what users call it"
    for name in it.services:
        if name in names.reserved_services(it.services):
            yield f"services.{name}: the name is reserved for a part of the environment; give the service another"
    for environment in it.environments:
        if environment in names.RESERVED_ENVIRONMENTS:
            yield f"environments.{environment}: the name is reserved {names.RESERVED_ENVIRONMENTS[environment]}"
        for sentence in names.over_limits(environment, it.name):
            yield f"name: {sentence}"


def _images(it: Product) -> Iterator[str]:
    known = list(it.images)
    for name in it.images:
        if name in names.RESERVED_IMAGES:
            yield f"images.{name}: the name is reserved {names.RESERVED_IMAGES[name]}; give the image another"
    for name, item in it.services.items():
        if item.image not in it.images:
            yield f"services.{name}.image: no image '{item.image}' under images{nearest(item.image, known)}"
    if it.migration and it.migration.image not in it.images:
        yield f"migration.image: no image '{it.migration.image}' under images{nearest(it.migration.image, known)}"


def _ports(it: Product) -> Iterator[str]:
    taken: dict[int, str] = {}
    for name, item in it.services.items():
        if item.port is None:
            continue
        if item.port in taken:
            yield f"services.{name}.port: {item.port} is already the port of '{taken[item.port]}'; give it another"
        taken.setdefault(item.port, name)
    paths: dict[str, str] = {}
    for name, item in it.services.items():
        for path in (*item.paths, *item.static_paths):
            if path in paths:
                yield f"services.{name}.paths: '{path}' already goes to '{paths[path]}'"
            paths.setdefault(path, name)


def _variables(it: Product) -> Iterator[str]:
    places = {
        "variables": it.variables,
        **{f"environments.{n}.variables": e.variables for n, e in it.environments.items()},
    }
    for place, variables in places.items():
        for variable, value in variables.items():
            yield from _variable_name(f"{place}.{variable}", variable)
            kind = looks_secret(value) or (value and names_a_secret(variable) and "a secret, by its name")
            if kind and variable not in PLATFORM_VARIABLES:
                yield (
                    f"{place}.{variable}: this looks like {kind}; put the value into Secrets Manager "
                    f"and write its name under secrets: {variable}: {{name: {it.name}/…}}"
                )
    for variable in it.secrets:
        yield from _variable_name(f"secrets.{variable}", variable)
        for place, variables in places.items():
            if variable in variables:
                yield f"{place}.{variable}: stands under secrets too; ECS takes one of them, remove the other"


def _variable_name(place: str, variable: str) -> Iterator[str]:
    if not _VARIABLE.match(variable):
        yield f"{place}: not a variable's name; use letters, digits and underscores"
    if variable in PLATFORM_VARIABLES:
        yield f"{place}: the platform sets it (docs/manifest.md); remove the line"


def _region(place: str, region: str) -> Iterator[str]:
    if region not in REGIONS:
        yield f"{place}: unknown region '{region}'{nearest(region, list(REGIONS))}"


def _environment(it: Product, place: str, environment: Environment) -> Iterator[str]:
    yield from _region(f"{place}.region", environment.region)
    yield from _network(it, place, environment)
    for name in environment.services:
        if name not in it.services:
            yield f"{place}.services.{name}: no such service{nearest(name, list(it.services))}"
        else:
            for problem in _service_problems(it.services_in(place.rpartition(".")[2])[name]):
                yield f"{place}.services.{name}.{problem}"
    now, most = environment.database.storage_gb, environment.database.maximum_storage_gb
    if most and most < now:
        yield f"{place}.database.maximum_storage_gb: got {most}, less than storage_gb {now}"
    yield from _edge(place, environment)


def _network(it: Product, place: str, environment: Environment) -> Iterator[str]:
    network = environment.network
    if environment.region in REGIONS:
        offered = REGIONS[environment.region].zone_letters
        letters = network.zone_letters or offered
        unknown = sorted(set(letters) - set(offered))
        if unknown:
            yield f"{place}.network.zone_letters: {environment.region} has no zone {unknown[0]}; choose from {offered}"
        elif network.zones > len(set(letters)):
            offers = f"{environment.region} offers {len(set(letters))}: {letters}"
            yield f"{place}.network.zones: got {network.zones}; {offers}"
    if network.nat != "none" and network.nat_count > network.zones:
        yield f"{place}.network.nat_count: got {network.nat_count}, more than zones {network.zones}"
    if not 16 <= network.cidr.prefixlen <= 22:  # noqa: PLR2004 - a VPC's largest; the smallest that holds nine subnets of 32
        yield f"{place}.network.cidr: got /{network.cidr.prefixlen}; write a block between /16 and /22"
    if network.nat == "none":
        callers = [name for name, item in it.services.items() if item.internet]
        if callers:
            yield (
                f"{place}.network.nat: got none, but the internet is needed by {', '.join(callers)} "
                f"(services.{callers[0]}.internet: true); write nat: instance (cheapest) or nat: gateway"
            )


def _edge(place: str, environment: Environment) -> Iterator[str]:
    domain = environment.edge.domain
    if domain and not domain.certificate_arn and not domain.hosted_zone_id:
        yield f"{place}.edge.domain: give hosted_zone_id (we make the certificate) or certificate_arn"
    if domain and not domain.certificate_arn and environment.region != "us-east-1":
        yield (
            f"{place}.edge.domain.certificate_arn: missing; CloudFront takes certificates of us-east-1 only, and this "
            f"environment is in {environment.region}: make one there and write its ARN"
        )
    if environment.edge.waf and environment.region != "us-east-1":
        yield f"{place}.edge.waf: CloudFront takes web ACLs of us-east-1 only, this is {environment.region}"
