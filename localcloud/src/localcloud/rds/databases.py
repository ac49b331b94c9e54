"""PostgreSQL containers of RDS: readiness, forced TLS, parameter groups, and a new master password."""

from __future__ import annotations

import logging
import socket
import struct
import time
from collections.abc import Callable, Mapping
from contextlib import closing
from typing import Any

import psycopg2
from docker.models.containers import Container
from ministack.core.concurrency import spawn_background
from ministack.services import rds
from psycopg2 import sql

from localcloud import containers, settings

SYMBOLS = (
    "ministack.core.concurrency:spawn_background",
    "ministack.services.rds:_ACTION_MAP",
    "ministack.services.rds:_get_docker",
    "ministack.services.rds:_instances",
    "ministack.services.rds:_is_postgres_engine",
    "ministack.services.rds:_modify_param_group",
    "ministack.services.rds:_p",
    "ministack.services.rds:_param_groups",
    "ministack.services.rds:_reset_param_group",
    "ministack.services.rds:_rotate_instance_password",
    "ministack.services.rds:_run_rds_container",
    "ministack.services.rds:_wait_for_database_ready",
)

FORCED_BY_DEFAULT_FROM = 15  # since this major version, RDS's default parameter group forces TLS
_SSL_REQUEST = struct.pack("!ii", 8, 80877103)
QUICK = ("-c", "fsync=off", "-c", "full_page_writes=off")  # the data need not survive a crash of the machine
_REJECT = "hostnossl all all all reject"

logger = logging.getLogger("localcloud")


class DatabaseError(RuntimeError):
    """A command in the database's container failed."""


def connect(instance: Mapping[str, Any], password: str | None = None) -> Any:
    """Returns a connection as the master user, in autocommit mode."""
    connection = psycopg2.connect(
        host=instance.get("_internal_address") or "127.0.0.1",
        port=int(instance.get("_internal_port") or instance["Endpoint"]["Port"]),
        user=instance["MasterUsername"],
        password=password or instance["_MasterUserPassword"],
        dbname=instance.get("DBName") or "postgres",
        sslmode="require",
        connect_timeout=5,
    )
    connection.autocommit = True
    return connection


def edit(container: Container, script: str) -> None:
    """Run a shell script in the container as the user `postgres`."""
    done: Any = container.exec_run(["sh", "-c", script], user="postgres")
    if done.exit_code:
        raise DatabaseError(done.output.decode(errors="replace").strip())


def accepts(address: str, port: int) -> bool:
    """True if PostgreSQL accepts TLS connections."""
    try:
        with socket.create_connection((address, port), timeout=2) as connection:
            connection.sendall(_SSL_REQUEST)
            return connection.recv(1) == b"S"
    except OSError:
        return False


def parameters(instance: Mapping[str, Any]) -> dict[str, str]:
    """Returns the parameters of the instance's parameter group."""
    name = instance["DBParameterGroups"][0]["DBParameterGroupName"]
    group = rds._param_groups.get(name) or {}
    return {key: str(value["ParameterValue"]) for key, value in (group.get("Parameters") or {}).items()}


def forces_tls(version: str, values: Mapping[str, str]) -> bool:
    """True if connections without TLS are refused: by rds.force_ssl, or RDS's default for the version."""
    major = int(version.split(".", maxsplit=1)[0])
    return values.get("rds.force_ssl", "1" if major >= FORCED_BY_DEFAULT_FROM else "0") == "1"


def apply(instance: Mapping[str, Any]) -> None:
    """Apply the parameter group to the instance's container."""
    client = rds._get_docker()
    if not client or not instance.get("_docker_container_id"):
        return
    values = parameters(instance)
    with closing(connect(instance)) as connection, connection.cursor() as cursor:
        cursor.execute("SHOW hba_file")
        file = cursor.fetchone()[0]
        reject = f" && sed -i '1i {_REJECT}' {file}" if forces_tls(instance["EngineVersion"], values) else ""
        edit(client.containers.get(instance["_docker_container_id"]), f"sed -i '/^hostnossl /d' {file}{reject}")
        for name, value in values.items():
            if name.startswith("rds.") or "{" in value:
                continue  # parameters of RDS itself, or formulas on the instance class
            try:
                cursor.execute(sql.SQL("ALTER SYSTEM SET {} = {}").format(sql.Identifier(name), sql.Literal(value)))
            except psycopg2.Error as error:
                logger.warning("parameter %s of %s is only recorded: %s", name, instance["DBInstanceIdentifier"], error)
        cursor.execute("SELECT pg_reload_conf()")


def reapply(group: str) -> None:
    """Apply a parameter group to all its instances."""
    for instance in list(rds._instances.values()):
        if instance["DBParameterGroups"][0]["DBParameterGroupName"] == group:
            apply(instance)


def _change_password(instance: dict[str, Any], old: str, new: str) -> None:
    client = rds._get_docker()
    if not rds._is_postgres_engine(instance.get("Engine", "")):
        _original_password(instance, old, new)
    elif client and instance.get("_docker_container_id"):
        statement = sql.SQL("ALTER USER {} WITH PASSWORD {}")
        with closing(connect(instance, old)) as connection, connection.cursor() as cursor:
            cursor.execute(statement.format(sql.Identifier(instance["MasterUsername"]), sql.Literal(new)))


def _wait(address: str, port: int, engine: str, *rest: Any) -> bool:
    alive: Callable[[], bool] = rest[-1]
    if not rds._is_postgres_engine(engine):
        return bool(_original_wait(address, port, engine, *rest))
    while alive():
        if accepts(address, int(port)) and _prepared(address):
            return True
        time.sleep(0.1)
    return False


def _prepared(address: str) -> bool:
    """True if the master user can connect; the parameter group is then applied."""
    for instance in list(rds._instances.values()):
        if instance.get("_internal_address") == address:
            try:
                apply(instance)
            except psycopg2.OperationalError as error:
                logger.debug("%s is not ready: %s", instance["DBInstanceIdentifier"], error)
                return False
    return True


def _then_apply(original: Callable[[Any], Any]) -> Callable[[Any], Any]:
    def changing(params: Any) -> Any:
        answer = original(params)
        if answer[0] < 400:  # noqa: PLR2004 - an error of HTTP
            spawn_background(reapply, rds._p(params, "DBParameterGroupName"), thread_name="localcloud-parameters")
        return answer

    return changing


_original_password, _original_wait = rds._rotate_instance_password, rds._wait_for_database_ready


def install() -> None:
    """Replace MiniStack's functions, which need database drivers that are not installed."""
    run = rds._run_rds_container

    def running(client: Any, engine: str, arguments: dict[str, Any], **names: Any) -> Any:
        if rds._is_postgres_engine(engine):
            arguments.setdefault("command", ["postgres", *QUICK])
            arguments["environment"] = {"POSTGRES_INITDB_ARGS": "--no-sync", **arguments["environment"]}
        if arguments.get("network") == settings.current().network and not arguments.get("networking_config"):
            address = containers.fix_address(client.containers, arguments)
            names["tls_ips"] = (*names.get("tls_ips", ()), address)
        return run(client, engine, arguments, **names)

    for action, name in (("Modify", "_modify_param_group"), ("Reset", "_reset_param_group")):
        wrapped = _then_apply(getattr(rds, name))
        setattr(rds, name, wrapped)
        rds._ACTION_MAP[f"{action}DBParameterGroup"] = wrapped
    rds._run_rds_container = running
    rds._rotate_instance_password = _change_password
    rds._wait_for_database_ready = _wait
