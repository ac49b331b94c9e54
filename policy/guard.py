"""Adds the Guard rules of `policy/rules/*.guard` to CDK's validation: a finding fails `cdk synth`."""

from __future__ import annotations

from pathlib import Path

import aws_cdk as cdk

FOLDER = Path(__file__).resolve().parent / "rules"


def guard_rules(*, default_rules: bool = True) -> cdk.CloudFormationValidatePlugin:
    """Returns the validation plugin with our rules, with or without those of CDK."""
    return cdk.CloudFormationValidatePlugin(
        include_default_rules=default_rules,
        guard_rules=[
            cdk.ValidationRuleSource(name=path.stem, content=path.read_text(encoding="utf-8"))
            for path in sorted(FOLDER.glob("*.guard"))
        ],
    )


def enforce(app: cdk.App, *, on: bool) -> None:
    """Adds our rules to CDK's in one engine, which takes as long as CDK's alone; does nothing if validation is off."""
    if on:
        cdk.Validations.of(app).add_plugins(guard_rules())
