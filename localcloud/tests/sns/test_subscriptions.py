"""Subscriptions by e-mail wait for their confirmation."""

from __future__ import annotations

import re

import pytest

from localcloud.testing.plain import Plain, plain, resources, unique

__all__ = ["plain"]

pytestmark = pytest.mark.local


def mailed_token(plain: Plain, topic: str) -> str:
    """Returns the token in the mail that the log has."""
    log = (plain.state / "run" / "server.log").read_text(encoding="utf-8")
    return str(re.findall(rf"--topic-arn {re.escape(topic)} --token (\w+)", log)[-1])


def test_an_address_is_pending_until_it_is_confirmed_with_the_token_of_the_mail(plain: Plain) -> None:
    sns = plain.client("sns")
    topic = sns.create_topic(Name=unique("topic"))["TopicArn"]
    answer = sns.subscribe(TopicArn=topic, Protocol="email", Endpoint="ops@example.com")
    assert answer["SubscriptionArn"] == "pending confirmation"
    listed = sns.list_subscriptions_by_topic(TopicArn=topic)["Subscriptions"]
    assert [(found["Endpoint"], found["SubscriptionArn"]) for found in listed] == [
        ("ops@example.com", "PendingConfirmation")
    ]
    assert sns.get_topic_attributes(TopicArn=topic)["Attributes"]["SubscriptionsPending"] == "1"

    confirmed = sns.confirm_subscription(TopicArn=topic, Token=mailed_token(plain, topic))["SubscriptionArn"]

    assert confirmed.startswith(f"{topic}:")
    listed = sns.list_subscriptions_by_topic(TopicArn=topic)["Subscriptions"]
    assert [found["SubscriptionArn"] for found in listed] == [confirmed]


def test_an_address_of_a_template_is_pending_too_and_is_deleted_with_the_stack(plain: Plain) -> None:
    mail = {"TopicArn": {"Ref": "Topic"}, "Protocol": "email", "Endpoint": "ops@example.com"}
    stack = unique("mail")
    made = plain.deploy(resources(Topic=("AWS::SNS::Topic", {}), Mail=("AWS::SNS::Subscription", mail)), stack)
    listed = plain.client("sns").list_subscriptions_by_topic(TopicArn=made["Topic"])["Subscriptions"]
    assert [found["SubscriptionArn"] for found in listed] == ["PendingConfirmation"]
    assert plain.delete(stack) == "DELETE_COMPLETE"


def test_a_queue_needs_no_confirmation(plain: Plain) -> None:
    sns = plain.client("sns")
    topic = sns.create_topic(Name=unique("topic"))["TopicArn"]
    queue = "arn:aws:sqs:us-east-1:111122223333:messages"
    assert sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=queue)["SubscriptionArn"].startswith(f"{topic}:")
