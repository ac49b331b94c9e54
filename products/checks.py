"""Rules that involve several parts of a product. Each rule yields error messages for the user.

A message begins with `key.path: `, which the loader turns into a line of the file.
"""

from __future__ import annotations

from collections.abc import Iterator

from products import (
    beats,
    build_checks,
    call_checks,
    host_checks,
    infrastructure_checks,
    kubernetes_checks,
    names,
    path_checks,
    pipeline_checks,
    restrictions,
    schedule_checks,
    site_checks,
    store_checks,
    variable_checks,
    waf_rules,
)
from products.environment import Domain, Environment
from products.errors import nearest
from products.model import Product
from products.regions import REGIONS


def problems(product: Product) -> Iterator[str]:
    """Yields an error message for every place where the parts of a product contradict each other."""
    yield from _names(product)
    yield from _images(product)
    yield from site_checks.problems(product)
    yield from path_checks.problems(product)
    yield from call_checks.problems(product)
    yield from variable_checks.problems(product)
    yield from _region("tooling.region", product.tooling.region)
    yield from restrictions.problems(product)
    yield from pipeline_checks.problems(product)
    yield from infrastructure_checks.problems(product)
    yield from build_checks.problems(product)
    yield from schedule_checks.problems(product)
    yield from beats.problems(product)
    yield from host_checks.problems(product)
    yield from kubernetes_checks.problems(product)
    for name, environment in product.environments.items():
        yield from _environment(product, f"environments.{name}", environment)


def _names(product: Product) -> Iterator[str]:
    if product.name in names.RESERVED_PRODUCTS:
        yield f"name: '{product.name}' is reserved; name the product after what users call it"
    for name in product.services:
        if name in names.reserved_services(product.services):
            yield f"services.{name}: the name is reserved for a part of the environment; give the service another"
    for environment in product.environments:
        if environment in names.RESERVED_ENVIRONMENTS:
            yield f"environments.{environment}: the name is reserved {names.RESERVED_ENVIRONMENTS[environment]}"
        for sentence in names.over_limits(environment, product.name):
            yield f"name: {sentence}"


def _images(product: Product) -> Iterator[str]:
    known = list(product.images)
    for name in product.images:
        if name in names.RESERVED_IMAGES:
            yield f"images.{name}: the name is reserved {names.RESERVED_IMAGES[name]}; give the image another"
    for name, service in product.services.items():
        if service.image not in product.images:
            yield f"services.{name}.image: no image '{service.image}' under images{nearest(service.image, known)}"
    migration = product.migration
    if migration and migration.image not in product.images:
        yield f"migration.image: no image '{migration.image}' under images{nearest(migration.image, known)}"


def _region(place: str, region: str) -> Iterator[str]:
    if region not in REGIONS:
        yield f"{place}: unknown region '{region}'{nearest(region, list(REGIONS))}"


def _environment(product: Product, place: str, environment: Environment) -> Iterator[str]:
    yield from _region(f"{place}.region", environment.region)
    yield from _network(product, place, environment)
    for name in environment.services:
        if name not in product.services:
            yield f"{place}.services.{name}: no such service{nearest(name, list(product.services))}"
        elif overridden := product.services_in(place.rpartition(".")[2]).get(name):
            for problem in overridden.contradictions():
                yield f"{place}.services.{name}.{problem}"
    yield from store_checks.problems(product, place, environment)
    yield from _edge(place, environment)


def _network(product: Product, place: str, environment: Environment) -> Iterator[str]:
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
    if not 16 <= network.cidr.prefixlen <= 22:  # noqa: PLR2004 - AWS's largest VPC; the smallest for nine subnets of 32
        yield f"{place}.network.cidr: got /{network.cidr.prefixlen}; write a block between /16 and /22"
    if network.nat == "none":
        callers = [f"services.{name}" for name, service in product.services.items() if service.internet]
        callers += [f"schedules.{name}" for name, schedule in product.schedules.items() if schedule.internet]
        if callers:
            named = ", ".join(caller.partition(".")[2] for caller in callers)
            yield (
                f"{place}.network.nat: got none, but these need the internet: {named} "
                f"({callers[0]}.internet: true); write nat: instance (cheapest) or nat: gateway"
            )


def _edge(place: str, environment: Environment) -> Iterator[str]:
    domain = environment.edge.domain
    if domain and not domain.certificate_arn and not domain.hosted_zone_id:
        yield f"{place}.edge.domain: write hosted_zone_id (Slipway then creates the certificate) or certificate_arn"
    if domain and not domain.certificate_arn and environment.region != "us-east-1":
        yield (
            f"{place}.edge.domain.certificate_arn: missing; CloudFront accepts certificates of us-east-1 only, and "
            f"this environment is in {environment.region}: create one in us-east-1 and write its ARN"
        )
    if domain:
        yield from _load_balancer_certificate(f"{place}.edge.domain", domain, environment.region)
    if environment.edge.waf and environment.region != "us-east-1":
        yield (
            f"{place}.edge.waf: CloudFront accepts web ACLs of us-east-1 only, and this environment is in "
            f"{environment.region}; remove waf"
        )
    for rule in environment.edge.waf_count:
        if rule not in waf_rules.RULES:
            hint = nearest(rule, list(waf_rules.RULES))
            yield f"{place}.edge.waf_count: AWS's rule groups have no rule '{rule}'{hint}"


def _load_balancer_certificate(place: str, domain: Domain, region: str) -> Iterator[str]:
    given = domain.load_balancer_certificate_arn
    if given and given.split(":")[3] != region:
        yield (
            f"{place}.load_balancer_certificate_arn: got a certificate of {given.split(':')[3]}, and the load balancer "
            f"is in {region}: write the ARN of one there"
        )
    if domain.certificate_arn and not domain.load_balancer_certificate(region) and not domain.hosted_zone_id:
        yield (
            f"{place}.load_balancer_certificate_arn: missing; the load balancer needs a certificate for {domain.name} "
            f"in {region}: write the ARN of one, or hosted_zone_id (Slipway then creates it)"
        )
