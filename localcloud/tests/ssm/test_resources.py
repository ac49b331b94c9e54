"""Resource types of Systems Manager."""

from __future__ import annotations

from typing import Any

import pytest
from botocore.exceptions import ClientError
from tests.ssm.samples import code, document, step

from localcloud.testing.plain import Plain, resources, unique

pytestmark = pytest.mark.local


def template(script: str, **more: Any) -> dict[str, Any]:
    properties = {"Content": document(step(script)), "DocumentType": "Command", **more}
    return resources(Document=("AWS::SSM::Document", properties))


def own_tags(plain: Plain, name: str) -> dict[str, str]:
    """Returns the tags of a document without those that CloudFormation adds."""
    tags = plain.client("ssm").describe_document(Name=name)["Document"]["Tags"]
    return {tag["Key"]: tag["Value"] for tag in tags if not tag["Key"].startswith("aws:")}


def test_ref_of_a_document_is_its_name_and_the_stack_deletes_it(plain: Plain) -> None:
    stack = unique("stack")
    name = plain.deploy(template("true", Tags=[{"Key": "team", "Value": "web"}]), stack)["Document"]
    ssm = plain.client("ssm")
    assert own_tags(plain, name) == {"team": "web"}
    plain.delete(stack)
    with pytest.raises(ClientError) as gone:
        ssm.get_document(Name=name)
    assert code(gone.value) == "InvalidDocument"


def test_with_new_version_an_update_makes_a_new_default_version(plain: Plain) -> None:
    stack, name = unique("stack"), unique("document")
    plain.deploy(template("true", Name=name, UpdateMethod="NewVersion"), stack)
    plain.deploy(template("false", Name=name, UpdateMethod="NewVersion"), stack)
    found = plain.client("ssm").get_document(Name=name)
    assert found["DocumentVersion"] == "2"
    assert "false" in found["Content"]


def test_with_replace_an_update_makes_another_document(plain: Plain) -> None:
    stack = unique("stack")
    before = plain.deploy(template("true"), stack)["Document"]
    after = plain.deploy(template("false"), stack)["Document"]
    assert after != before
    with pytest.raises(ClientError) as gone:
        plain.client("ssm").get_document(Name=before)
    assert code(gone.value) == "InvalidDocument"


def test_with_replace_the_content_of_a_named_document_cannot_change(plain: Plain) -> None:
    stack, name = unique("stack"), unique("document")
    plain.deploy(template("true", Name=name), stack)
    with pytest.raises(AssertionError, match="custom-named resource requires replacing"):
        plain.deploy(template("false", Name=name), stack)
    assert "true" in plain.client("ssm").get_document(Name=name)["Content"]


def test_a_change_of_tags_alone_updates_the_document(plain: Plain) -> None:
    stack, name = unique("stack"), unique("document")
    plain.deploy(template("true", Name=name, Tags=[{"Key": "a", "Value": "1"}, {"Key": "b", "Value": "2"}]), stack)
    plain.deploy(template("true", Name=name, Tags=[{"Key": "a", "Value": "3"}]), stack)
    assert own_tags(plain, name) == {"a": "3"}


def test_a_document_that_would_not_run_fails_the_stack(plain: Plain) -> None:
    with pytest.raises(AssertionError, match=r"schema version 2\.2"):
        plain.deploy(resources(Document=("AWS::SSM::Document", {"Content": {"schemaVersion": "1.2"}})))
    with pytest.raises(AssertionError, match="Attachments"):
        plain.deploy(template("true", Attachments=[{"Key": "SourceUrl", "Values": ["s3://bucket"]}]))
