"""RestoreDBInstanceToPointInTime: PostgreSQL archives its WAL, and a new container replays it up to the given time.

Each instance with a backup retention has one base backup, created when it is available for the first time, and every
WAL segment since then. A restore copies both into the container of a new instance, where PostgreSQL recovers from them
(postgresql.org/docs/18/continuous-archiving.html).
"""

from __future__ import annotations

import logging
import shlex
import time
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from docker.models.containers import Container
from ministack.core.concurrency import spawn_background
from ministack.services import rds

from localcloud.rds import databases

SYMBOLS = (
    "ministack.core.concurrency:spawn_background",
    "ministack.services.rds:_ACTION_MAP",
    "ministack.services.rds:_create_db_instance",
    "ministack.services.rds:_error",
    "ministack.services.rds:_get_docker",
    "ministack.services.rds:_instances",
    "ministack.services.rds:_is_postgres_engine",
    "ministack.services.rds:_p",
    "ministack.services.rds:_rotate_instance_password",
    "ministack.services.rds:_run_rds_container",
    "ministack.services.rds:_single_instance_response",
    "ministack.services.rds:_wait_for_database_ready",
)

_FOLDER = "/tmp/localcloud-backup"  # noqa: S108 - in the container, where every user of the image may write
_READY = "/tmp/localcloud-restore"  # noqa: S108 - the same
#: PostgreSQL's options that enable archiving.
ARCHIVING = (
    *("-c", "archive_mode=on"),
    *("-c", f'archive_command=mkdir -p {_FOLDER}/wal && test ! -e {_FOLDER}/wal/%f && cp "%p" {_FOLDER}/wal/%f'),
)
# A file that disappears during the copy is created again by the recovery.
_COPY = f"""
rm -rf {_FOLDER}/base && mkdir -p {_FOLDER}/wal
cp -a "$PGDATA" {_FOLDER}/base 2>{_FOLDER}/errors || ! grep -v 'No such file' {_FOLDER}/errors
rm -rf {_FOLDER}/base/pg_wal/* {_FOLDER}/base/postmaster.pid
"""
# At its first start the new container waits for the source's files; after a restart it has its own data.
_RECOVER = f"""\
if [ ! -s "$PGDATA/PG_VERSION" ]; then
  until [ -e {_READY} ]; do sleep 0.1; done
  mkdir -p "$PGDATA" && cp -a {_FOLDER}/base/. "$PGDATA"/ && touch "$PGDATA/recovery.signal"
  chown -R postgres:postgres "$PGDATA" {_FOLDER} && chmod 700 "$PGDATA"
fi
exec docker-entrypoint.sh postgres FLAGS "$@"
"""
_INHERITED = (
    "Engine",
    "EngineVersion",
    "DBInstanceClass",
    "AllocatedStorage",
    "MasterUsername",
    "DBName",
    "StorageType",
)
_PATIENCE_SECONDS = 60.0

logger = logging.getLogger("localcloud")


@dataclass(frozen=True)
class Restore:
    """A restore in progress: the source instance, and the time to restore to."""

    source: dict[str, Any]
    until: datetime | None


_pending: dict[str, Restore] = {}
_restorable_since: dict[str, datetime] = {}  # resource ID -> time of the completed base backup


def base_backup(instance: Mapping[str, Any]) -> None:
    """Copy an instance's files, as pg_basebackup does; not every image has that tool."""
    client = rds._get_docker()
    container = client.containers.get(instance["_docker_container_id"])
    with closing(databases.connect(instance)) as connection, connection.cursor() as cursor:
        cursor.execute("SELECT pg_backup_start('localcloud', fast => true)")
        databases.edit(container, _COPY)
        cursor.execute("SELECT labelfile FROM pg_backup_stop(wait_for_archive => false)")
        label = cursor.fetchone()[0]
        databases.edit(container, f"cat >{_FOLDER}/base/backup_label <<'LABEL'\n{label}\nLABEL")
    _restorable_since[instance["DbiResourceId"]] = datetime.now(UTC)


def first_ready(instance: dict[str, Any]) -> None:
    """Create an instance's base backup once, in the background."""
    known = instance["DbiResourceId"] in _restorable_since or not int(instance.get("BackupRetentionPeriod") or 0)
    if not known and instance.get("_docker_container_id") and not instance.get("_backed_up"):
        instance["_backed_up"] = True
        spawn_background(_back_up, instance, thread_name="localcloud-backup")


def _back_up(instance: dict[str, Any]) -> None:
    try:
        base_backup(instance)
    except Exception:  # the instance works without a backup; a restore reports that there is none
        logger.exception("no base backup of %s", instance["DBInstanceIdentifier"])


def archive(instance: Mapping[str, Any]) -> None:
    """Waits until the archive contains every change up to now.

    Raises:
        TimeoutError: if PostgreSQL does not archive in time.
    """
    with closing(databases.connect(instance)) as connection, connection.cursor() as cursor:
        # The recovery stops at the first transaction after the requested time, so there must be one.
        cursor.execute("SELECT pg_current_xact_id()")
        cursor.execute("SELECT pg_walfile_name(pg_switch_wal())")
        wanted = cursor.fetchone()[0]
        deadline = time.monotonic() + _PATIENCE_SECONDS
        while time.monotonic() < deadline:
            cursor.execute("SELECT last_archived_wal >= %s FROM pg_stat_archiver", (wanted,))
            if cursor.fetchone()[0]:
                return
            time.sleep(0.1)
    raise TimeoutError(f"PostgreSQL has not archived {wanted}")


def restore(params: Any) -> Any:
    """Carries out RestoreDBInstanceToPointInTime."""
    source, target = rds._p(params, "SourceDBInstanceIdentifier"), rds._p(params, "TargetDBInstanceIdentifier")
    instance = rds._instances.get(source)
    if instance is None:
        return rds._error("DBInstanceNotFound", f"DBInstance {source} not found.", 404)
    if target in rds._instances:
        return rds._error("DBInstanceAlreadyExists", f"DBInstance {target} already exists.", 400)
    since = _restorable_since.get(instance["DbiResourceId"])
    if not rds._is_postgres_engine(instance["Engine"]) or since is None or not instance.get("_docker_container_id"):
        why = f"{source} has no backup: its retention is 0, it is not a running PostgreSQL, or it is minutes old"
        return rds._error("PointInTimeRestoreNotEnabled", why, 400)
    latest = rds._p(params, "UseLatestRestorableTime") == "true"
    until = None if latest else _moment(rds._p(params, "RestoreTime"))
    if not latest and (until is None or not since <= until <= datetime.now(UTC)):
        span = f"between {since.isoformat(timespec='seconds')} and now"
        return rds._error("InvalidParameterValue", f"RestoreTime must be {span}, or give UseLatestRestorableTime", 400)
    _pending[target] = Restore(instance, until)
    inherited = {name: str(instance[name]) for name in _INHERITED if instance.get(name)}
    given = {
        key: value for key, value in params.items() if not key.startswith(("SourceDB", "TargetDB", "Restore", "UseL"))
    }
    answer = rds._create_db_instance(
        {
            **inherited,
            "DBParameterGroupName": instance["DBParameterGroups"][0]["DBParameterGroupName"],
            "BackupRetentionPeriod": str(instance["BackupRetentionPeriod"]),
            **given,
            "MasterUserPassword": _password(instance, until),
            "DBInstanceIdentifier": target,
        }
    )
    _pending.pop(target, None)
    if target not in rds._instances:
        return answer
    name = "RestoreDBInstanceToPointInTime"
    return rds._single_instance_response(f"{name}Response", f"{name}Result", rds._instances[target])


def _moment(text: str) -> datetime | None:
    try:
        found = datetime.fromisoformat(text.replace("Z", "+00:00"))
    except ValueError:
        return None
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def _password(instance: Mapping[str, Any], until: datetime | None) -> str:
    """Returns the master password at that time."""
    current = str(instance["_MasterUserPassword"])
    later = [old for at, old in instance.get("_former_passwords", ()) if until is not None and at > until]
    return str(later[0]) if later else current


def _deliver(source: Mapping[str, Any], target: Container) -> None:
    """Copy the files for which the new container waits; if that fails, stop it, so that the instance fails."""
    try:
        archive(source)
        stream, _ = rds._get_docker().containers.get(source["_docker_container_id"]).get_archive(_FOLDER)
        target.put_archive("/tmp", b"".join(stream))  # noqa: S108 - in the container
        target.exec_run(["touch", _READY], user="root")
    except Exception:  # the API call has already returned
        logger.exception("no files for the restore of %s", source["DBInstanceIdentifier"])
        target.stop(timeout=0)


def install() -> None:
    """Enable archiving, and add the operation to the API."""
    run, change, wait = rds._run_rds_container, rds._rotate_instance_password, rds._wait_for_database_ready

    def running(client: Any, engine: str, arguments: dict[str, Any], **names: Any) -> Any:
        wanted = _pending.get((arguments.get("labels") or {}).get("db_id", ""))
        if rds._is_postgres_engine(engine) and not arguments.get("command"):
            flags = [*databases.QUICK, *ARCHIVING]
            if wanted is None:
                arguments["command"] = ["postgres", *flags]
            else:
                flags += ["-c", f"restore_command=cp {_FOLDER}/wal/%f %p", "-c", "recovery_target_action=promote"]
                if wanted.until is not None:
                    flags += ["-c", f"recovery_target_time={wanted.until.isoformat(sep=' ')}"]
                arguments["command"] = ["sh", "-c", _RECOVER.replace("FLAGS", shlex.join(flags))]
        container = run(client, engine, arguments, **names)
        if wanted is not None:
            # In the background, as on RDS: the instance is `creating` until it has recovered.
            spawn_background(_deliver, wanted.source, container, thread_name="localcloud-restore")
        return container

    def changing(instance: dict[str, Any], old: str, new: str) -> None:
        change(instance, old, new)
        instance.setdefault("_former_passwords", []).append((datetime.now(UTC), old))

    def waiting(address: str, *rest: Any) -> bool:
        ready = bool(wait(address, *rest))
        for instance in list(rds._instances.values()):
            if ready and instance.get("_internal_address") == address:
                first_ready(instance)
        return ready

    rds._wait_for_database_ready = waiting
    rds._run_rds_container = running
    rds._rotate_instance_password = changing
    rds._ACTION_MAP["RestoreDBInstanceToPointInTime"] = restore
