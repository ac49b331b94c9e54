"""Checks of what an operator creates in Secrets Manager and KMS. No value is read."""

from __future__ import annotations

from collections.abc import Iterator

from slipway_cli.doctor.model import Finding, missing, ok
from slipway_cli.doctor.named_secrets import wanted
from slipway_cli.doctor.scene import Check, Scene, none_if


def _secrets(scene: Scene) -> Iterator[Finding]:
    named: dict[str, list[str]] = {}
    for part in scene.place.parts:
        for secret in wanted(scene.product, part):
            named.setdefault(secret.name, []).append(secret.purpose)
    for name, purposes in sorted(named.items()):
        yield _secret(scene, name, ", ".join(dict.fromkeys(purposes)))


def _secret(scene: Scene, name: str, purpose: str) -> Finding:
    check, region = f"secret {name}", f"--region {scene.region}"
    client = scene.client("secretsmanager")
    found = none_if({"ResourceNotFoundException"}, client.describe_secret, SecretId=name)
    if found is None:
        fix = f"aws secretsmanager create-secret --name {name} --secret-string file:///dev/stdin {region}"
        return missing(check, f"does not exist ({purpose})", fix)
    if found.get("DeletedDate"):
        fix = f"aws secretsmanager restore-secret --secret-id {name} {region}"
        return missing(check, f"is scheduled for deletion ({purpose})", fix)
    if not any("AWSCURRENT" in stages for stages in found.get("VersionIdsToStages", {}).values()):
        fix = f"aws secretsmanager put-secret-value --secret-id {name} --secret-string file:///dev/stdin {region}"
        return missing(check, f"has no value ({purpose})", fix)
    return ok(check, f"has a value ({purpose})")


def _app_key(scene: Scene) -> Iterator[Finding]:
    pipeline = scene.product.pipeline
    if not scene.tooling or pipeline is None or pipeline.github.app_key_arn is None:
        return
    arn, check = pipeline.github.app_key_arn, "key of the GitHub App"
    region = arn.split(":")[3]
    found = none_if({"NotFoundException"}, scene.client("kms", region).describe_key, KeyId=arn)
    fix = "import the App's key as docs/deploying-to-aws.md says, then write its ARN in pipeline.github.app_key_arn"
    if found is None:
        yield missing(check, f"{arn} does not exist", fix)
        return
    key = found["KeyMetadata"]
    if key.get("KeyState") != "Enabled":
        fix = f"aws kms enable-key --key-id {arn} --region {region}"
        yield missing(check, f"is {key.get('KeyState')}: import the App's private key, or enable it", fix)
    elif key.get("KeyUsage") != "SIGN_VERIFY" or not str(key.get("KeySpec", "")).startswith("RSA"):
        yield missing(check, f"is {key.get('KeySpec')} for {key.get('KeyUsage')}, not RSA for SIGN_VERIFY", fix)
    else:
        yield ok(check, f"{key['KeySpec']}, enabled")


CHECKS = (Check("secrets", _secrets), Check("key of the GitHub App", _app_key))
