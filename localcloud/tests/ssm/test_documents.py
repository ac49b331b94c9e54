"""Systems Manager's documents: operations of the API, and what a document may contain."""

from __future__ import annotations

import json
from typing import Any

import pytest
import yaml
from botocore.exceptions import ClientError
from tests.ssm.samples import code, document, message, step, text

from localcloud.testing.plain import ACCOUNT, Plain, unique

pytestmark = pytest.mark.local

ECHO = step("echo {{ Greeting }}", timeoutSeconds="{{ Seconds }}")
GREETING = {"type": "String", "default": "hello", "description": "What it says"}
SECONDS = {"type": "String", "default": "60", "allowedPattern": "^[0-9]{1,4}$"}


def create(plain: Plain, content: str = "", **more: Any) -> str:
    name = unique("document")
    content = content or text(ECHO, Greeting=GREETING, Seconds=SECONDS)
    plain.client("ssm").create_document(Name=name, Content=content, DocumentType="Command", **more)
    return name


def test_a_document_is_described_with_its_parameters_and_versions(plain: Plain) -> None:
    name = create(plain, VersionName="first", Tags=[{"Key": "team", "Value": "web"}])
    found = plain.client("ssm").describe_document(Name=name)["Document"]
    assert {key: found[key] for key in ("Owner", "Status", "SchemaVersion", "DocumentType", "DocumentFormat")} == {
        "Owner": ACCOUNT,
        "Status": "Active",
        "SchemaVersion": "2.2",
        "DocumentType": "Command",
        "DocumentFormat": "JSON",
    }
    assert (found["LatestVersion"], found["DefaultVersion"], found["VersionName"]) == ("1", "1", "first")
    assert found["Parameters"][0] == {
        "Name": "Greeting",
        "Type": "String",
        "Description": "What it says",
        "DefaultValue": "hello",
    }
    assert found["Tags"] == [{"Key": "team", "Value": "web"}]
    assert found["HashType"] == "Sha256"
    assert len(found["Hash"]) == 64


def test_a_document_in_yaml_can_be_read_as_json(plain: Plain) -> None:
    name = create(plain, yaml.safe_dump(document(step("true"))), DocumentFormat="YAML")
    ssm = plain.client("ssm")
    assert ssm.get_document(Name=name)["DocumentFormat"] == "YAML"
    assert json.loads(ssm.get_document(Name=name, DocumentFormat="JSON")["Content"]) == document(step("true"))


def test_an_update_is_a_new_version_that_becomes_the_default_when_asked(plain: Plain) -> None:
    ssm, name = plain.client("ssm"), create(plain)
    made = ssm.update_document(Name=name, Content=text(step("echo two")), DocumentVersion="$LATEST")
    assert made["DocumentDescription"]["DocumentVersion"] == "2"
    assert ssm.get_document(Name=name)["DocumentVersion"] == "1"
    assert ssm.get_document(Name=name, DocumentVersion="$LATEST")["DocumentVersion"] == "2"
    ssm.update_document_default_version(Name=name, DocumentVersion="2")
    assert ssm.get_document(Name=name)["DocumentVersion"] == "2"
    assert [row["IsDefaultVersion"] for row in ssm.list_document_versions(Name=name)["DocumentVersions"]] == [
        False,
        True,
    ]


def test_an_update_with_the_same_content_or_of_an_old_version_is_refused(plain: Plain) -> None:
    ssm, name = plain.client("ssm"), create(plain, text(step("true")))
    with pytest.raises(ClientError) as same:
        ssm.update_document(Name=name, Content=text(step("true")), DocumentVersion="$LATEST")
    assert code(same.value) == "DuplicateDocumentContent"
    ssm.update_document(Name=name, Content=text(step("false")), DocumentVersion="1")
    with pytest.raises(ClientError) as old:
        ssm.update_document(Name=name, Content=text(step("id")), DocumentVersion="1")
    assert code(old.value) == "InvalidDocumentVersion"


def test_the_default_version_cannot_be_deleted_but_others_and_the_document_can(plain: Plain) -> None:
    ssm, name = plain.client("ssm"), create(plain)
    ssm.update_document(Name=name, Content=text(step("echo two")), DocumentVersion="$LATEST")
    with pytest.raises(ClientError) as refused:
        ssm.delete_document(Name=name, DocumentVersion="1")
    assert code(refused.value) == "InvalidDocumentOperation"
    ssm.delete_document(Name=name, DocumentVersion="2")
    assert ssm.describe_document(Name=name)["Document"]["LatestVersion"] == "1"
    ssm.delete_document(Name=name)
    with pytest.raises(ClientError) as gone:
        ssm.get_document(Name=name)
    assert code(gone.value) == "InvalidDocument"


def test_a_second_document_of_a_name_is_refused(plain: Plain) -> None:
    name = create(plain)
    with pytest.raises(ClientError) as refused:
        plain.client("ssm").create_document(Name=name, Content=text(step("true")))
    assert code(refused.value) == "DocumentAlreadyExists"


@pytest.mark.parametrize("name", ["aws-mine", "AmazonMine", "amzn-mine"])
def test_the_prefixes_of_aws_are_reserved(plain: Plain, name: str) -> None:
    with pytest.raises(ClientError) as refused:
        plain.client("ssm").create_document(Name=name, Content=text(step("true")))
    assert code(refused.value) == "ValidationException"


def test_documents_are_listed_by_owner_name_and_tag(plain: Plain) -> None:
    ssm, name = plain.client("ssm"), create(plain, Tags=[{"Key": "kind", "Value": unique("kind")}])
    tag = ssm.describe_document(Name=name)["Document"]["Tags"][0]["Value"]

    def names(**condition: Any) -> list[str]:
        return [row["Name"] for row in ssm.list_documents(Filters=[condition])["DocumentIdentifiers"]]

    assert name in names(Key="Owner", Values=["Self"])
    assert "AWS-RunShellScript" in names(Key="Owner", Values=["Amazon"])
    assert names(Key="Name", Values=[name]) == [name]
    assert names(Key="tag:kind", Values=[tag]) == [name]
    with pytest.raises(ClientError) as refused:
        names(Key="Colour", Values=["red"])
    assert code(refused.value) == "InvalidFilterKey"


def test_tags_of_a_document_are_added_and_removed(plain: Plain) -> None:
    ssm, name = plain.client("ssm"), create(plain)
    place = {"ResourceType": "Document", "ResourceId": name}
    ssm.add_tags_to_resource(**place, Tags=[{"Key": "one", "Value": "1"}, {"Key": "two", "Value": "2"}])
    ssm.remove_tags_from_resource(**place, TagKeys=["one"])
    assert ssm.list_tags_for_resource(**place)["TagList"] == [{"Key": "two", "Value": "2"}]
    with pytest.raises(ClientError) as refused:
        ssm.list_tags_for_resource(ResourceType="Document", ResourceId="absent")
    assert code(refused.value) == "InvalidResourceId"


def test_documents_of_amazon_can_be_read_and_not_changed(plain: Plain) -> None:
    ssm = plain.client("ssm")
    assert ssm.describe_document(Name="AWS-RunShellScript")["Document"]["Owner"] == "Amazon"
    with pytest.raises(ClientError) as refused:
        ssm.delete_document(Name="AWS-RunShellScript")
    assert code(refused.value) == "InvalidDocumentOperation"


@pytest.mark.parametrize(
    ("content", "expected", "named"),
    [
        ("{", "InvalidDocumentContent", "not well-formed"),
        (json.dumps({**document(step("true")), "schemaVersion": "1.2"}), "InvalidDocumentSchemaVersion", "1.2"),
        (json.dumps({**document(step("true")), "schemaVersion": "0.3"}), "InvalidDocumentSchemaVersion", "0.3"),
        (text(), "InvalidDocumentContent", "mainSteps"),
        (text(step("true"), step("false")), "InvalidDocumentContent", "run"),
        (text({**step("true"), "action": "aws:runDocument"}), "InvalidDocumentContent", "aws:runDocument"),
        (text({**step("true"), "action": "aws:runPowerShellScript"}), "InvalidDocumentContent", "aws:runPowerShell"),
        (text(step("true", timeoutSeconds=172801)), "InvalidDocumentContent", "172801"),
        (text(step("true", user="nobody")), "InvalidDocumentContent", "user"),
        (text(step("true"), Flag={"type": "Set"}), "InvalidDocumentContent", "Set"),
        (text(step("true"), Flag={"type": "String", "allowedPattern": "("}), "InvalidDocumentContent", "Flag"),
        (text(step("true", precondition={"StringNotEquals": ["a", "b"]})), "InvalidDocumentContent", "StringEquals"),
        (text(step("x" * 65_536)), "MaxDocumentSizeExceeded", "64 KB"),
    ],
)
def test_content_that_is_not_valid_or_would_not_run_here_is_refused(
    plain: Plain, content: str, expected: str, named: str
) -> None:
    with pytest.raises(ClientError) as refused:
        create(plain, content)
    assert code(refused.value) == expected
    assert named in message(refused.value)


def test_a_step_for_windows_is_accepted_beside_one_for_linux(plain: Plain) -> None:
    windows = {**step("dir", name="windows"), "action": "aws:runPowerShellScript"}
    windows["precondition"] = {"StringEquals": ["platformType", "Windows"]}
    name = create(plain, text(windows, step("ls", precondition={"StringEquals": ["platformType", "Linux"]})))
    assert "Windows" in plain.client("ssm").describe_document(Name=name)["Document"]["PlatformTypes"]


def test_a_document_of_another_type_is_refused_by_name(plain: Plain) -> None:
    with pytest.raises(ClientError) as refused:
        plain.client("ssm").create_document(Name=unique("automation"), Content="{}", DocumentType="Automation")
    assert "Automation" in message(refused.value)


def test_a_request_that_breaks_the_model_and_an_unsupported_operation_are_refused(plain: Plain) -> None:
    ssm = plain.client("ssm")
    with pytest.raises(ClientError) as short:
        ssm.create_document(Name="ab", Content="{}")
    assert code(short.value) == "ValidationException"
    assert "regular expression" in message(short.value)
    with pytest.raises(ClientError) as unsupported:
        ssm.describe_patch_baselines()
    assert "DescribePatchBaselines" in message(unsupported.value)
