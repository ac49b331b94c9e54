"""Custom resources, including those of the CDK."""

from __future__ import annotations

import io
import zipfile
from typing import Any

import pytest

from localcloud.testing.plain import Plain, plain, resources, unique

__all__ = ["plain"]

pytestmark = pytest.mark.local

TRUST = {"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}

PROVIDER = """
import json, urllib.request
def handler(event, context):
    props = event["ResourceProperties"]
    answer = {
        "Status": "FAILED" if props.get("Fail") == event["RequestType"] else "SUCCESS",
        "Reason": "asked to fail",
        "PhysicalResourceId": event.get("PhysicalResourceId", "made"),
        "StackId": event["StackId"],
        "RequestId": event["RequestId"],
        "LogicalResourceId": event["LogicalResourceId"],
        "Data": {"Echo": event["RequestType"] + " " + props.get("Word", "")},
    }
    if props.get("Silent"):
        return
    request = urllib.request.Request(event["ResponseURL"], data=json.dumps(answer).encode(), method="PUT")
    urllib.request.urlopen(request)
"""


def provider_template(**props: Any) -> dict[str, Any]:
    function = {
        "Runtime": "python3.13",
        "Handler": "index.handler",
        "Timeout": 10,
        "Role": {"Fn::GetAtt": ["Role", "Arn"]},
        "Code": {"ZipFile": PROVIDER},
    }
    template = resources(
        Role=("AWS::IAM::Role", {"AssumeRolePolicyDocument": {"Statement": [TRUST]}}),
        Function=("AWS::Lambda::Function", function),
        Made=("Custom::Thing", {"ServiceToken": {"Fn::GetAtt": ["Function", "Arn"]}, **props}),
    )
    template["Outputs"] = {"Echo": {"Value": {"Fn::GetAtt": ["Made", "Echo"]}}}
    return template


def test_a_provider_handles_creation_update_and_deletion(plain: Plain) -> None:
    stack = unique("provider")
    assert plain.deploy(provider_template(Word="one"), stack)["Made"] == "made"
    assert plain.outputs(stack)["Echo"] == "Create one"
    plain.deploy(provider_template(Word="two"), stack)
    assert plain.outputs(stack)["Echo"] == "Update two"
    assert plain.delete(stack) == "DELETE_COMPLETE"


def test_the_reason_of_a_failed_provider_is_reported(plain: Plain) -> None:
    with pytest.raises(AssertionError, match="Made: asked to fail"):
        plain.deploy(provider_template(Fail="Create"))


def test_a_provider_without_a_response_fails_after_its_timeout(plain: Plain) -> None:
    with pytest.raises(AssertionError, match="timed out after 1s"):
        plain.deploy(provider_template(Silent="yes", ServiceTimeout=1))


# --- BucketDeployment ------------------------------------------------------------------------------------------------


def archive(files: dict[str, str]) -> bytes:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as target:
        for name, text in files.items():
            target.writestr(name, text)
    return content.getvalue()


class Site:
    def __init__(self, plain: Plain) -> None:
        self.plain = plain
        self.assets = unique("assets")
        self.stack = unique("site")
        self.s3 = plain.client("s3")
        self.s3.create_bucket(Bucket=self.assets)

    def deploy(self, files: dict[str, str], **props: Any) -> str:
        key = f"{unique('asset')}.zip"
        self.s3.put_object(Bucket=self.assets, Key=key, Body=archive(files))
        deployment = {
            "ServiceToken": "arn:aws:lambda:us-east-1:111122223333:function:unused",
            "SourceBucketNames": [self.assets],
            "SourceObjectKeys": [key],
            "DestinationBucketName": {"Ref": "Bucket"},
            "Prune": True,
            **props,
        }
        template = resources(Bucket=("AWS::S3::Bucket", {}), Deployment=("Custom::CDKBucketDeployment", deployment))
        return self.plain.deploy(template, self.stack)["Bucket"]

    def objects(self, bucket: str) -> dict[str, str]:
        listed = self.s3.list_objects_v2(Bucket=bucket).get("Contents", [])
        return {
            item["Key"]: self.s3.get_object(Bucket=bucket, Key=item["Key"])["Body"].read().decode() for item in listed
        }


def test_a_site_is_unpacked_updated_and_pruned(plain: Plain) -> None:
    site = Site(plain)
    bucket = site.deploy({"index.html": "one", "old.js": "x", "sub/a.css": "c"})
    assert site.objects(bucket) == {"index.html": "one", "old.js": "x", "sub/a.css": "c"}
    assert site.s3.head_object(Bucket=bucket, Key="sub/a.css")["ContentType"] == "text/css"
    site.deploy({"index.html": "two"})
    assert site.objects(bucket) == {"index.html": "two"}


def test_prefix_markers_and_headers_are_applied(plain: Plain) -> None:
    site = Site(plain)
    bucket = site.deploy(
        {"config.json": '{"api": "<<marker:0>>"}'},
        DestinationBucketKeyPrefix="app/",
        SourceMarkers=[{"<<marker:0>>": "https://api"}],
        SystemMetadata={"cache-control": "no-store"},
    )
    assert site.objects(bucket) == {"app/config.json": '{"api": "https://api"}'}
    assert site.s3.head_object(Bucket=bucket, Key="app/config.json")["CacheControl"] == "no-store"


def test_excluded_files_are_neither_written_nor_pruned(plain: Plain) -> None:
    site = Site(plain)
    bucket = site.deploy({"a.txt": "a"})
    site.s3.put_object(Bucket=bucket, Key="keep.me", Body=b"k")
    site.deploy({"b.txt": "b", "drop.me": "d"}, Exclude=["*.me"])
    assert site.objects(bucket) == {"b.txt": "b", "keep.me": "k"}


# --- auto-delete -----------------------------------------------------------------------------------------------------


def auto_delete_template(**bucket: Any) -> dict[str, Any]:
    cleaner = {"ServiceToken": "arn:unused", "BucketName": {"Ref": "Bucket"}}
    return resources(
        Bucket=("AWS::S3::Bucket", {"VersioningConfiguration": {"Status": "Enabled"}, **bucket}),
        Cleaner=("Custom::S3AutoDeleteObjects", cleaner),
    )


TAGGED = {"Tags": [{"Key": "aws-cdk:auto-delete-objects", "Value": "true"}]}


def fill(plain: Plain, bucket: str) -> None:
    s3 = plain.client("s3")
    for body in (b"1", b"2"):
        s3.put_object(Bucket=bucket, Key="a", Body=body)
    s3.delete_object(Bucket=bucket, Key="a")


def test_a_tagged_bucket_is_emptied_with_its_stack(plain: Plain) -> None:
    stack = unique("emptied")
    bucket = plain.deploy(auto_delete_template(**TAGGED), stack)["Bucket"]
    fill(plain, bucket)
    assert plain.delete(stack) == "DELETE_COMPLETE"
    assert bucket not in [item["Name"] for item in plain.client("s3").list_buckets()["Buckets"]]


def test_an_untagged_bucket_keeps_its_objects(plain: Plain) -> None:
    stack = unique("untagged")
    bucket = plain.deploy(auto_delete_template(), stack)["Bucket"]
    fill(plain, bucket)
    assert plain.delete(stack) == "DELETE_FAILED"
    assert len(plain.client("s3").list_object_versions(Bucket=bucket)["Versions"]) == 2
