"""Our Guard rules, `policy/rules/*.guard`, inside CDK's own validation: a finding fails `cdk synth`."""

from __future__ import annotations

from pathlib import Path

import aws_cdk as cdk

FOLDER = Path(__file__).resolve().parent / "rules"


def guard_rules(*, default_rules: bool = True) -> cdk.CloudFormationValidatePlugin:
    """Our rules, with CDK's own or without."""
    return cdk.CloudFormationValidatePlugin(
        include_default_rules=default_rules,
        guard_rules=[
            cdk.ValidationRuleSource(name=path.stem, content=path.read_text(encoding="utf-8"))
            for path in sorted(FOLDER.glob("*.guard"))
        ],
    )


def enforce(app: cdk.App, *, on: bool) -> None:
    """Add our rules to CDK's, in one engine that takes no longer than CDK's alone; nothing where validation is off."""
    if on:
        cdk.Validations.of(app).add_plugins(guard_rules())
