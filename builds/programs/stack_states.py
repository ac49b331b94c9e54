"""The states of stacks: which can be updated, which are waited for, and what to type for those that cannot."""

from __future__ import annotations

REVIEWING = "REVIEW_IN_PROGRESS"
"""A stack that only a change set has created: the CDK CLI goes on with it."""
STABLE = frozenset({"CREATE_COMPLETE", "UPDATE_COMPLETE", "IMPORT_COMPLETE"})
"""The states of a stack after a deployment that succeeded."""
# The state of a stack whose update was rolled back is stable too, before a deployment.
_UPDATABLE = STABLE | {"UPDATE_ROLLBACK_COMPLETE", "IMPORT_ROLLBACK_COMPLETE", REVIEWING, ""}


def busy(state: str) -> bool:
    """True if an operation is in progress: by another run, or by a person."""
    return state.endswith("_IN_PROGRESS") and state != REVIEWING


def obstacle(name: str, path: str, state: str, region: str) -> str:
    """Returns why a stack cannot be updated, and what to type; empty if it can be."""
    if state in _UPDATABLE or busy(state):
        return ""
    again = "then: slipway retry infrastructure"
    where = f"--region {region}"
    if state == "UPDATE_ROLLBACK_FAILED":
        return (
            f"{path} ({name}) is in state UPDATE_ROLLBACK_FAILED: an update failed, and so did its rollback. "
            "Its events say which resource could not go back: aws cloudformation describe-stack-events "
            f"--stack-name {name} {where}. Repair it, and type: "
            f"aws cloudformation continue-update-rollback --stack-name {name} {where} (with "
            f"--resources-to-skip LOGICAL_ID for one that is beyond repair); {again}"
        )
    if state == "UPDATE_FAILED":
        return f"{path} ({name}) is in state UPDATE_FAILED. Type: npx cdk rollback '{path}'; {again}"
    if state in ("ROLLBACK_COMPLETE", "CREATE_FAILED", "ROLLBACK_FAILED"):
        return (
            f"{path} ({name}) is in state {state}: its creation failed, and it can only be deleted. Type: aws "
            f"cloudformation delete-stack --stack-name {name} {where} (if it is protected, first: aws cloudformation "
            f"update-termination-protection --no-enable-termination-protection --stack-name {name} {where}); {again}"
        )
    return f"{path} ({name}) is in state {state}, in which CloudFormation updates no stack; repair it, {again}"
