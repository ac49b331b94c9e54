"""AWS::RDS::DBInstance with a real PostgreSQL container."""

from __future__ import annotations

import logging
from typing import Any

from ministack.services import rds

from localcloud import adapter, containers, settings
from localcloud.adapter import Builtin, Props, Result
from localcloud.rds import databases

SYMBOLS = (
    "ministack.services.rds:_default_engine_version",
    "ministack.services.rds:_docker_image_for_engine",
    "ministack.services.rds:_get_docker",
    "ministack.services.rds:_instances",
)

TYPE = "AWS::RDS::DBInstance"
#: Properties that only control CloudFormation's procedure, or that a local database cannot have.
_NOT_API = {
    "AllowMajorVersionUpgrade",
    "AssociatedRoles",
    "AutomaticBackupReplicationKmsKeyId",
    "AutomaticBackupReplicationRegion",
    "AutomaticBackupReplicationRetentionPeriod",
    "CertificateDetails",
    "CertificateRotationRestart",
    "DBSnapshotIdentifier",
    "DeleteAutomatedBackups",
    "Endpoint",
    "RestoreTime",
    "SourceDBInstanceIdentifier",
    "StorageThroughput",
    "UseDefaultProcessorFeatures",
    "UseLatestRestorableTime",
}
_CREATE_ONLY = {
    "AvailabilityZone",
    "CharacterSetName",
    "DBClusterIdentifier",
    "DBInstanceIdentifier",
    "DBName",
    "DBSubnetGroupName",
    "KmsKeyId",
    "MasterUsername",
    "NcharCharacterSetName",
    "StorageEncrypted",
    "Tags",
    "Timezone",
}
#: Properties that MiniStack's API does not store.
_STORED = {
    "EnableCloudwatchLogsExports": "EnabledCloudwatchLogsExports",
    "PerformanceInsightsKMSKeyId": "PerformanceInsightsKMSKeyId",
    "StorageThroughput": "StorageThroughput",
}
_RENAMED = {"VPCSecurityGroups": "VpcSecurityGroupIds"}

logger = logging.getLogger("localcloud")


class DatabaseFailedError(ValueError):
    """The instance did not become available."""


def _parameters(props: Props) -> Props:
    wanted = adapter.without(props, "ApplyImmediately")
    return {_RENAMED.get(name, name): value for name, value in wanted.items()}


def create(logical_id: str, props: Props, stack_name: str) -> Result:
    """Create the instance through the API, which starts a container, and wait until it is available."""
    name = props.get("DBInstanceIdentifier") or adapter.physical_name(
        stack_name, logical_id, max_len=63, lowercase=True
    )
    _require_image(props)
    adapter.call("rds", "create_db_instance", {**_parameters(props), "DBInstanceIdentifier": name}, ignore=_NOT_API)
    try:
        instance = _available(name)
    except Exception:
        _drop(name)  # without a physical id the rollback cannot
        raise
    _store(name, props)
    return name, _attributes(instance)


def _require_image(props: Props) -> None:
    client = rds._get_docker() if settings.current().docker else None
    if client is None:
        return
    engine = str(props.get("Engine", "postgres"))
    version = str(props.get("EngineVersion") or rds._default_engine_version(engine))
    image = rds._docker_image_for_engine(engine, version, "u", "p", "d")[0]
    if image is None:
        raise DatabaseFailedError(f"the local cloud has no container for the engine {engine}")
    containers.require(client, image)


def _available(name: str) -> dict[str, Any]:
    api = adapter.client("rds")

    def describe() -> dict[str, Any]:
        return dict(api.describe_db_instances(DBInstanceIdentifier=name)["DBInstances"][0])

    adapter.wait_until(lambda: describe()["DBInstanceStatus"] != "creating", f"DB instance {name} being created")
    instance = describe()
    if instance["DBInstanceStatus"] != "available":
        raise DatabaseFailedError(f"DB instance {name} is {instance['DBInstanceStatus']}")
    if settings.current().docker and not rds._instances[name].get("_docker_container_id"):
        raise DatabaseFailedError(f"DB instance {name} has no container; see the server's log")
    return instance


def _attributes(instance: dict[str, Any]) -> dict[str, Any]:
    return {
        "Endpoint.Address": instance["Endpoint"]["Address"],
        "Endpoint.Port": str(instance["Endpoint"]["Port"]),
        "Endpoint.HostedZoneId": instance["Endpoint"].get("HostedZoneId", ""),
        "DbiResourceId": instance["DbiResourceId"],
        "DBInstanceArn": instance["DBInstanceArn"],
        "MasterUserSecret.SecretArn": instance.get("MasterUserSecret", {}).get("SecretArn", ""),
    }


def _store(name: str, props: Props) -> None:
    record = rds._instances[name]
    for prop, field in _STORED.items():
        if prop in props:
            record[field] = props[prop]


def update(physical_id: str, old: Props, new: Props, stack_name: str) -> Result:
    """Modify the instance immediately; a changed create-only property replaces it."""
    if adapter.changed(old, new, *(_CREATE_ONLY - {"Tags"})):
        return adapter.replace(create, adapter.logical_id_of(physical_id), new, stack_name)
    changed = {name: value for name, value in new.items() if old.get(name) != value and name not in _CREATE_ONLY}
    if changed:
        if "EngineVersion" in changed:
            logger.warning(
                "%s: the new engine version is only recorded; the container still runs the old one", physical_id
            )
        adapter.call(
            "rds",
            "modify_db_instance",
            {**_parameters(changed), "DBInstanceIdentifier": physical_id, "ApplyImmediately": True},
            ignore=_NOT_API | {"EnableCloudwatchLogsExports"},
        )
    _store(physical_id, new)
    record = rds._instances[physical_id]
    if "DBParameterGroupName" in changed:
        databases.apply(record)
    record["PendingModifiedValues"] = {}
    _sync_tags(record["DBInstanceArn"], old, new)
    return physical_id, _attributes(_available(physical_id))


def _sync_tags(arn: str, old: Props, new: Props) -> None:
    before, after = adapter.tags(old.get("Tags")), adapter.tags(new.get("Tags"))
    api = adapter.client("rds")
    if removed := sorted(set(before) - set(after)):
        api.remove_tags_from_resource(ResourceName=arn, TagKeys=removed)
    if before != after and after:
        tags = [{"Key": key, "Value": value} for key, value in after.items()]
        api.add_tags_to_resource(ResourceName=arn, Tags=tags)


def _drop(name: str) -> None:
    api = adapter.client("rds")
    with adapter.ignore_not_found():
        api.modify_db_instance(DBInstanceIdentifier=name, DeletionProtection=False, ApplyImmediately=True)
        api.delete_db_instance(DBInstanceIdentifier=name, SkipFinalSnapshot=True)


def delete(physical_id: str, _props: Props) -> None:
    """Delete the instance, unless it has deletion protection; CloudFormation records a final snapshot before."""
    adapter.client("rds").delete_db_instance(DBInstanceIdentifier=physical_id, SkipFinalSnapshot=True)


def install() -> None:
    """Replace MiniStack's handlers, which start no container."""
    original = adapter.builtin(TYPE)

    def creating(logical_id: str, props: Props, stack_name: str) -> Result:
        member = bool(props.get("DBClusterIdentifier"))
        return original.create(logical_id, props, stack_name) if member else create(logical_id, props, stack_name)

    def updating(physical_id: str, old: Props, new: Props, stack_name: str) -> Result:
        if new.get("DBClusterIdentifier"):
            return _delegate(original, physical_id, (old, new), stack_name)
        return update(physical_id, old, new, stack_name)

    adapter.override(TYPE, create=creating, update=updating, delete=delete)


def _delegate(original: Builtin, physical_id: str, change: tuple[Props, Props], stack_name: str) -> Result:
    return original.update(physical_id, *change, stack_name, adapter.logical_id_of(physical_id))
