"""AWS::SecretsManager::*: secrets with generated values, rotation schedules, resource policies."""

from __future__ import annotations

import json
from typing import Any

from localcloud import adapter
from localcloud.adapter import Props, Result

SYMBOLS: tuple[str, ...] = ()

_GENERATION = (
    "ExcludeCharacters",
    "ExcludeLowercase",
    "ExcludeNumbers",
    "ExcludePunctuation",
    "ExcludeUppercase",
    "IncludeSpace",
    "PasswordLength",
    "RequireEachIncludedType",
)


def value(props: Props) -> str | None:
    """Returns the secret's first value: the template's, or one generated with GetRandomPassword."""
    if "SecretString" in props:
        written = props["SecretString"]
        return written if isinstance(written, str) else json.dumps(written)
    rules = props.get("GenerateSecretString")
    if rules is None:
        return None
    wanted = {name: rules[name] for name in _GENERATION if name in rules}
    password = str(adapter.call("secretsmanager", "get_random_password", wanted)["RandomPassword"])
    if not rules.get("GenerateStringKey"):
        return password
    return json.dumps({**json.loads(rules.get("SecretStringTemplate") or "{}"), rules["GenerateStringKey"]: password})


def create(logical_id: str, props: Props, stack_name: str) -> Result:
    """Create a secret; its physical ID is the ARN."""
    # As CloudFormation does: the logical ID and a random suffix, without the stack's name.
    generated = adapter.physical_name(stack_name, logical_id, max_len=256).removeprefix(f"{stack_name}-")
    name = props.get("Name") or generated
    arguments: Props = {"Name": name, **adapter.without(props, "Name", "GenerateSecretString", "ReplicaRegions")}
    first = value(props)
    if first is not None:
        arguments["SecretString"] = first
    arn = str(adapter.call("secretsmanager", "create_secret", arguments)["ARN"])
    _replicate(arn, props)
    return arn, {"Id": arn}


def update(physical_id: str, old: Props, new: Props, stack_name: str) -> Result:
    """Update the secret; its value is kept unless the properties that determine it have changed."""
    if adapter.changed(old, new, "Name"):
        return adapter.replace(create, adapter.logical_id_of(physical_id), new, stack_name)
    arguments: dict[str, Any] = {"SecretId": physical_id, "Description": new.get("Description", "")}
    if new.get("KmsKeyId"):
        arguments["KmsKeyId"] = new["KmsKeyId"]
    if adapter.changed(old, new, "SecretString", "GenerateSecretString"):
        arguments["SecretString"] = value(new) or ""
    api = adapter.client("secretsmanager")
    api.update_secret(**arguments)
    before, after = adapter.tags(old.get("Tags")), adapter.tags(new.get("Tags"))
    if removed := sorted(set(before) - set(after)):
        api.untag_resource(SecretId=physical_id, TagKeys=removed)
    if after != before and after:
        api.tag_resource(SecretId=physical_id, Tags=[{"Key": key, "Value": text} for key, text in after.items()])
    if adapter.changed(old, new, "ReplicaRegions"):
        _replicate(physical_id, new)
    return physical_id, {"Id": physical_id}


def delete(physical_id: str, _props: Props) -> None:
    """Delete without a recovery window, so that a new stack can use the same name."""
    adapter.client("secretsmanager").delete_secret(SecretId=physical_id, ForceDeleteWithoutRecovery=True)


def _replicate(arn: str, props: Props) -> None:
    if props.get("ReplicaRegions"):
        adapter.call(
            "secretsmanager",
            "replicate_secret_to_regions",
            {"SecretId": arn, "AddReplicaRegions": props["ReplicaRegions"]},
        )


# --- rotation schedules ----------------------------------------------------------------------------------------------


def schedule(_logical_id: str, props: Props, _stack_name: str) -> Result:
    """Set the rotation schedule; as on AWS, rotate immediately unless RotateImmediatelyOnUpdate is false."""
    if props.get("HostedRotationLambda"):
        raise ValueError("HostedRotationLambda needs AWS's serverless application repository; give RotationLambdaARN")
    adapter.call(
        "secretsmanager",
        "rotate_secret",
        {
            **adapter.without(props, "RotateImmediatelyOnUpdate"),
            "RotateImmediately": props.get("RotateImmediatelyOnUpdate", True),
        },
    )
    return str(props["SecretId"]), {"Id": props["SecretId"]}


def reschedule(physical_id: str, old: Props, new: Props, stack_name: str) -> Result:
    """Set the schedule again; another secret replaces it."""
    if adapter.changed(old, new, "SecretId"):
        return adapter.replace(schedule, adapter.logical_id_of(physical_id), new, stack_name)
    return schedule("", new, stack_name)


def unschedule(physical_id: str, _props: Props) -> None:
    """Cancel the rotation."""
    adapter.client("secretsmanager").cancel_rotate_secret(SecretId=physical_id)


def put_policy(_logical_id: str, props: Props, _stack_name: str) -> Result:
    """Attach a resource policy."""
    adapter.call("secretsmanager", "put_resource_policy", props)
    return str(props["SecretId"]), {"Id": props["SecretId"]}


def update_policy(_physical_id: str, _old: Props, new: Props, stack_name: str) -> Result:
    """Attach the resource policy again."""
    return put_policy("", new, stack_name)


def delete_policy(physical_id: str, _props: Props) -> None:
    """Delete the resource policy."""
    adapter.client("secretsmanager").delete_resource_policy(SecretId=physical_id)


def install() -> None:
    """Register the resource types."""
    adapter.override("AWS::SecretsManager::Secret", create=create, update=update, delete=delete)
    adapter.register("AWS::SecretsManager::RotationSchedule", schedule, unschedule, reschedule)
    adapter.register("AWS::SecretsManager::ResourcePolicy", put_policy, delete_policy, update_policy)
