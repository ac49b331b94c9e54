"""The usage of data stores: databases, caches, buckets, secrets, keys."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

from slipway_cli.review.cost.template import Resource
from slipway_cli.review.cost.use import UnknownUseError, Use, counted


def database(resource: Resource) -> Iterator[Use]:
    """Yields an instance with its standby, storage and log."""
    size, engine = resource.text("DBInstanceClass"), resource.text("Engine")
    if engine != "postgres":
        raise UnknownUseError(f"only PostgreSQL is priced, this is {engine or 'unknown'}")
    copies = Decimal(2 if resource.properties.get("MultiAZ") is True else 1)
    what = f"{size} PostgreSQL{', with a standby in another zone' if copies > 1 else ''}"
    yield Use(what, f"{size}-hour", copies * resource.assume.hours, "hours")
    kind = resource.text("StorageType", "gp2")
    storage = resource.number(resource.properties.get("AllocatedStorage"))
    if kind != "gp3" or storage is None:
        raise UnknownUseError(f"storage: only gp3 of a given size is priced, this is {kind}, {storage} GB")
    most = resource.number(resource.properties.get("MaxAllocatedStorage"))
    note = f"may grow to {most} GB automatically" if most and most > storage else ""
    yield Use(f"{storage} GB of storage", "rds-gp3-gb-month", copies * storage, "GB", note=note)
    if resource.properties.get("EnableCloudwatchLogsExports"):
        yield Use("its log", "log-ingest-gb", resource.assume.log_gb, "GB", f"{resource.assume.log_gb} GB a month")


def cache(resource: Resource) -> Iterator[Use]:
    """Yields the nodes and their snapshots."""
    node, engine = resource.text("CacheNodeType"), resource.text("Engine", "redis")
    nodes = resource.number(resource.properties.get("NumCacheClusters", 1))
    if nodes is None or "NumNodeGroups" in resource.properties:
        raise UnknownUseError("only one shard with a given number of nodes is priced")
    yield Use(
        f"{counted(nodes, 'node')} {node} ({engine})", f"{engine}-{node}-hour", nodes * resource.assume.hours, "hours"
    )
    days = resource.number(resource.properties.get("SnapshotRetentionLimit", 0)) or Decimal(0)
    if days > 1:  # AWS stores one snapshot for free
        gb = (days - 1) * resource.assume.snapshot_gb
        yield Use(
            "snapshots", "cache-backup-gb-month", gb, "GB", f"{resource.assume.snapshot_gb} GB a day, the first free"
        )


def bucket(resource: Resource) -> Iterator[Use]:
    """Yields the storage of a bucket."""
    gb = resource.assume.bucket_gb
    yield Use(f"bucket {resource.logical_id}", "s3-gb-month", gb, "GB", f"{gb} GB in it")


def secret(resource: Resource) -> Iterator[Use]:
    """Yields a secret."""
    yield Use(f"secret {resource.logical_id}", "secret-month", Decimal(1), "secrets")


def key(resource: Resource) -> Iterator[Use]:
    """Yields a customer managed key."""
    yield Use(f"key {resource.logical_id}", "kms-key-month", Decimal(1), "keys")
