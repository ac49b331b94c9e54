"""Runs our pipeline rules during synthesis: a finding fails `cdk synth`, with the construct and the fix."""

from __future__ import annotations

import json
from collections.abc import Collection
from pathlib import Path

import aws_cdk as cdk
import jsii

from policy.pipelines import findings


@jsii.implements(cdk.IPolicyValidationPlugin)
class PipelineRules:
    """Checks each template of a stage with the rules of policy/pipelines.py."""

    def __init__(self, *, protected_stages: Collection[str]) -> None:
        self._protected_stages = frozenset(protected_stages)

    @property
    def name(self) -> str:
        """Returns the name in the report."""
        return "slipway-pipelines"

    @property
    def version(self) -> str | None:
        """Returns None: the plugin has no version of its own."""
        return None

    @property
    def rule_ids(self) -> list[str] | None:
        """Returns None: the report names the rules."""
        return None

    def validate(self, context: cdk.IPolicyValidationContext) -> cdk.PolicyValidationPluginReport:
        """Returns the report on the templates."""
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
