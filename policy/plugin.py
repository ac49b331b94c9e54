"""Our rules inside synthesis: a finding fails `cdk synth`, with the construct and what to write instead."""

from __future__ import annotations

import json
from collections.abc import Collection
from pathlib import Path

import aws_cdk as cdk
import jsii

from policy.pipelines import findings


@jsii.implements(cdk.IPolicyValidationPlugin)
class PipelineRules:
    """The rules of policy/pipelines.py about every template of a stage."""

    def __init__(self, *, protected_stages: Collection[str]) -> None:
        self._protected_stages = frozenset(protected_stages)

    @property
    def name(self) -> str:
        """How the report calls it."""
        return "slipway-pipelines"

    @property
    def version(self) -> str | None:
        """None: it is of the same commit as what it checks."""
        return None

    @property
    def rule_ids(self) -> list[str] | None:
        """None: they are in the report."""
        return None

    def validate(self, context: cdk.IPolicyValidationContext) -> cdk.PolicyValidationPluginReport:
        """What is wrong with the templates."""
        violations = [
            cdk.PolicyViolation(
                rule_name=found.rule,
                description=found.message,
                severity="error",
                violating_resources=[
                    cdk.PolicyViolatingResource(
                        resource_logical_id=found.resource, template_path=path, locations=["Properties"]
                    )
                ],
            )
            for path in context.template_paths
            for found in findings(json.loads(Path(path).read_text(encoding="utf-8")), self._protected_stages)
        ]
        return cdk.PolicyValidationPluginReport(success=not violations, violations=violations)
