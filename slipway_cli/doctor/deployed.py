"""Checks of what is deployed already: stacks that block the next deployment, and unconfirmed e-mail subscriptions."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from slipway_cli.doctor.model import Finding, missing, ok
from slipway_cli.doctor.scene import Check, Scene

# CloudFormation user guide, stack status codes: what to do before such a stack can be updated.
_BLOCKED = {
    "ROLLBACK_COMPLETE": "aws cloudformation delete-stack --stack-name {name}",
    "ROLLBACK_FAILED": "aws cloudformation delete-stack --stack-name {name}",
    "CREATE_FAILED": "aws cloudformation delete-stack --stack-name {name}",
    "DELETE_FAILED": "aws cloudformation delete-stack --stack-name {name}",
    "UPDATE_ROLLBACK_FAILED": "aws cloudformation continue-update-rollback --stack-name {name}",
}


def _stacks(scene: Scene) -> Iterator[Finding]:
    found = scene.stacks()
    blocked = [stack for stack in found if stack["StackStatus"] in _BLOCKED]
    for stack in blocked:
        fix = _BLOCKED[stack["StackStatus"]].format(name=stack["StackName"])
        yield missing(f"stack {stack['StackName']}", f"is {stack['StackStatus']}", f"{fix} --region {scene.region}")
    if not blocked:
        yield ok("stacks", f"{len(found)} deployed, none blocks a deployment")


def _subscriptions(scene: Scene) -> Iterator[Finding]:
    pipeline = scene.product.pipeline
    if scene.tooling and pipeline is not None:
        yield from _topics(scene, "tooling", "delivery", pipeline.notifications.emails)
    for name, environment in scene.environments.items():
        yield from _topics(scene, name, "observability", environment.alarm_emails)


def _topics(scene: Scene, part: str, stack: str, emails: Sequence[str]) -> Iterator[Finding]:
    if not emails:
        return
    check = f"e-mail of {part}"
    if scene.stack(part, stack) is None:
        yield ok(check, f"{', '.join(emails)} will be asked to confirm, after the deployment")
        return
    topics = scene.resources(part, stack, "AWS::SNS::Topic")
    states: dict[str, str] = {}
    for topic in topics:
        listed = scene.client("sns").get_paginator("list_subscriptions_by_topic").paginate(TopicArn=topic)
        for subscription in (item for page in listed for item in page["Subscriptions"]):
            if subscription["Protocol"] == "email":
                states[subscription["Endpoint"]] = subscription["SubscriptionArn"]
    for email in emails:
        yield _subscription(scene, check, email, states.get(email, ""), next(iter(topics), ""))


def _subscription(scene: Scene, check: str, email: str, state: str, topic: str) -> Finding:
    again = f"aws sns subscribe --topic-arn {topic} --protocol email --notification-endpoint {email}"
    if state == "PendingConfirmation":
        fix = f"open the link in the mail of AWS Notifications to {email}; to send it again: {again}"
        return missing(check, f"{email} has not confirmed", f"{fix} --region {scene.region}")
    if not state.startswith("arn:"):
        return missing(check, f"{email} is not subscribed", f"{again} --region {scene.region}")
    return ok(check, f"{email} has confirmed")


CHECKS = (Check("stacks", _stacks), Check("e-mail", _subscriptions))
