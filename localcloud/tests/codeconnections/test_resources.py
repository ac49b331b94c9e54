"""Connections are created as resources, or by the API."""

from __future__ import annotations

import uuid

import pytest
from botocore.exceptions import ClientError

from localcloud.testing.plain import ACCOUNT, REGION, Plain, plain, resources, unique

__all__ = ["plain"]

pytestmark = pytest.mark.local


def test_a_connection_is_available_at_once(plain: Plain) -> None:
    template = resources(
        Connection=("AWS::CodeConnections::Connection", {"ConnectionName": "github", "ProviderType": "GitHub"})
    )
    template["Outputs"] = {"Status": {"Value": {"Fn::GetAtt": ["Connection", "ConnectionStatus"]}}}
    stack = unique("connection")
    made = plain.deploy(template, stack)
    assert made["Connection"].startswith(f"arn:aws:codeconnections:{REGION}:{ACCOUNT}:connection/")
    assert plain.outputs(stack)["Status"] == "AVAILABLE"


def test_the_api_knows_a_connection_of_a_template_until_its_stack_is_deleted(plain: Plain) -> None:
    template = resources(
        Connection=("AWS::CodeConnections::Connection", {"ConnectionName": "github", "ProviderType": "GitHub"})
    )
    stack = unique("connection")
    arn = plain.deploy(template, stack)["Connection"]
    api = plain.client("codeconnections")

    found = api.get_connection(ConnectionArn=arn)["Connection"]
    assert (found["ConnectionName"], found["ConnectionStatus"]) == ("github", "AVAILABLE")

    plain.delete(stack)
    with pytest.raises(api.exceptions.ResourceNotFoundException):
        api.get_connection(ConnectionArn=arn)


@pytest.mark.parametrize("service", ["codeconnections", "codestar-connections"])
def test_a_connection_of_the_api_waits_for_somebody_to_authorize_it(plain: Plain, service: str) -> None:
    api = plain.client(service)
    arn = api.create_connection(ProviderType="GitHub", ConnectionName=unique("mine"))["ConnectionArn"]

    assert arn.startswith(f"arn:aws:{service}:{REGION}:{ACCOUNT}:connection/")
    assert api.get_connection(ConnectionArn=arn)["Connection"]["ConnectionStatus"] == "PENDING"
    assert arn in [found["ConnectionArn"] for found in api.list_connections()["Connections"]]

    api.delete_connection(ConnectionArn=arn)
    assert arn not in [found["ConnectionArn"] for found in api.list_connections()["Connections"]]


def test_reading_a_connection_needs_the_permission(plain: Plain) -> None:
    nobody = plain.client("codeconnections", plain.session(plain.role(unique("nobody"))))

    with pytest.raises(ClientError, match="codeconnections:GetConnection"):
        nobody.get_connection(ConnectionArn=f"arn:aws:codeconnections:{REGION}:{ACCOUNT}:connection/{uuid.uuid4()}")
