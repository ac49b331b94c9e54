"""The loader refuses, in a sentence, settings that RDS refuses."""

from __future__ import annotations

import pytest

from products.errors import ProblemsError
from tests.support.manifests import product

PLACE = "environments.production.database"


def refused(**changes: object) -> list[str]:
    """The problems of AllThrive with other values of `database`, or of production's after `production__`."""
    paths = {
        f"{PLACE}.{key.removeprefix('production__')}" if key.startswith("production__") else f"database.{key}": value
        for key, value in changes.items()
    }
    try:
        product(paths)
    except ProblemsError as error:
        return error.sentences
    return []


@pytest.mark.parametrize("version", ["13", "14", "18", "17.5", "17.11", "18.6", "12.22"])
def test_a_version_that_rds_creates_is_accepted(version: str) -> None:
    assert refused(version=version, production__instance="db.t4g.medium") == []


@pytest.mark.parametrize(
    ("version", "hint"),
    [
        ("19", 'write "18" or "18.6"'),
        ("18.5", 'write "18" or "18.6"'),
        ("17.4", 'write "17" or "17.11"'),
        ("17.99", 'write "17" or "17.11"'),
        ("11.22", 'write "12" or "12.22"'),
        ("9.6", 'write "12" or "12.22"'),
        ("10", 'write "12" or "12.22"'),
    ],
)
def test_a_version_that_rds_does_not_create_is_refused_with_the_nearest(version: str, hint: str) -> None:
    assert refused(version=version) == [
        (
            f"database.version: RDS does not offer PostgreSQL {version}; {hint} "
            "(major versions: 12, 13, 14, 15, 16, 17, 18)"
        )
    ]


@pytest.mark.parametrize(
    "user",
    [
        "admin",
        "rdsadmin",
        "user",
        "authorization",
        "pg_app",
        "rds_superuser",
        "public",
        "none",
        "table",
        "current_user",
    ],
)
def test_a_reserved_user_is_refused(user: str) -> None:
    assert refused(user=user) == [f"database.user: '{user}' is reserved by RDS or PostgreSQL; write another, e.g. app"]


@pytest.mark.parametrize("user", ["postgres", "app", "administrator", "users", "rds", "pg", "root", "shop"])
def test_a_user_that_only_looks_reserved_is_accepted(user: str) -> None:
    assert refused(user=user) == []


@pytest.mark.parametrize("name", ["postgres", "template0", "template1", "rdsadmin", "order", "user", "pg_shop"])
def test_a_reserved_database_is_refused(name: str) -> None:
    assert refused(name=name) == [
        f"database.name: '{name}' is reserved by RDS or PostgreSQL; write another, e.g. allthrive"
    ]


@pytest.mark.parametrize("name", ["orders", "users", "template", "admin", "public_site"])
def test_a_database_that_only_looks_reserved_is_accepted(name: str) -> None:
    assert refused(name=name) == []


def test_the_hint_for_a_database_is_never_the_refused_name() -> None:
    with pytest.raises(ProblemsError) as error:
        product({"name": "order", "database.name": "order", "secrets": {}})

    assert any(
        "database.name: 'order'" in sentence and sentence.endswith("e.g. order_db")
        for sentence in error.value.sentences
    )


@pytest.mark.parametrize(
    ("version", "instance", "complaint"),
    [
        ("18", "db.t2.micro", "RDS runs no PostgreSQL on t2; did you mean 't3'?"),
        ("18", "db.m4.large", "RDS runs no PostgreSQL on m4; did you mean"),
        ("18", "db.t4g.nano", "RDS has no db.t4g.nano; the sizes of db.t4g are: 2xlarge, large, medium, micro, "),
        ("18", "db.t4g.huge", "RDS has no db.t4g.huge; the sizes of db.t4g are:"),
        ("18", "db.m7g.micro", "RDS has no db.m7g.micro; the sizes of db.m7g are:"),
        ("18", "db.r4.large", "RDS runs no PostgreSQL 18 on db.r4.large, only 12; write e.g. db.t4g.medium or another"),
        ("12", "db.m7g.large", "RDS runs no PostgreSQL 12 on db.m7g.large, only 13, 14, 15, 16, 17, 18; write e.g."),
        ("13", "db.m8a.large", "RDS runs no PostgreSQL 13 on db.m8a.large, only 14, 15, 16, 17, 18; write e.g."),
    ],
)
def test_an_instance_that_does_not_run_the_version_is_refused(version: str, instance: str, complaint: str) -> None:
    problems = refused(version=version, production__instance=instance)

    assert len(problems) == 1
    assert problems[0].startswith(f"{PLACE}.instance: {complaint}")


@pytest.mark.parametrize("instance", ["db.t3.micro", "db.t4g.micro", "db.m6g.large", "db.m7g.large", "db.r8g.xlarge"])
def test_an_instance_that_runs_the_version_is_accepted(instance: str) -> None:
    assert refused(version="18", production__instance=instance) == []


def test_an_instance_that_the_region_lacks_is_refused() -> None:
    with pytest.raises(ProblemsError) as error:
        product(
            {
                f"{PLACE}.instance": "db.x2g.large",
                "environments.production.region": "eu-north-1",
                "environments.production.edge": {},
            }
        )

    assert error.value.sentences == [
        f"{PLACE}.instance: eu-north-1 has no db.x2g.large; write e.g. db.t4g.medium",
    ]


@pytest.mark.parametrize(
    ("storage", "maximum", "complaint"),
    [
        (100, 50, "got 50, less than storage_gb 100; write 110 or more"),
        (100, 100, "got 100, less than 10% over storage_gb 100; write 110 or more"),
        (100, 109, "got 109, less than 10% over storage_gb 100; write 110 or more"),
        (21, 23, "got 23, less than 10% over storage_gb 21; write 24 or more"),
    ],
)
def test_a_limit_of_storage_too_close_to_the_start_is_refused(storage: int, maximum: int, complaint: str) -> None:
    assert refused(production__storage_gb=storage, production__maximum_storage_gb=maximum) == [
        f"{PLACE}.maximum_storage_gb: {complaint}"
    ]


@pytest.mark.parametrize(("storage", "maximum"), [(100, 110), (20, 22), (100, None)])
def test_a_limit_of_storage_far_enough_is_accepted(storage: int, maximum: int | None) -> None:
    assert refused(production__storage_gb=storage, production__maximum_storage_gb=maximum) == []
