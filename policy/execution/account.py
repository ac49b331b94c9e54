"""Creates the policies in an account, before the CDK CLI bootstraps it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from paths import ROOT
from policy.execution.arns import arn

HOME = ROOT / "policy" / "execution"
NAME = "slipway-execution"


def put(iam: Any, account: str, found: Mapping[str, str]) -> list[str]:
    """Creates the policies, or updates those that differ, and returns the ARNs of those for the execution role."""
    arns = {name: arn("iam", f"policy/{name}", account=account) for name in found}
    for name, text in found.items():
        _put(iam, arns[name], name, json.dumps(json.loads(text), separators=(",", ":")))
    return [arns[name] for name in found if name.startswith(NAME)]


def _put(iam: Any, policy: str, name: str, document: str) -> None:
    try:
        before = iam.get_policy(PolicyArn=policy)["Policy"]["DefaultVersionId"]
    except iam.exceptions.NoSuchEntityException:
        iam.create_policy(PolicyName=name, PolicyDocument=document)
        return
    found = iam.get_policy_version(PolicyArn=policy, VersionId=before)["PolicyVersion"]["Document"]
    if (json.loads(found) if isinstance(found, str) else found) == json.loads(document):
        return
    iam.create_policy_version(PolicyArn=policy, PolicyDocument=document, SetAsDefault=True)
    iam.delete_policy_version(PolicyArn=policy, VersionId=before)  # IAM allows at most five versions
