"""Drift detection of more resource types: each has a reader that compares a service's record with the template.

MiniStack detects drift and has readers of its own. A type without a reader is NOT_CHECKED, as on AWS.
docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/using-cfn-stack-drift.html
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from ministack.services import alb, cloudformation, cloudwatch, ec2, ecs, iam, rds, secretsmanager
from ministack.services.cloudformation import drift

SYMBOLS: tuple[str, ...] = (
    "ministack.services.alb:_tgs",
    "ministack.services.cloudformation.drift:_DRIFT_READERS",
    "ministack.services.cloudformation:_stacks",
    "ministack.services.cloudwatch:_alarms",
    "ministack.services.ec2:_security_groups",
    "ministack.services.ecs:_clusters",
    "ministack.services.ecs:_services",
    "ministack.services.iam:_roles",
    "ministack.services.rds:_instances",
    "ministack.services.secretsmanager:_secrets",
)

Props = Mapping[str, Any]
Current = dict[str, Any] | None
Reader = Callable[[str, Props], Current]

_ALARM = (
    "ActionsEnabled",
    "AlarmActions",
    "AlarmDescription",
    "ComparisonOperator",
    "DatapointsToAlarm",
    "EvaluationPeriods",
    "MetricName",
    "Namespace",
    "OKActions",
    "Period",
    "Statistic",
    "Threshold",
    "TreatMissingData",
)
_SERVICE = {
    "DesiredCount": "desiredCount",
    "EnableExecuteCommand": "enableExecuteCommand",
    "HealthCheckGracePeriodSeconds": "healthCheckGracePeriodSeconds",
    "LaunchType": "launchType",
    "ServiceName": "serviceName",
    "TaskDefinition": "taskDefinition",
}
_DATABASE = (
    "AllocatedStorage",
    "BackupRetentionPeriod",
    "DBInstanceClass",
    "DeletionProtection",
    "MultiAZ",
    "PubliclyAccessible",
    "StorageEncrypted",
)
_TARGETS = (
    "HealthCheckIntervalSeconds",
    "HealthCheckPath",
    "HealthCheckPort",
    "HealthCheckProtocol",
    "HealthCheckTimeoutSeconds",
    "HealthyThresholdCount",
    "Port",
    "Protocol",
    "TargetType",
    "UnhealthyThresholdCount",
)
_RANGES = {"IpRanges": "CidrIp", "Ipv6Ranges": "CidrIpv6"}
_PEERS = {"Ingress": "Source", "Egress": "Destination"}


def _given(record: Mapping[str, Any] | None, names: Iterable[str]) -> Current:
    """Returns the named members of a record that have a value."""
    if record is None:
        return None
    return {name: _number(record[name]) for name in names if record.get(name) is not None}


def _number(value: Any) -> Any:
    """Returns 10 for 10.0: templates write numbers without a fraction."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


# --- security groups -------------------------------------------------------------------------------------------------


def _security_group(physical_id: str, _props: Props) -> Current:
    """Rules that the template defines as resources of their own belong to no property of the group."""
    group = ec2._security_groups.get(physical_id)
    if group is None:
        return None
    found: dict[str, Any] = {"GroupDescription": group.get("Description"), "VpcId": group.get("VpcId")}
    for direction, permissions in (("Ingress", "IpPermissions"), ("Egress", "IpPermissionsEgress")):
        elsewhere = [_key(rule) for rule in _separate(physical_id, direction)]
        rules = []
        for rule in _rules(group.get(permissions) or (), direction):
            if _key(rule) in elsewhere:
                elsewhere.remove(_key(rule))
            else:
                rules.append(rule)
        found[f"SecurityGroup{direction}"] = rules
    return found


def _rules(permissions: Iterable[Props], direction: str) -> Iterator[dict[str, Any]]:
    """Yields the rules of a group as a template writes them, one for each peer."""
    peer = _PEERS[direction]
    for permission in permissions:
        ports = {name: permission[name] for name in ("FromPort", "ToPort") if permission.get(name) is not None}
        common = {"IpProtocol": permission["IpProtocol"], **ports}
        peers = [(entry, {key: entry[key]}) for name, key in _RANGES.items() for entry in permission.get(name) or ()]
        peers += [
            (entry, {f"{peer}PrefixListId": entry["PrefixListId"]}) for entry in permission.get("PrefixListIds") or ()
        ]
        peers += [
            (entry, {f"{peer}SecurityGroupId": entry["GroupId"]}) for entry in permission.get("UserIdGroupPairs") or ()
        ]
        for entry, named in peers:
            described = {"Description": entry["Description"]} if entry.get("Description") else {}
            yield {**common, **named, **described}


def _separate(group: str, direction: str) -> Iterator[Props]:
    """Yields the properties of the rules that stacks define as resources of their own."""
    for stack in cloudformation._stacks.values():
        for record in stack.get("_resources", {}).values():
            props = record.get("Properties") or {}
            if record.get("ResourceType") == f"AWS::EC2::SecurityGroup{direction}" and props.get("GroupId") == group:
                yield props


def _key(rule: Props) -> tuple[str, ...]:
    """Returns what tells two rules of one group apart; a description does not."""
    names = ("IpProtocol", "FromPort", "ToPort", *_RANGES.values())
    peers = (f"{peer}{kind}" for peer in _PEERS.values() for kind in ("PrefixListId", "SecurityGroupId"))
    return tuple(str(rule.get(name, "")) for name in (*names, *peers))


# --- other types -----------------------------------------------------------------------------------------------------


def _alarm(physical_id: str, _props: Props) -> Current:
    return _given(cloudwatch._alarms.get(physical_id), _ALARM)


def _service(physical_id: str, props: Props) -> Current:
    cluster, name = str(props.get("Cluster", "default")).rpartition("/")[2], physical_id.rpartition("/")[2]
    service = ecs._services.get(f"{cluster}/{name}")
    if service is None or service.get("status") != "ACTIVE":
        return None
    return {name: service[key] for name, key in _SERVICE.items() if service.get(key) is not None}


def _cluster(physical_id: str, _props: Props) -> Current:
    return {} if physical_id in ecs._clusters else None


def _database(physical_id: str, _props: Props) -> Current:
    return _given(rds._instances.get(physical_id), _DATABASE)


def _target_group(physical_id: str, _props: Props) -> Current:
    return _given(alb._tgs.get(physical_id), _TARGETS)


def _secret(physical_id: str, props: Props) -> Current:
    """The physical id of a secret is its ARN here, and its name in MiniStack's store."""
    found = next((name for name, secret in secretsmanager._secrets.items() if secret.get("ARN") == physical_id), "")
    return _builtin_secret(found, props)


def _policy(physical_id: str, props: Props) -> Current:
    """An inline policy; CloudFormation puts the same one onto each role, and a change of any of them is drift."""
    name = props.get("PolicyName") or physical_id
    documents = [(iam._roles.get(role) or {}).get("InlinePolicies", {}).get(name) for role in props.get("Roles") or ()]
    if None in documents:
        return None
    parsed = [json.loads(document) if isinstance(document, str) else document for document in documents]
    changed = [document for document in parsed if document != props.get("PolicyDocument")]
    return {"PolicyDocument": (changed or parsed)[0]} if parsed else {}


_SECRET = "AWS::SecretsManager::Secret"  # noqa: S105 - a type
_builtin_secret: Reader = drift._DRIFT_READERS[_SECRET][0]
_READERS: Mapping[str, tuple[Reader, frozenset[str]]] = {
    "AWS::CloudWatch::Alarm": (_alarm, frozenset(_ALARM)),
    "AWS::EC2::SecurityGroup": (
        _security_group,
        frozenset({"GroupDescription", "SecurityGroupEgress", "SecurityGroupIngress", "VpcId"}),
    ),
    "AWS::ECS::Cluster": (_cluster, frozenset()),
    "AWS::ECS::Service": (_service, frozenset(_SERVICE)),
    "AWS::ElasticLoadBalancingV2::TargetGroup": (_target_group, frozenset(_TARGETS)),
    "AWS::IAM::Policy": (_policy, frozenset({"PolicyDocument"})),
    _SECRET: (_secret, drift._DRIFT_READERS[_SECRET][1]),
    "AWS::RDS::DBInstance": (_database, frozenset(_DATABASE)),
}


def install() -> None:
    """Add the readers."""
    drift._DRIFT_READERS.update(_READERS)
