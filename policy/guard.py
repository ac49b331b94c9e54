"""Our Guard rules, `policy/rules/*.guard`, inside CDK's own validation: a finding fails `cdk synth`."""

from __future__ import annotations

from pathlib import Path

import aws_cdk as cdk

FOLDER = Path(__file__).resolve().parent / "rules"


def guard_rules() -> cdk.CloudFormationValidatePlugin:
    """CDK's rules and ours, in the place of CDK's alone; an app has one such plugin."""
    return cdk.CloudFormationValidatePlugin(
        guard_rules=[
            cdk.ValidationRuleSource(name=path.stem, content=path.read_text(encoding="utf-8"))
            for path in sorted(FOLDER.glob("*.guard"))
        ]
    )
