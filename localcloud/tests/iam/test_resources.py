"""Resource types of IAM are created, updated and deleted."""

from __future__ import annotations

import json
from typing import Any

import pytest
from botocore.exceptions import ClientError

from localcloud.testing.plain import Plain, plain, resources, unique

__all__ = ["plain"]

pytestmark = pytest.mark.local

TRUST = {"Statement": [{"Effect": "Allow", "Principal": {"Service": "ec2.amazonaws.com"}, "Action": "sts:AssumeRole"}]}


def policy(plain: Plain) -> str:
    document = json.dumps({"Statement": [{"Effect": "Allow", "Action": "s3:*", "Resource": "*"}]})
    arn: str = plain.client("iam").create_policy(PolicyName=unique("p"), PolicyDocument=document)["Policy"]["Arn"]
    return arn


def test_every_property_of_a_role_is_applied_and_updated(plain: Plain) -> None:
    stack, iam, boundary = unique("role"), plain.client("iam"), policy(plain)
    base = {"AssumeRolePolicyDocument": TRUST, "Path": "/team/"}
    first = {
        **base,
        "PermissionsBoundary": boundary,
        "MaxSessionDuration": 7200,
        "Description": "one",
        "Tags": [{"Key": "a", "Value": "1"}],
        "Policies": [{"PolicyName": "x", "PolicyDocument": {"Statement": []}}],
        "ManagedPolicyArns": [boundary],
    }
    name = plain.deploy(resources(Role=("AWS::IAM::Role", first)), stack)["Role"]
    role = iam.get_role(RoleName=name)["Role"]
    assert role["PermissionsBoundary"]["PermissionsBoundaryArn"] == boundary
    assert (role["MaxSessionDuration"], role["Path"], role["Description"]) == (7200, "/team/", "one")
    assert iam.list_role_policies(RoleName=name)["PolicyNames"] == ["x"]
    assert iam.list_attached_role_policies(RoleName=name)["AttachedPolicies"][0]["PolicyArn"] == boundary
    again = plain.deploy(resources(Role=("AWS::IAM::Role", base)), stack)["Role"]
    role = iam.get_role(RoleName=again)["Role"]
    assert (again, "PermissionsBoundary" in role, role["MaxSessionDuration"]) == (name, False, 3600)
    assert iam.list_role_policies(RoleName=name)["PolicyNames"] == []
    assert iam.list_attached_role_policies(RoleName=name)["AttachedPolicies"] == []


def test_the_client_ids_of_an_oidc_provider_are_updated(plain: Plain) -> None:
    stack, iam = unique("oidc"), plain.client("iam")

    def template(*clients: str) -> dict[str, Any]:
        props = {"Url": f"https://{stack}.example.com", "ClientIdList": list(clients)}
        return resources(Provider=("AWS::IAM::OIDCProvider", props))

    arn = plain.deploy(template("a", "b"), stack)["Provider"]
    plain.deploy(template("b", "c"), stack)
    assert sorted(iam.get_open_id_connect_provider(OpenIDConnectProviderArn=arn)["ClientIDList"]) == ["b", "c"]
    plain.delete(stack)
    with pytest.raises(ClientError, match="NoSuchEntity"):
        iam.get_open_id_connect_provider(OpenIDConnectProviderArn=arn)


def test_the_policies_of_a_group_are_updated(plain: Plain) -> None:
    stack, iam, arn = unique("group"), plain.client("iam"), policy(plain)
    name = plain.deploy(resources(Group=("AWS::IAM::Group", {"ManagedPolicyArns": [arn]})), stack)["Group"]
    assert iam.list_attached_group_policies(GroupName=name)["AttachedPolicies"][0]["PolicyArn"] == arn
    plain.deploy(resources(Group=("AWS::IAM::Group", {})), stack)
    assert iam.list_attached_group_policies(GroupName=name)["AttachedPolicies"] == []
