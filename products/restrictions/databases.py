"""RDS's restrictions of a PostgreSQL database."""

from __future__ import annotations

from collections.abc import Iterator
from math import ceil

from products.errors import nearest
from products.model import Product
from products.restrictions.offered import closest, offered
from products.storage import Database, DatabaseSize

# Key words that no name may be without quotes: postgresql.org/docs/18/sql-keywords-appendix.html, "reserved", with and
# without "can be function or type"; read 2026-11-30. RDS refuses them as "a reserved word used by the engine".
_KEY_WORDS = frozenset(  # one text, since a list of a hundred words in quotes is harder to compare with its source
    """
    all analyse analyze and any array as asc asymmetric authorization binary both case cast check collate collation
    column concurrently constraint create cross current_catalog current_date current_role current_schema current_time
    current_timestamp current_user default deferrable desc distinct do else end except false fetch for foreign freeze
    from full grant group having ilike in initially inner intersect into is isnull join lateral leading left like limit
    localtime localtimestamp natural not notnull null offset on only or order outer overlaps placing primary references
    returning right select session_user similar some symmetric system_user table tablesample then to trailing true union
    unique user using variadic verbose when where window with
    """.split()  # noqa: SIM905 - see above
)
# github.com/aws-cloudformation/cfn-lint/pull/4425 (tried with real deployments), read 2026-11-30: `admin` and
# `rdsadmin`. The roles that RDS creates: docs.aws.amazon.com/AmazonRDS/latest/UserGuide,
# Appendix.PostgreSQL.CommonDBATasks.Roles. `none` and `public`: postgresql.org/docs/18/sql-createrole.html.
_USERS = frozenset({"admin", "none", "public", "rdsadmin", "rdsrepladmin", "rdstopmgr"})
# `postgres` always exists: docs.aws.amazon.com, CreateDBInstance, DBName. The templates are PostgreSQL's own.
_DATABASES = frozenset({"postgres", "rdsadmin", "template0", "template1"})
# "Role names starting with pg_ are reserved by the PostgreSQL engine", says RDS. Its own roles begin with rds_.
_PREFIXES = ("pg_", "rds_")
# "at least 10% more than the current allocated storage": docs.aws.amazon.com/AmazonRDS/latest/UserGuide,
# USER_PIOPS.Autoscaling, read 2026-11-30.
_GROWTH = 10


def problems(product: Product) -> Iterator[str]:
    """Yields an error message for each value of the database that RDS would refuse."""
    if product.database is None:
        return
    yield from _version(product.database.version)
    yield from _names(product.name, product.database)
    major = product.database.version.split(".")[0]
    for name, environment in product.environments.items():
        if environment.database:
            place = f"environments.{name}.database"
            yield from _instance(place, major, environment.database, environment.region)
            yield from _storage(place, environment.database)


def _version(version: str) -> Iterator[str]:
    versions: list[str] = offered()["postgres"]
    majors = list(dict.fromkeys(offer.split(".")[0] for offer in versions))
    if version in majors or version in versions:
        return
    close = closest(versions, version)
    yield (
        f'database.version: RDS does not offer PostgreSQL {version}; write "{close.split(".")[0]}" or "{close}" '
        f"(major versions: {', '.join(majors)})"
    )


def _names(product: str, database: Database) -> Iterator[str]:
    user, name = database.user, database.name
    if user in _KEY_WORDS | _USERS or user.startswith(_PREFIXES):
        yield f"database.user: '{user}' is reserved by RDS or PostgreSQL; write another, e.g. app"
    if name in _KEY_WORDS | _DATABASES or name.startswith("pg_"):
        another = product.replace("-", "_")
        another = f"{another}_db" if another == name else another
        yield f"database.name: '{name}' is reserved by RDS or PostgreSQL; write another, e.g. {another}"


def _instance(place: str, major: str, size_of: DatabaseSize, region: str) -> Iterator[str]:
    instance = size_of.instance
    _, family, size = instance.split(".")
    families = offered()["database_classes"]
    if family not in families:
        yield f"{place}.instance: RDS runs no PostgreSQL on {family}{nearest(family, list(families))}"
    elif size not in families[family]["sizes"]:
        sizes = ", ".join(families[family]["sizes"])
        yield f"{place}.instance: RDS has no {instance}; the sizes of db.{family} are: {sizes}"
    elif major in _majors() and major not in families[family]["majors"]:
        runs = ", ".join(families[family]["majors"])
        yield (
            f"{place}.instance: RDS runs no PostgreSQL {major} on {instance}, only {runs}; "
            f"write e.g. db.t4g.medium or another database.version"
        )
    elif region in offered()["regions_without_database_class"].get(instance, ()):
        yield f"{place}.instance: {region} has no {instance}; write e.g. db.t4g.medium"


def _majors() -> set[str]:
    return {version.split(".")[0] for version in offered()["postgres"]}


def _storage(place: str, size: DatabaseSize) -> Iterator[str]:
    storage, maximum = size.storage_gb, size.maximum_storage_gb
    least = ceil(storage * (100 + _GROWTH) / 100)
    if maximum and maximum < least:
        what = "less than" if maximum < storage else "less than 10% over"
        yield f"{place}.maximum_storage_gb: got {maximum}, {what} storage_gb {storage}; write {least} or more"
