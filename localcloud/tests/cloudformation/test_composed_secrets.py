"""Secrets that CloudFormation composes of other secrets, and rules about a stack's parameters."""

from __future__ import annotations

import json
from typing import Any

import pytest
from botocore.exceptions import ClientError

from localcloud.testing.plain import Plain, plain, resources, unique

__all__ = ["plain"]

pytestmark = pytest.mark.local

LOGIN = {
    "Type": "AWS::SecretsManager::Secret",
    "Properties": {
        "GenerateSecretString": {
            "SecretStringTemplate": '{"username": "app_1"}',
            "GenerateStringKey": "password",
            "ExcludePunctuation": True,
        }
    },
}


def composed(*parts: Any) -> dict[str, Any]:
    return {"Type": "AWS::SecretsManager::Secret", "Properties": {"SecretString": {"Fn::Join": ["", [*parts]]}}}


def value(plain: Plain, arn: str) -> str:
    text: str = plain.client("secretsmanager").get_secret_value(SecretId=arn)["SecretString"]
    return text


def test_a_secret_is_composed_of_another_stacks_secret_by_its_exported_arn(plain: Plain) -> None:
    export = unique("login")
    outputs = {"Arn": {"Value": {"Ref": "Login"}, "Export": {"Name": export}}}
    source = plain.deploy({**resources(Login=LOGIN), "Outputs": outputs}, unique("source"))["Login"]
    imported = {"Fn::ImportValue": export}
    url = composed(
        "amqps://{{resolve:secretsmanager:",
        imported,
        ":SecretString:username::}}:{{resolve:secretsmanager:",
        imported,
        ":SecretString:password::}}@broker/1?a={b}",
    )

    made = plain.deploy(resources(Url=url), unique("composed"))

    password = json.loads(value(plain, source))["password"]
    assert value(plain, made["Url"]) == f"amqps://app_1:{password}@broker/1?a={{b}}"


def test_a_rule_refuses_an_update_before_it_changes_anything(plain: Plain) -> None:
    stack = unique("rule")
    template = {
        "Parameters": {name: {"Type": "String", "Default": "unreleased"} for name in ("Version", "Site")},
        "Rules": {
            "SiteIsKnown": {
                "RuleCondition": {"Fn::Not": [{"Fn::Equals": [{"Ref": "Version"}, "unreleased"]}]},
                "Assertions": [
                    {
                        "Assert": {"Fn::Not": [{"Fn::Equals": [{"Ref": "Site"}, "unreleased"]}]},
                        "AssertDescription": "Add the parameter Site",
                    }
                ],
            }
        },
        **resources(Topic={"Type": "AWS::SNS::Topic", "Properties": {"DisplayName": {"Ref": "Version"}}}),
    }
    plain.deploy(template, stack)
    cloudformation = plain.client("cloudformation")

    def release(**values: str) -> None:
        given = [{"ParameterKey": name, "ParameterValue": text} for name, text in values.items()]
        cloudformation.update_stack(StackName=stack, UsePreviousTemplate=True, Parameters=given)

    with pytest.raises(ClientError, match="Add the parameter Site"):
        release(Version="1.0")
    release(Version="1.0", Site="d1.cloudfront.net")

    assert plain.settled(stack) == "UPDATE_COMPLETE"
