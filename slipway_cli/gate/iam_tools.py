"""Runs in .venv-policy: policy documents by name on standard input, what cloudsplaining and parliament say on output.

[{"name": …, "tool": "cloudsplaining" | "parliament", "rule": …, "message": …}, …]
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Mapping
from typing import Any

import parliament
from cloudsplaining.scan.policy_document import PolicyDocument

# What is said of a resource that only CloudFormation knows, whose place a made-up name takes.
_UNKNOWN = frozenset({"RESOURCE_MISMATCH", "INVALID_ARN", "RESOURCE_STAR"})


def said(name: str, document: Mapping[str, Any]) -> Iterator[dict[str, str]]:
    """What the tools say of one document."""
    for path in PolicyDocument(document).allows_privilege_escalation:
        actions = ", ".join(path["actions"])
        message = f"{path['type']}: {actions} on any resource leads to the rights of others; name the resources"
        yield {"name": name, "tool": "cloudsplaining", "rule": f"cloudsplaining-{path['type']}", "message": message}
    for found in parliament.analyze_policy_string(json.dumps(document)).findings:
        if found.issue not in _UNKNOWN:
            message = f"{found.detail or found.location}"
            yield {"name": name, "tool": "parliament", "rule": f"parliament-{found.issue}", "message": message}


if __name__ == "__main__":
    documents = json.load(sys.stdin)
    json.dump([finding for name, document in documents.items() for finding in said(name, document)], sys.stdout)
