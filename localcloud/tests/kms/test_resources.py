"""Keys and their aliases are created, updated and deleted."""

from __future__ import annotations

from typing import Any

import pytest

from localcloud.testing.plain import ACCOUNT, Plain, plain, resources, unique

__all__ = ["plain"]

pytestmark = pytest.mark.local


def test_the_policy_and_rotation_of_a_key_are_updated(plain: Plain) -> None:
    stack, kms = unique("key"), plain.client("kms")

    def template(*, rotate: bool, sid: str) -> dict[str, Any]:
        root = {"AWS": f"arn:aws:iam::{ACCOUNT}:root"}
        statement = {"Sid": sid, "Effect": "Allow", "Principal": root, "Action": "kms:*", "Resource": "*"}
        key = {"EnableKeyRotation": rotate, "KeyPolicy": {"Version": "2012-10-17", "Statement": [statement]}}
        alias = {"AliasName": f"alias/{stack}", "TargetKeyId": {"Ref": "Key"}}
        return resources(Key=("AWS::KMS::Key", key), Alias=("AWS::KMS::Alias", alias))

    key = plain.deploy(template(rotate=True, sid="one"), stack)["Key"]
    assert kms.get_key_rotation_status(KeyId=f"alias/{stack}")["KeyRotationEnabled"]
    plain.deploy(template(rotate=False, sid="two"), stack)
    assert not kms.get_key_rotation_status(KeyId=key)["KeyRotationEnabled"]
    assert '"two"' in kms.get_key_policy(KeyId=key, PolicyName="default")["Policy"]
    plain.delete(stack)
    assert kms.describe_key(KeyId=key)["KeyMetadata"]["KeyState"] == "PendingDeletion"
