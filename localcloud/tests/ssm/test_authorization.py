"""IAM's decisions on commands and documents: which resource and which tags count."""

from __future__ import annotations

from typing import Any

import pytest
from botocore.exceptions import ClientError
from tests.ssm.conftest import Managed
from tests.ssm.samples import code, create, message, step

from localcloud.testing.plain import ACCOUNT, REGION, unique

pytestmark = pytest.mark.local

INSTANCES = f"arn:aws:ec2:{REGION}:{ACCOUNT}:instance/*"


def allow(action: str, resource: str, **tags: str) -> dict[str, Any]:
    condition = {"Condition": {"StringEquals": tags}} if tags else {}
    return {"Effect": "Allow", "Action": action, "Resource": resource, **condition}


def client(managed: Managed, *statements: dict[str, Any]) -> Any:
    return managed.client("ssm", managed.session(managed.role(unique("caller"), *statements)))


def document_arn(name: str) -> str:
    return f"arn:aws:ssm:{REGION}:{ACCOUNT}:document/{name}"


def denial(call: Any, **arguments: Any) -> str:
    with pytest.raises(ClientError) as refused:
        call(**arguments)
    assert code(refused.value) == "AccessDeniedException"
    return message(refused.value)


@pytest.mark.parametrize("key", ["aws:ResourceTag/group", "ssm:resourceTag/group"])
def test_a_command_needs_the_document_and_each_instance_with_its_tags(managed: Managed, key: str) -> None:
    mine, other, name = unique("mine"), unique("other"), create(managed, step("true"))
    own, foreign = managed.host(group=mine), managed.host(group=other)
    ssm = client(
        managed, allow("ssm:SendCommand", document_arn(name)), allow("ssm:SendCommand", INSTANCES, **{key: mine})
    )
    assert ssm.send_command(DocumentName=name, InstanceIds=[own])["Command"]["TargetCount"] == 1
    assert foreign in denial(ssm.send_command, DocumentName=name, InstanceIds=[own, foreign])
    targets = [{"Key": "tag:group", "Values": [mine]}]
    assert ssm.send_command(DocumentName=name, Targets=targets)["Command"]["TargetCount"] == 1
    assert foreign in denial(ssm.send_command, DocumentName=name, Targets=[{"Key": "tag:group", "Values": [other]}])
    absent = [{"Key": "tag:group", "Values": [unique("absent")]}]
    assert "instance/*" in denial(ssm.send_command, DocumentName=name, Targets=absent)


def test_an_association_by_tag_needs_itself_and_the_document_but_no_instance(managed: Managed) -> None:
    name, targets = create(managed, step("true")), [{"Key": "tag:group", "Values": [unique("group")]}]
    own = allow("ssm:CreateAssociation", document_arn(name))
    assert "association/*" in denial(client(managed, own).create_association, Name=name, Targets=targets)
    both = client(managed, own, allow("ssm:CreateAssociation", f"arn:aws:ssm:{REGION}:{ACCOUNT}:association/*"))
    assert both.create_association(Name=name, Targets=targets)["AssociationDescription"]["Name"] == name
    node = [{"Key": "InstanceIds", "Values": [managed.host()]}]
    assert "instance/" in denial(both.create_association, Name=name, Targets=node)


def test_another_document_is_denied_also_that_of_amazon_which_runs_any_command(managed: Managed) -> None:
    name, host = create(managed, step("true")), managed.host()
    ssm = client(managed, allow("ssm:SendCommand", document_arn(name)), allow("ssm:SendCommand", INSTANCES))
    said = denial(
        ssm.send_command,
        DocumentName="AWS-RunShellScript",
        InstanceIds=[host],
        Parameters={"commands": ["id"]},
    )
    assert f"arn:aws:ssm:{REGION}::document/AWS-RunShellScript" in said


def test_operations_on_a_document_are_authorized_for_its_arn(managed: Managed) -> None:
    name, other = create(managed, step("true")), create(managed, step("true"))
    ssm = client(managed, allow("ssm:*Document*", document_arn(name)))
    assert ssm.get_document(Name=name)["Name"] == name
    for call in (ssm.get_document, ssm.describe_document, ssm.delete_document):
        assert document_arn(other) in denial(call, Name=other)
    place = {"ResourceType": "Document", "ResourceId": other}
    assert document_arn(other) in denial(ssm.list_tags_for_resource, **place)


def test_reading_invocations_needs_a_permission_without_a_resource(managed: Managed) -> None:
    ssm = client(managed, allow("ssm:ListCommandInvocations", INSTANCES))
    assert "on resource: *" in denial(ssm.list_command_invocations)


def test_a_parameter_is_still_authorized_by_its_name(managed: Managed) -> None:
    name = unique("/shop/parameter")
    managed.client("ssm").put_parameter(Name=name, Value="x", Type="String")
    arn = f"arn:aws:ssm:{REGION}:{ACCOUNT}:parameter{name}"
    assert client(managed, allow("ssm:GetParameter", arn)).get_parameter(Name=name)["Parameter"]["Value"] == "x"
    assert arn in denial(client(managed, allow("ssm:GetParameter", arn + "x")).get_parameter, Name=name)
