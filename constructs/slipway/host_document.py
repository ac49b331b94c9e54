"""The document by which Systems Manager runs releases on hosts, and what it runs by itself."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import aws_cdk as cdk
from aws_cdk import aws_ssm as ssm
from constructs import Construct

from slipway.host_boot import Runner

STEPS = ("apply", "migrate", "report", "restore")
# Sunday night in most time zones of Europe and America; a host restarts if a patch needs it.
_PATCH_TIMES = "cron(0 3 ? * SUN *)"
_BOOT_LOG = "/var/log/cloud-init-output.log"
_FIRST_BOOT_FAILED = f"the first boot of this host failed; the end of {_BOOT_LOG}:"


class HostDocument(Construct):
    """A Command document, whose only inputs are a step and the digest of a release.

    Default settings:
    - a step ends after `timeout`, and so does what it started;
    - hosts that join, and all hosts when the document changes, apply the current release by themselves;
    - programs are looked for in `folders`, too;
    - each Sunday hosts install the patches of their baseline, one host after the other.
    """

    document: ssm.CfnDocument

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        name: str,
        association_name: str,
        region: str,
        runner: Runner,
        runner_hash: str,
        tags: Mapping[str, str],
        timeout: cdk.Duration,
        folders: str = "",
    ) -> None:
        super().__init__(scope, construct_id)
        self.document = ssm.CfnDocument(
            self,
            "Document",
            name=name,
            document_type="Command",
            document_format="JSON",
            target_type="/AWS::EC2::Instance",
            update_method="NewVersion",
            content=_content(_script(region, runner, runner_hash, folders), timeout),
        )
        targets = [ssm.CfnAssociation.TargetProperty(key=f"tag:{key}", values=[value]) for key, value in tags.items()]
        ssm.CfnAssociation(
            self,
            "Join",
            name=self.document.ref,
            association_name=association_name,
            document_version="$DEFAULT",
            parameters={"Step": ["apply"], "Release": ["current"]},
            targets=targets,
            max_concurrency="1",
            max_errors="0",
        )
        ssm.CfnAssociation(
            self,
            "Patches",
            name="AWS-RunPatchBaseline",
            parameters={"Operation": ["Install"], "RebootOption": ["RebootIfNeeded"]},
            schedule_expression=_PATCH_TIMES,
            apply_only_at_cron_interval=True,
            targets=targets,
            max_concurrency="1",
            max_errors="0",
        )


def _content(script: list[str], timeout: cdk.Duration) -> dict[str, Any]:
    return {
        "schemaVersion": "2.2",
        "description": "Runs one step of a release on a host",
        "parameters": {
            "Step": {"type": "String", "description": "What to do", "allowedValues": list(STEPS)},
            "Release": {
                "type": "String",
                "description": "The digest of the release's record, or current",
                "allowedPattern": "^(current|[0-9a-f]{64})$",
            },
        },
        "mainSteps": [
            {
                "action": "aws:runShellScript",
                "name": "release",
                "precondition": {"StringEquals": ["platformType", "Linux"]},
                "inputs": {"timeoutSeconds": str(timeout.to_seconds()), "runCommand": script},
            }
        ],
    }


def _script(region: str, runner: Runner, runner_hash: str, folders: str) -> list[str]:
    program = f"/opt/slipway/{runner_hash}.zip"
    options = f"--region {region} --bucket '{runner.bucket}' --configuration {runner.configuration}"
    return [
        "set -eu",
        # By default the AWS CLI asks once for the role's credentials, and waits a second.
        "export AWS_METADATA_SERVICE_TIMEOUT=10 AWS_METADATA_SERVICE_NUM_ATTEMPTS=10",
        *([f"export PATH=$PATH:{folders}"] if folders else []),
        # Code 2 is a warning of cloud-init's, e.g. of an outdated key in its configuration.
        "cloud-init status --wait > /dev/null || [ $? -eq 2 ] || {",
        f"  echo '{_FIRST_BOOT_FAILED}'; tail -n 15 {_BOOT_LOG}; exit 1;",
        "}",
        # Under a name of its own: on a new host, a release and the association for hosts that join run at once.
        f"if [ ! -f {program} ]; then",
        f"  mkdir -p /opt/slipway && aws --region {region} s3 cp --only-show-errors '{runner.url}' {program}.$$",
        f"  mv {program}.$$ {program}",
        "fi",
        f"exec python3 {program} {options} {{{{ Step }}}} {{{{ Release }}}}",
    ]
