"""Checks whether a service may assume a role: services have no keys, so no STS call checks the trust policy."""

from __future__ import annotations

import json
from typing import Any

from ministack.core import iam_evaluator
from ministack.core.responses import get_account_id, get_region

SYMBOLS: tuple[str, ...] = (
    "ministack.core.iam_evaluator:EvalContext",
    "ministack.core.iam_evaluator:_service_principal_matches",
    "ministack.core.iam_evaluator:evaluate_trust_policy",
)


def trusts(document: Any, role_arn: str, principal: str, source_arn: str) -> bool:
    """True if a trust policy, including its conditions, lets the service assume the role for the source resource."""
    parsed = json.loads(document) if isinstance(document, str) else document
    statements = parsed.get("Statement", [])
    matching = [
        {**statement, "Principal": "*"}
        for statement in (statements if isinstance(statements, list) else [statements])
        if iam_evaluator._service_principal_matches(statement.get("Principal"), principal)
    ]
    context = iam_evaluator.EvalContext(
        principal_arn=principal,
        principal_type="Service",
        principal_account=role_arn.split(":")[4],
        action="sts:AssumeRole",
        resource_arn=role_arn,
        region=get_region(),
        service_context={"aws:sourceaccount": get_account_id(), "aws:sourcearn": source_arn},
    )
    return bool(iam_evaluator.evaluate_trust_policy({"Statement": matching}, principal, context))
