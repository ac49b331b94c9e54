"""SNS: subscriptions by e-mail wait for their confirmation, as on AWS. The mail is a line of the server's log."""

from __future__ import annotations

import logging
import uuid
from collections.abc import Callable, Mapping
from typing import Any

from ministack.services import sns

SYMBOLS: tuple[str, ...] = (
    "ministack.services.sns:_confirm_subscription",
    "ministack.services.sns:_get_subscription_attributes",
    "ministack.services.sns:_list_subscriptions",
    "ministack.services.sns:_list_subscriptions_by_topic",
    "ministack.services.sns:_refresh_subscription_counts",
    "ministack.services.sns:_subscribe",
    "ministack.services.sns:_topics",
)

logger = logging.getLogger("localcloud")
Handler = Callable[[Mapping[str, Any]], tuple[int, Any, Any]]
_MAIL = {"email", "email-json"}
_PENDING = "PendingConfirmation"


def _ask() -> None:
    """Ask the recipients of new subscriptions, whatever created these: API, template, or property of a topic."""
    for topic in list(sns._topics.values()):
        for subscription in topic["subscriptions"]:
            if subscription["protocol"] in _MAIL and "asked" not in subscription:
                subscription.update(asked=True, confirmed=False, token=uuid.uuid4().hex)
                subscription["attributes"].update(PendingConfirmation="true", ConfirmationWasAuthenticated="false")
                sns._refresh_subscription_counts(topic)
                logger.warning(
                    "mail to %s, which is not sent: to confirm the subscription, type aws sns confirm-subscription "
                    "--topic-arn %s --token %s",
                    subscription["endpoint"],
                    topic["arn"],
                    subscription["token"],
                )


def _asking(original: Handler) -> Handler:
    def handle(params: Mapping[str, Any]) -> tuple[int, Any, Any]:
        _ask()
        return original(params)

    return handle


def _listing(original: Handler) -> Handler:
    """Returns a list in which a pending subscription has no ARN yet."""

    def handle(params: Mapping[str, Any]) -> tuple[int, Any, Any]:
        _ask()
        status, headers, body = original(params)
        text = body.decode() if isinstance(body, bytes) else str(body)
        for arn in _unconfirmed():
            text = text.replace(f"<SubscriptionArn>{arn}<", f"<SubscriptionArn>{_PENDING}<")
        return status, headers, text.encode() if isinstance(body, bytes) else text

    return handle


def _subscribing(original: Handler) -> Handler:
    def handle(params: Mapping[str, Any]) -> tuple[int, Any, Any]:
        status, headers, body = original(params)
        _ask()
        text = body.decode() if isinstance(body, bytes) else str(body)
        for arn in _unconfirmed():
            text = text.replace(f"<SubscriptionArn>{arn}<", "<SubscriptionArn>pending confirmation<")
        return status, headers, text.encode() if isinstance(body, bytes) else text

    return handle


def _unconfirmed() -> list[str]:
    return [
        subscription["arn"]
        for topic in list(sns._topics.values())
        for subscription in topic["subscriptions"]
        if subscription.get("asked") and not subscription["confirmed"]
    ]


def install() -> None:
    """Replace MiniStack's functions, which take every address as confirmed."""
    sns._subscribe = _subscribing(sns._subscribe)
    sns._list_subscriptions = _listing(sns._list_subscriptions)
    sns._list_subscriptions_by_topic = _listing(sns._list_subscriptions_by_topic)
    sns._confirm_subscription = _asking(sns._confirm_subscription)
    sns._get_subscription_attributes = _asking(sns._get_subscription_attributes)
