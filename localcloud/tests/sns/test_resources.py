"""Topics are created and updated."""

from __future__ import annotations

import pytest

from localcloud.testing.plain import Plain, plain, resources, unique

__all__ = ["plain"]

pytestmark = pytest.mark.local


def test_the_attributes_of_a_topic_are_updated(plain: Plain) -> None:
    stack, sns = unique("topic"), plain.client("sns")
    first = {"KmsMasterKeyId": "alias/aws/sns", "SignatureVersion": "2", "TracingConfig": "Active"}
    arn = plain.deploy(resources(Topic=("AWS::SNS::Topic", first)), stack)["Topic"]
    shown = sns.get_topic_attributes(TopicArn=arn)["Attributes"]
    assert {key: shown[key] for key in first} == first
    plain.deploy(resources(Topic=("AWS::SNS::Topic", {"SignatureVersion": "1"})), stack)
    shown = sns.get_topic_attributes(TopicArn=arn)["Attributes"]
    assert (shown.get("KmsMasterKeyId", ""), shown["SignatureVersion"]) == ("", "1")
