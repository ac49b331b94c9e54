"""AWS::SNS::Topic: the properties that MiniStack ignores."""

from __future__ import annotations

import json
from typing import Any

from localcloud import adapter
from localcloud.cloudformation import completion

SYMBOLS: tuple[str, ...] = completion.SYMBOLS

_ATTRIBUTES = (
    "KmsMasterKeyId",
    "SignatureVersion",
    "TracingConfig",
    "ContentBasedDeduplication",
    "FifoThroughputScope",
)


def _attribute(name: str) -> completion.Setter:
    def put(topic: str, value: Any, _props: adapter.Props) -> None:
        text = json.dumps(value) if isinstance(value, dict | list) else str(value if value is not None else "")
        text = text.lower() if isinstance(value, bool) else text
        adapter.client("sns").set_topic_attributes(TopicArn=topic, AttributeName=name, AttributeValue=text)

    return put


def install() -> None:
    """Complete `AWS::SNS::Topic`."""
    completion.complete(
        "AWS::SNS::Topic",
        {name: _attribute(name) for name in _ATTRIBUTES},
        refused=("ArchivePolicy", "DataProtectionPolicy", "DeliveryStatusLogging"),
    )
