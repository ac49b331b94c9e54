"""Sessions: what StartSession answers, and who may have one."""

from __future__ import annotations

from urllib.parse import parse_qs, urlsplit

import pytest
from botocore.exceptions import ClientError
from tests.ssm.conftest import Managed
from tests.ssm.samples import AGENT, code, message

from localcloud.testing.plain import ACCOUNT, REGION, unique

pytestmark = pytest.mark.local


def test_a_session_is_an_address_that_the_plugin_opens(managed: Managed) -> None:
    ssm, host = managed.client("ssm"), managed.host()
    session = ssm.start_session(Target=host, Reason="a look")
    url = urlsplit(session["StreamUrl"])
    assert (url.scheme, url.netloc) == ("docker-exec", host)
    assert "exec bash" in parse_qs(url.query)["cmd"][0]
    (row,) = ssm.describe_sessions(State="Active", Filters=[{"key": "Target", "value": host}])["Sessions"]
    assert (row["SessionId"], row["Status"], row["Reason"]) == (session["SessionId"], "Connecting", "a look")
    assert row["Owner"] == f"arn:aws:iam::{ACCOUNT}:root"
    assert ssm.resume_session(SessionId=session["SessionId"])["StreamUrl"] == session["StreamUrl"]


def test_a_terminated_session_is_history_and_cannot_be_resumed(managed: Managed) -> None:
    ssm, host = managed.client("ssm"), managed.host()
    identifier = ssm.start_session(Target=host)["SessionId"]
    assert ssm.terminate_session(SessionId=identifier)["SessionId"] == identifier
    (row,) = ssm.describe_sessions(State="History", Filters=[{"key": "SessionId", "value": identifier}])["Sessions"]
    assert row["Status"] == "Terminated"
    with pytest.raises(ClientError) as refused:
        ssm.resume_session(SessionId=identifier)
    assert code(refused.value) == "DoesNotExistException"


def test_a_command_can_take_the_place_of_the_shell(managed: Managed) -> None:
    ssm, host = managed.client("ssm"), managed.host()
    session = ssm.start_session(
        Target=host, DocumentName="AWS-StartInteractiveCommand", Parameters={"command": ["docker ps"]}
    )
    assert parse_qs(urlsplit(session["StreamUrl"]).query)["cmd"][0].endswith("docker ps")
    with pytest.raises(ClientError) as refused:
        ssm.start_session(Target=host, DocumentName="AWS-StartInteractiveCommand")
    assert code(refused.value) == "InvalidParameters"


def test_port_forwarding_is_refused_by_name_and_an_unknown_document_with_the_code_of_aws(managed: Managed) -> None:
    ssm, host = managed.client("ssm"), managed.host()
    with pytest.raises(ClientError) as refused:
        ssm.start_session(Target=host, DocumentName="AWS-StartPortForwardingSession")
    assert "AWS-StartPortForwardingSession" in message(refused.value)
    with pytest.raises(ClientError) as unknown:
        ssm.start_session(Target=host, DocumentName="absent-document")
    assert code(unknown.value) == "InvalidDocument"


def test_a_node_without_connection_or_without_the_data_channel_has_no_session(managed: Managed) -> None:
    ssm = managed.client("ssm")
    for role in (
        managed.role(unique("deaf")),
        managed.role(unique("mute"), {**AGENT, "Action": ["ssm:*", "ec2messages:*"]}),
    ):
        with pytest.raises(ClientError) as refused:
            ssm.start_session(Target=managed.bare_host(role))
        assert code(refused.value) == "TargetNotConnected"


def test_a_session_needs_the_instance_with_its_tags(managed: Managed) -> None:
    group = unique("group")
    mine, other = managed.host(group=group), managed.host(group=unique("other"))
    statement = {
        "Effect": "Allow",
        "Action": "ssm:StartSession",
        "Resource": f"arn:aws:ec2:{REGION}:{ACCOUNT}:instance/*",
        "Condition": {"StringEquals": {"ssm:resourceTag/group": group}},
    }
    ssm = managed.client("ssm", managed.session(managed.role(unique("caller"), statement)))
    assert ssm.start_session(Target=mine)["SessionId"].startswith("test-")
    with pytest.raises(ClientError) as refused:
        ssm.start_session(Target=other)
    assert code(refused.value) == "AccessDeniedException"
