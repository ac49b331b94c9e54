"""CloudFront's key value stores: in a function, by their API, and with the rights of a role."""

from __future__ import annotations

import urllib.error
import urllib.request
from collections.abc import Iterator
from typing import Any

import pytest
from botocore.exceptions import ClientError

from localcloud.testing.plain import Plain, plain, resources, unique

__all__ = ["plain"]

FUNCTION = """
import cf from 'cloudfront';
async function handler(event) {
  var store = cf.kvs();
  var known = await store.exists(event.request.uri);
  var value = '';
  try { value = await store.get('value'); } catch (error) { value = 'none'; }
  return {statusCode: 200, statusDescription: 'OK', headers: {known: {value: String(known)}, value: {value: value}}};
}
"""


@pytest.fixture(scope="module")
def deployed(plain: Plain) -> Iterator[dict[str, str]]:
    name, store = unique("stack"), unique("store")
    config = {
        "Comment": "",
        "Runtime": "cloudfront-js-2.0",
        "KeyValueStoreAssociations": [{"KeyValueStoreARN": {"Fn::GetAtt": ["Store", "Arn"]}}],
    }
    behavior = {
        "TargetOriginId": "origin",
        "ViewerProtocolPolicy": "allow-all",
        "CachePolicyId": "4135ea2d-6df8-44a3-9df3-4b5a84be39ad",
        "FunctionAssociations": [
            {"EventType": "viewer-request", "FunctionARN": {"Fn::GetAtt": ["Function", "FunctionARN"]}}
        ],
    }
    origin = {"Id": "origin", "DomainName": "127.0.0.1", "CustomOriginConfig": {"OriginProtocolPolicy": "http-only"}}
    template = resources(
        Store=("AWS::CloudFront::KeyValueStore", {"Name": store}),
        Other=("AWS::CloudFront::KeyValueStore", {"Name": unique("other")}),
        Function=(
            "AWS::CloudFront::Function",
            {"Name": unique("function"), "AutoPublish": True, "FunctionCode": FUNCTION, "FunctionConfig": config},
        ),
        Site=(
            "AWS::CloudFront::Distribution",
            {"DistributionConfig": {"Enabled": True, "Origins": [origin], "DefaultCacheBehavior": behavior}},
        ),
    )
    template["Outputs"] = {
        "Store": {"Value": {"Fn::GetAtt": ["Store", "Arn"]}},
        "Other": {"Value": {"Fn::GetAtt": ["Other", "Arn"]}},
        "Site": {"Value": {"Ref": "Site"}},
    }
    plain.deploy(template, name)
    yield plain.outputs(name)
    plain.delete(name)


def visit(plain: Plain, site: str, path: str) -> tuple[str, str]:
    request = urllib.request.Request(
        f"{plain.url}{path}", headers={"Host": f"{site}.cloudfront.localhost:{plain.port}"}
    )
    with urllib.request.urlopen(request) as answer:
        return answer.headers["known"], answer.headers["value"]


def write(client: Any, arn: str, puts: dict[str, str], deletes: tuple[str, ...] = ()) -> str:
    version = client.describe_key_value_store(KvsARN=arn)["ETag"]
    listed = [{"Key": key, "Value": value} for key, value in puts.items()]
    changed = client.update_keys(KvsARN=arn, IfMatch=version, Puts=listed, Deletes=[{"Key": key} for key in deletes])
    return str(changed["ETag"])


def test_a_function_asks_its_store(plain: Plain, deployed: dict[str, str]) -> None:
    client = plain.client("cloudfront-keyvaluestore")
    assert visit(plain, deployed["Site"], "/a/b.js") == ("false", "none")

    write(client, deployed["Store"], {"/a/b.js": "1", "value": "ü"})
    write(client, deployed["Other"], {"/other": "1"})
    assert visit(plain, deployed["Site"], "/a/b.js")[0] == "true"
    assert visit(plain, deployed["Site"], "/other")[0] == "false"

    write(client, deployed["Store"], {}, ("/a/b.js", "value"))
    assert visit(plain, deployed["Site"], "/a/b.js") == ("false", "none")


def test_a_change_of_an_older_version_is_refused(plain: Plain, deployed: dict[str, str]) -> None:
    client = plain.client("cloudfront-keyvaluestore")
    old = client.describe_key_value_store(KvsARN=deployed["Store"])["ETag"]
    write(client, deployed["Store"], {"x": "1"})

    with pytest.raises(client.exceptions.ConflictException):
        client.update_keys(KvsARN=deployed["Store"], IfMatch=old, Puts=[{"Key": "y", "Value": "1"}])


def test_a_role_changes_only_the_store_that_its_policy_names(plain: Plain, deployed: dict[str, str]) -> None:
    actions = ["cloudfront-keyvaluestore:DescribeKeyValueStore", "cloudfront-keyvaluestore:UpdateKeys"]
    role = plain.role(unique("role"), {"Effect": "Allow", "Action": actions, "Resource": deployed["Store"]})
    client = plain.client("cloudfront-keyvaluestore", plain.session(role))

    write(client, deployed["Store"], {"by-the-role": "1"})
    for call, given in (
        (client.describe_key_value_store, {"KvsARN": deployed["Other"]}),
        (client.list_keys, {"KvsARN": deployed["Store"]}),
        (client.get_key, {"KvsARN": deployed["Store"], "Key": "by-the-role"}),
    ):
        with pytest.raises(ClientError, match="not authorized"):
            call(**given)
