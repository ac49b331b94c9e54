"""The documents of AWS that the local cloud has, as documents of schema version 2.2."""

from __future__ import annotations

import json

RUN_SHELL_SCRIPT = "AWS-RunShellScript"
RUN_PATCH_BASELINE = "AWS-RunPatchBaseline"
_NOTHING = "A host of the local cloud has no patch baseline: there is nothing to patch. Operation: {{ Operation }}."

_SHELL = {
    "schemaVersion": "2.2",
    "description": "Run a shell script or specify the commands to run.",
    "parameters": {
        "commands": {"type": "StringList", "description": "Shell script or command to run.", "minItems": 1},
        "workingDirectory": {
            "type": "String",
            "default": "",
            "description": "The folder in which it runs.",
            "maxChars": 4096,
        },
        "executionTimeout": {
            "type": "String",
            "default": "3600",
            "description": "Seconds until the command is considered to have failed, at most 172800.",
            "allowedPattern": r"^([1-9][0-9]{0,4}|1[0-6][0-9]{4}|17[0-1][0-9]{3}|172[0-7][0-9]{2}|172800)$",
        },
    },
    "mainSteps": [
        {
            "action": "aws:runShellScript",
            "name": "aws:runShellScript",
            "inputs": {
                "runCommand": "{{ commands }}",
                "workingDirectory": "{{ workingDirectory }}",
                "timeoutSeconds": "{{ executionTimeout }}",
            },
        }
    ],
}
_PATCH = {
    "schemaVersion": "2.2",
    "description": "Scans for or installs patches. In the local cloud it only says that there are none.",
    "parameters": {
        "Operation": {"type": "String", "allowedValues": ["Scan", "Install"]},
        "RebootOption": {
            "type": "String",
            "default": "RebootIfNeeded",
            "allowedValues": ["RebootIfNeeded", "NoReboot"],
        },
        "AssociationId": {"type": "String", "default": ""},
        "SnapshotId": {"type": "String", "default": ""},
        "InstallOverrideList": {"type": "String", "default": ""},
        "BaselineOverride": {"type": "String", "default": ""},
    },
    "mainSteps": [
        {
            "action": "aws:runShellScript",
            "name": "PatchLinux",
            "precondition": {"StringEquals": ["platformType", "Linux"]},
            "inputs": {"runCommand": [f"echo '{_NOTHING}'"], "timeoutSeconds": 7200},
        }
    ],
}

BUILTIN: dict[str, str] = {
    RUN_SHELL_SCRIPT: json.dumps(_SHELL, indent=2),
    RUN_PATCH_BASELINE: json.dumps(_PATCH, indent=2),
}
