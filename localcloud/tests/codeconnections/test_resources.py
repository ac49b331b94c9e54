"""Connections are created as resources."""

from __future__ import annotations

import pytest

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
