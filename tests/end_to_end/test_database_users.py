"""The application's database users, created in a PostgreSQL whose master user is not a superuser, as on RDS."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import closing
from typing import Any

import psycopg2
import pytest

from database.postgres import Connection, DatabaseError
from localcloud.testing.cloud import Cloud
from localcloud.testing.plain import unique
from manage_database_users import handler
from rotate_database_password import handler as rotation
from tests.support.fake_aws import FakeAws, Refused

pytestmark = [pytest.mark.local, pytest.mark.docker, pytest.mark.slow]

MASTER, APPLICATION, URL = "arn:master", "arn:application", "arn:url"
OLD, NEW = "00000000-0000-0000-0000-000000000001", "00000000-0000-0000-0000-000000000002"
SUPERUSER_PASSWORD = "superuser-password"
MASTER_LOGIN = {"username": "master", "password": "master-password"}
USERS = ("shop_1", "shop_2")


class Secrets(FakeAws):
    """The calls of Secrets Manager and ECS that the two functions make."""

    def __init__(self) -> None:
        super().__init__()
        self.values = {OLD: {"username": "shop_1", "password": "first-password"}}
        self.stages = {OLD: ["AWSCURRENT"], NEW: ["AWSPENDING"]}
        self.url = ""
        self.on("secretsmanager.GetSecretValue", self._get)
        self.on("secretsmanager.DescribeSecret", lambda _: {"VersionIdsToStages": self.stages})
        self.on("secretsmanager.GetRandomPassword", lambda _: {"RandomPassword": "second-password"})
        self.on("secretsmanager.PutSecretValue", self._put)
        self.on("secretsmanager.UpdateSecretVersionStage", self._move)
        self.on("ecs.UpdateService", lambda _: {})

    def _get(self, given: dict[str, Any]) -> dict[str, Any]:
        if given["SecretId"] == MASTER:
            return {"SecretString": json.dumps(MASTER_LOGIN)}
        for version, stages in self.stages.items():
            if given["VersionStage"] in stages and version in self.values:
                return {"SecretString": json.dumps(self.values[version])}
        raise Refused("ResourceNotFoundException")

    def _put(self, given: dict[str, Any]) -> dict[str, Any]:
        if given["SecretId"] == URL:
            self.url = given["SecretString"]
        else:
            self.values[given["ClientRequestToken"]] = json.loads(given["SecretString"])
        return {"ARN": given["SecretId"]}

    def _move(self, given: dict[str, Any]) -> dict[str, Any]:
        self.stages = {given["MoveToVersionId"]: ["AWSCURRENT"], given["RemoveFromVersionId"]: ["AWSPREVIOUS"]}
        return {}


class Database:
    """A server of the local RDS, and one database in it."""

    def __init__(self, cloud: Cloud, address: str) -> None:
        self.address = address
        self.authority = str(cloud.state / "run" / "ca" / "ca.pem")

    def run(self, user: str, password: str, *statements: str, database: str = "shop") -> list[Any]:
        """Run statements, each on its own, over a verified connection; returns the last one's rows."""
        connection = psycopg2.connect(
            host=self.address,
            dbname=database,
            user=user,
            password=password,
            sslmode="verify-full",
            sslrootcert=self.authority,
        )
        connection.autocommit = True
        rows: list[Any] = []
        with closing(connection), connection.cursor() as cursor:
            for statement in statements:
                cursor.execute(statement)
                rows = cursor.fetchall() if cursor.description else []
        return rows

    def administer(self, *statements: str, database: str = "shop") -> list[Any]:
        return self.run("master", MASTER_LOGIN["password"], *statements, database=database)


@pytest.fixture(scope="module")
def server(cloud: Cloud) -> Database:
    """A server whose master user has the rights of RDS's: it can create roles and databases, but is not a superuser."""
    name = unique("users")
    rds = cloud.client("rds")
    rds.create_db_instance(
        DBInstanceIdentifier=name,
        DBInstanceClass="db.t4g.micro",
        Engine="postgres",
        EngineVersion="18",
        AllocatedStorage=20,
        MasterUsername="superuser",
        MasterUserPassword=SUPERUSER_PASSWORD,
        DBName="app",
    )
    rds.get_waiter("db_instance_available").wait(DBInstanceIdentifier=name, WaiterConfig={"Delay": 1})
    instance = rds.describe_db_instances(DBInstanceIdentifier=name)["DBInstances"][0]
    made = Database(cloud, instance["Endpoint"]["Address"])
    made.run(
        "superuser",
        SUPERUSER_PASSWORD,
        f"CREATE ROLE master LOGIN CREATEROLE CREATEDB PASSWORD '{MASTER_LOGIN['password']}'",
        database="app",
    )
    return made


@pytest.fixture
def database(server: Database) -> Iterator[Database]:
    """An empty database without users of the application."""
    superuser = ("superuser", SUPERUSER_PASSWORD)
    server.run(*superuser, "CREATE DATABASE shop OWNER master", database="app")
    yield server
    server.run(*superuser, "DROP DATABASE shop WITH (FORCE)", database="app")
    for role in (*USERS, "shop_owner"):
        server.run(*superuser, f"DROP ROLE IF EXISTS {role}", database="app")


def address(host: str) -> list[Any]:
    """The parts of the DATABASE_URL, as constructs/slipway/password_rotation.py passes them."""
    user, password = ({"key": key, "in_address": True} for key in ("username", "password"))
    return ["postgresql://", user, ":", password, f"@{host}:5432/shop?sslmode=verify-full"]


@pytest.fixture
def secrets(database: Database, cloud: Cloud, monkeypatch: pytest.MonkeyPatch) -> Iterator[Secrets]:
    environment = {
        "HOST": database.address,
        "PORT": "5432",
        "DATABASE": "shop",
        "SSLMODE": "verify-full",
        "OWNER": "shop_owner",
        "USERS": ",".join(USERS),
        "ADMINISTRATOR_SECRET_ARN": MASTER,
        "APPLICATION_SECRET_ARN": APPLICATION,
        "COMPOSED": json.dumps([{"secret": URL, "parts": address(database.address)}]),
        "CLUSTER": "cluster",
        "SERVICES": "web",
        "CA_PEM": (cloud.state / "run" / "ca" / "ca.pem").read_text(),
    }
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    made = Secrets()
    with made.installed(monkeypatch):
        yield made


@pytest.fixture(name="first")
def _first(secrets: Secrets) -> tuple[str, str]:
    """The first user's login, after the users were created."""
    handler.ensure()
    login = secrets.values[OLD]
    return login["username"], login["password"]


def owners(database: Database) -> dict[str, str]:
    rows = database.administer(
        "SELECT relname, pg_get_userbyid(relowner) FROM pg_class WHERE relnamespace = 'public'::regnamespace"
        " UNION SELECT proname, pg_get_userbyid(proowner) FROM pg_proc WHERE pronamespace = 'public'::regnamespace"
        " UNION SELECT typname, pg_get_userbyid(typowner) FROM pg_type"
        " WHERE typnamespace = 'public'::regnamespace AND typtype = 'e'"
        " UNION SELECT nspname, pg_get_userbyid(nspowner) FROM pg_namespace WHERE nspname IN ('public', 'odd \"name')"
    )
    return dict(rows)


def test_what_the_application_creates_belongs_to_the_owner_of_the_schema(
    database: Database, first: tuple[str, str]
) -> None:
    database.run(*first, "CREATE TABLE made (id integer GENERATED ALWAYS AS IDENTITY)", "CREATE SCHEMA later")

    assert owners(database)["made"] == owners(database)["public"] == "shop_owner"


def test_the_application_can_create_neither_roles_nor_databases(database: Database, first: tuple[str, str]) -> None:
    for statement in ("CREATE ROLE another", "CREATE DATABASE another", "DROP DATABASE shop"):
        with pytest.raises(psycopg2.Error, match=r"permission denied|must be owner|cannot drop the currently open"):
            database.run(*first, statement)


def test_objects_that_the_master_created_earlier_are_handed_over(database: Database, secrets: Secrets) -> None:
    database.administer(
        'CREATE TABLE "Old Table" (id serial PRIMARY KEY, n integer GENERATED ALWAYS AS IDENTITY)',
        "CREATE SEQUENCE alone",
        'CREATE VIEW seen AS SELECT id FROM "Old Table"',
        "CREATE MATERIALIZED VIEW kept AS SELECT 1 AS one",
        "CREATE TYPE mood AS ENUM ('fine')",
        "CREATE FUNCTION answer(integer) RETURNS integer LANGUAGE sql AS 'SELECT 42'",
        'CREATE SCHEMA "odd ""name"',
        'CREATE TABLE "odd ""name"."t" (id integer)',
        "CREATE EXTENSION citext",
    )

    handler.ensure()

    found = owners(database)
    names = {"Old Table", "alone", "seen", "kept", "mood", "answer", 'odd "name', "Old Table_id_seq", "Old Table_n_seq"}
    assert {found[name] for name in names} == {"shop_owner"}
    login = (secrets.values[OLD]["username"], secrets.values[OLD]["password"])
    database.run(*login, 'ALTER TABLE "Old Table" ADD COLUMN more text', 'DROP TABLE "odd ""name"."t"')


def test_the_master_can_still_read_and_change_what_it_handed_over(database: Database, first: tuple[str, str]) -> None:
    database.run(*first, "CREATE TABLE made AS SELECT 1 AS one")

    assert database.administer("ALTER TABLE made ADD COLUMN two integer", "SELECT one FROM made") == [(1,)]


def test_creating_the_users_again_changes_nothing_and_repairs_a_wrong_password(
    database: Database, first: tuple[str, str]
) -> None:
    database.run(*first, "CREATE TABLE made AS SELECT 1 AS one")
    database.administer("ALTER ROLE shop_1 PASSWORD 'lost'", "ALTER ROLE shop_1 RESET role")

    handler.ensure()
    handler.ensure()

    assert database.run(*first, "SELECT current_user") == [("shop_owner",)]


def test_a_refused_statement_leaves_no_partial_changes(database: Database, secrets: Secrets) -> None:
    database.run("superuser", SUPERUSER_PASSWORD, "CREATE ROLE shop_2 LOGIN SUPERUSER")

    with pytest.raises(DatabaseError, match="permission denied"):
        handler.ensure()

    assert database.administer("SELECT rolname FROM pg_roles WHERE rolname LIKE 'shop%'") == [("shop_2",)]
    database.run("superuser", SUPERUSER_PASSWORD, "DROP ROLE shop_2")
    handler.ensure()


def test_no_password_is_in_any_statement(database: Database, secrets: Secrets, monkeypatch: pytest.MonkeyPatch) -> None:
    statements: list[str] = []
    plain = Connection.query

    def query(connection: Connection, statement: str) -> Any:
        statements.append(statement)
        return plain(connection, statement)

    monkeypatch.setattr(Connection, "query", query)

    handler.ensure()

    assert statements
    assert not [statement for statement in statements if "password" in statement.replace("PASSWORD", "")]


def rotate() -> None:
    for step in ("createSecret", "setSecret", "testSecret", "finishSecret"):
        rotation.main({"Step": step, "SecretId": APPLICATION, "ClientRequestToken": NEW}, None)


def test_a_rotation_switches_to_the_other_user_and_keeps_the_first_ones_login(
    database: Database, secrets: Secrets, first: tuple[str, str]
) -> None:
    database.run(*first, "CREATE TABLE made AS SELECT 1 AS one")

    rotate()

    assert secrets.url == f"postgresql://shop_2:second-password@{database.address}:5432/shop?sslmode=verify-full"
    assert database.run("shop_2", "second-password", "ALTER TABLE made ADD COLUMN two integer", "SELECT one FROM made")
    assert database.run(*first, "SELECT current_user") == [("shop_owner",)]


def test_a_table_in_use_fails_the_hand_over_instead_of_stopping_the_application(
    database: Database, secrets: Secrets
) -> None:
    database.administer("CREATE TABLE busy (id integer)")
    connection = psycopg2.connect(
        host=database.address, dbname="shop", user="master", password=MASTER_LOGIN["password"], sslmode="require"
    )
    with closing(connection), connection.cursor() as cursor:
        cursor.execute("SELECT * FROM busy")
        with pytest.raises(DatabaseError, match="lock timeout"):
            handler.ensure()
    handler.ensure()
    assert owners(database)["busy"] == "shop_owner"
