"""The nightly check for drift: a function that CloudWatch's clock calls, and that writes issues on GitHub."""

from __future__ import annotations

from aws_cdk import aws_events as events
from aws_cdk import aws_events_targets as targets
from aws_cdk import aws_iam as iam
from aws_cdk import aws_sqs as sqs

from products import names
from products.pipeline import Drift
from slipway import arns
from stacks.delivery.scope import DeliveryScope

# Minutes of the hour: CloudFormation needs a few for a stack, and the second report has what the first could not have.
_START, _REPORTS = "0", "20,50"


def define(scope: DeliveryScope, drift: Drift, undelivered: sqs.IQueue) -> None:
    """Define the function and its schedules."""
    product = scope.product
    source = product.repository
    roles = {
        name: arns.role(scope.stack, environment.account, names.access_role(name, product.name, "drift"))
        for name, environment in product.environments.items()
    }
    settings = {
        "product": product.name,
        "repository": f"{source.owner}/{source.name}",
        "secret": scope.settings.github.secret,
        "environments": {
            name: {
                "region": environment.region,
                "role": roles[name],
                "stacks": [
                    names.stack(name, product.name, stack) for stack in names.environment_stacks(environment.target)
                ],
            }
            for name, environment in product.environments.items()
        },
    }
    handler = scope.handler(
        "DetectDrift",
        name="detect_drift",
        description="Keeps one issue for each environment that was changed by hand",
        settings=scope.stack.to_json_string(settings),
        role_name=names.drift_role(product.name),
        statements=[
            iam.PolicyStatement(sid="ActInTheEnvironments", actions=["sts:AssumeRole"], resources=list(roles.values())),
            *scope.github_access(),
        ],
        undelivered=undelivered,
    )
    for construct_id, minutes, step in (("DriftStarts", _START, "start"), ("DriftReports", _REPORTS, "report")):
        events.Rule(
            scope.stack,
            construct_id,
            description=f"Drift detection: {step}",
            schedule=events.Schedule.cron(minute=minutes, hour=str(drift.hour)),
            targets=[
                targets.LambdaFunction(
                    handler,
                    event=events.RuleTargetInput.from_object({"step": step}),
                    dead_letter_queue=undelivered,
                )
            ],
        )
