"""Single changes that make an environment cheaper, each with its consequence."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError

from products import Product
from products.environment import Environment
from products.errors import ProblemsError
from products.loader import validated

Json = dict[str, Any]


@dataclass(frozen=True)
class Saving:
    """One change of an environment's section."""

    write: str
    """The key and the value, as in the manifest."""
    consequence: str
    possible: Callable[[Environment], bool]
    """True if the environment does not have it yet."""
    change: Json


SAVINGS = (
    Saving(
        "capacity: spot",
        "AWS stops a task with 2 minutes' notice, and starts none while it has no spare capacity",
        lambda environment: environment.capacity == "on-demand",
        {"capacity": "spot"},
    ),
    Saving(
        "network: {nat: instance}",
        "one small machine for everything that leaves; none of it does while that machine is replaced",
        lambda environment: environment.network.nat != "instance",
        {"network": {"nat": "instance", "nat_count": 1}},
    ),
    Saving(
        "network: {nat_count: 1}",
        "if its zone fails, no container reaches the internet or AWS's APIs",
        lambda environment: environment.network.nat_count > 1,
        {"network": {"nat_count": 1}},
    ),
    Saving(
        "database: {multi_az: false}",
        "if its zone fails, the database is down until AWS has repaired it or you have restored a backup",
        lambda environment: bool(environment.database and environment.database.multi_az),
        {"database": {"multi_az": False}},
    ),
    Saving(
        "database: {instance: db.t4g.micro}",
        "1 GB of memory, and full CPU only for bursts",
        lambda environment: bool(environment.database and environment.database.instance != "db.t4g.micro"),
        {"database": {"instance": "db.t4g.micro"}},
    ),
    Saving(
        "cache: {replicas: 0}",
        "if the node fails, Celery and sessions wait some minutes for a new and empty one",
        lambda environment: bool(environment.cache and environment.cache.replicas > 0),
        {"cache": {"replicas": 0}},
    ),
    Saving(
        "cache: {node: cache.t4g.micro}",
        "0.5 GB of memory for queues, sessions and cached pages",
        lambda environment: bool(environment.cache and environment.cache.node != "cache.t4g.micro"),
        {"cache": {"node": "cache.t4g.micro"}},
    ),
    Saving(
        "container_insights: false",
        "no memory and network of each service by the minute; alarms, logs and CPU stay",
        lambda environment: environment.container_insights,
        {"container_insights": False},
    ),
    Saving(
        "dashboard: false",
        "no page with all metrics beside each other; the alarms stay",
        lambda environment: environment.dashboard,
        {"dashboard": False},
    ),
    Saving(
        "edge: {waf: false}",
        "no limit for requests from one address, and no rules against known attacks",
        lambda environment: environment.edge.waf,
        {"edge": {"waf": False}},
    ),
)


def of(product: Product, name: str) -> Iterator[tuple[Saving, Environment]]:
    """Yields each saving that an environment of this name can make, with the environment after it."""
    given = json.loads(product.environments[name].model_dump_json())
    whole = json.loads(product.model_dump_json()) | {"pipeline": None}
    for saving in SAVINGS:
        if not saving.possible(product.environments[name]):
            continue
        changed = {**given}
        for key, value in saving.change.items():
            changed[key] = {**given[key], **value} if isinstance(value, dict) else value
        try:
            yield saving, validated({**whole, "environments": {name: changed}}).environments[name]
        except (ValidationError, ProblemsError):
            continue  # e.g. a service on demand whatever the environment says
