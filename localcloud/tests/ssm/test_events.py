"""The events that EventBridge gets of commands."""

from __future__ import annotations

import json
from typing import Any

import pytest
from tests.ssm.conftest import Managed
from tests.ssm.samples import over, shell

from localcloud.testing.cloud import until
from localcloud.testing.plain import unique

pytestmark = pytest.mark.local


def test_eventbridge_gets_the_status_changes_of_a_command_and_its_invocation(managed: Managed) -> None:
    events, sqs, host = managed.client("events"), managed.client("sqs"), managed.host()
    rule = unique("rule")
    url = sqs.create_queue(QueueName=rule)["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    events.put_rule(Name=rule, EventPattern=json.dumps({"source": ["aws.ssm"]}))
    events.put_targets(Rule=rule, Targets=[{"Id": "queue", "Arn": arn}])
    sent = shell(managed, host, "exit 1")
    over(managed, sent)
    found: set[tuple[str, str]] = set()

    def both() -> bool:
        for received in sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages", []):
            event: dict[str, Any] = json.loads(received["Body"])
            if event["detail"]["command-id"] == sent:
                found.add((event["detail-type"], event["detail"]["status"]))
        return found >= {
            ("EC2 Command Status-change Notification", "Failed"),
            ("EC2 Command Invocation Status-change Notification", "InProgress"),
            ("EC2 Command Invocation Status-change Notification", "Failed"),
        }

    until(f"the events, {found}", both)
    events.remove_targets(Rule=rule, Ids=["queue"])
    events.delete_rule(Name=rule)
