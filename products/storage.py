"""Databases and caches: what a product needs, and how large they are in an environment."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from products.base import Model, derived, text


class Database(Model):
    """PostgreSQL."""

    version: Annotated[str, text(r"^\d+(\.\d+)?$", '"18"')] = "18"
    name: str = text(
        r"^[a-z][a-z0-9_]{0,62}$", "allthrive", json_schema_extra=derived("the product's name, with `_` for `-`")
    )
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

    instance: str = text(r"^db\.[a-z0-9-]+\.[a-z0-9]+$", "db.t4g.medium", json_schema_extra=derived("the profile's"))
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

    node: str = text(r"^cache\.[a-z0-9-]+\.[a-z0-9]+$", "cache.t4g.small", json_schema_extra=derived("the profile's"))
    replicas: int = Field(default=0, ge=0, le=5)
    """With one or more, a replica in another zone replaces a failed primary automatically."""
    snapshot_days: int = Field(default=0, ge=0, le=35)
