"""Runs cloudsplaining and parliament in .venv-policy.

Reads policy documents by name from standard input, and writes the findings to standard output:
[{"name": …, "tool": "cloudsplaining" | "parliament", "rule": …, "message": …}, …]
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Mapping
from typing import Any

import parliament
from cloudsplaining.scan.policy_document import PolicyDocument

# Findings about ARNs that are made up in place of intrinsic functions.
_ABOUT_PLACEHOLDERS = frozenset({"RESOURCE_MISMATCH", "INVALID_ARN", "RESOURCE_STAR"})


def findings(name: str, document: Mapping[str, Any]) -> Iterator[dict[str, str]]:
    """Yields the findings of both tools on one document."""
    for path in PolicyDocument(document).allows_privilege_escalation:
        actions = ", ".join(path["actions"])
        message = f"{path['type']}: {actions} on any resource lead to privilege escalation; name the resources"
        yield {"name": name, "tool": "cloudsplaining", "rule": f"cloudsplaining-{path['type']}", "message": message}
    for found in parliament.analyze_policy_string(json.dumps(document)).findings:
        if found.issue not in _ABOUT_PLACEHOLDERS:
            message = f"{found.detail or found.location}"
            yield {"name": name, "tool": "parliament", "rule": f"parliament-{found.issue}", "message": message}


if __name__ == "__main__":
    documents = json.load(sys.stdin)
    json.dump([finding for name, document in documents.items() for finding in findings(name, document)], sys.stdout)
