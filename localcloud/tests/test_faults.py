"""Fault injection: which requests get errors, and which never do."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from localcloud import signing
from localcloud.settings import Settings
from localcloud.testing.plain import REGION, Plain, plain, unique

__all__ = ["plain"]

pytestmark = pytest.mark.local


def ask(cloud: Plain, method: str, body: Any = None, expected: int = 200) -> Any:
    data = b"" if body is None else json.dumps(body).encode()
    status, answer = signing.send(Settings(port=cloud.port, state=cloud.state), method, "/_localcloud/faults", data)
    assert status == expected, answer
    return json.loads(answer)


@pytest.fixture
def faulty(plain: Plain) -> Iterator[Plain]:
    yield plain
    ask(plain, "PUT", [])


def client(cloud: Plain, service: str, attempts: int = 1) -> Any:
    return boto3.session.Session().client(
        service,
        endpoint_url=cloud.url,
        region_name=REGION,
        aws_access_key_id=cloud.key.access_key_id,
        aws_secret_access_key=cloud.key.secret_access_key,
        config=Config(retries={"mode": "standard", "total_max_attempts": attempts}, s3={"addressing_style": "path"}),
    )


CALLS = {
    "ecs": lambda api: api.list_clusters(),
    "cloudformation": lambda api: api.describe_stacks(),
    "codepipeline": lambda api: api.list_pipelines(),
    "ec2": lambda api: api.describe_vpcs(),
    "lambda": lambda api: api.list_functions(),
    "sqs": lambda api: api.list_queues(),
    "rds": lambda api: api.describe_db_instances(),
    "s3": lambda api: api.list_buckets(),
}


@pytest.mark.parametrize("service", CALLS)
@pytest.mark.parametrize("answer", ["throttle", "down", "full"])
def test_the_sdk_can_parse_the_injected_error_of_each_service(faulty: Plain, service: str, answer: str) -> None:
    ask(faulty, "PUT", [{"service": service, "answer": answer}])
    with pytest.raises(ClientError) as caught:
        CALLS[service](client(faulty, service))
    assert "a drill of the local cloud" in caught.value.response["Error"]["Message"]


@pytest.mark.parametrize("service", ["ecs", "cloudformation", "s3"])
def test_a_client_with_retries_succeeds_if_every_second_request_fails(faulty: Plain, service: str) -> None:
    ask(faulty, "PUT", [{"service": service, "answer": "throttle", "every": 2}])
    for _ in range(3):
        CALLS[service](client(faulty, service, attempts=3))
    assert ask(faulty, "GET")[0]["given"] >= 1


def test_a_full_bucket_can_still_be_read(faulty: Plain) -> None:
    s3, bucket, other = client(faulty, "s3"), unique("full"), unique("other")
    for name in (bucket, other):
        s3.create_bucket(Bucket=name)
    s3.put_object(Bucket=bucket, Key="before", Body=b"x")
    ask(faulty, "PUT", [{"service": "s3", "method": "PUT", "path": f"/{bucket}/", "answer": "full"}])
    with pytest.raises(ClientError, match="InsufficientStorage"):
        s3.put_object(Bucket=bucket, Key="after", Body=b"x")
    assert s3.get_object(Bucket=bucket, Key="before")["Body"].read() == b"x"
    s3.put_object(Bucket=other, Key="after", Body=b"x")


def test_internal_calls_of_the_cloud_get_no_errors(faulty: Plain) -> None:
    ask(faulty, "PUT", [{"service": "iam", "answer": "down"}])
    group = {"Resources": {"Group": {"Type": "AWS::IAM::Group", "Properties": {}}}}
    assert "Group" in faulty.deploy(group)  # CloudFormation creates it with an internal call


def github(cloud: Plain, token: str) -> str:
    """Returns GitHub's response to a token, which is an error since there is no repository."""
    request = urllib.request.Request(
        f"{cloud.url}/_github/api/v3/repos/nobody/nothing", headers={"Authorization": f"Bearer {token}"}
    )
    with pytest.raises(urllib.error.HTTPError) as caught:
        urllib.request.urlopen(request, timeout=10)
    return f"{caught.value.code} {caught.value.read().decode()}"


def test_github_refuses_only_the_expired_token(faulty: Plain) -> None:
    before = github(faulty, "new")
    ask(faulty, "PUT", [{"service": "github", "answer": "expired", "token": "old"}])
    assert github(faulty, "old").startswith("401")
    assert "a drill of the local cloud" in github(faulty, "old")
    assert github(faulty, "new") == before
    assert "old" not in str(ask(faulty, "GET"))
    client(faulty, "ecs").list_clusters()


def test_an_empty_list_ends_all_faults(faulty: Plain) -> None:
    ask(faulty, "PUT", [{"service": "*", "answer": "down"}])
    ask(faulty, "PUT", [])
    client(faulty, "ecs").list_clusters()


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ([{"service": "ecs", "answer": "burn"}], "answer is 'burn'; write one of throttle, down, full"),
        ([{"answer": "down"}], "service is None; write the name in the signature's scope"),
        ([{"service": "ecs", "answer": "down", "every": 0}], "every is 0; write 1 for each request"),
        ([{"service": "ecs", "answer": "down", "odds": 1}], "unknown: odds; a fault has service"),
        ({"service": "ecs"}, "send a list of faults; [] ends all"),
    ],
)
def test_an_invalid_request_is_refused_with_the_reason(faulty: Plain, body: Any, message: str) -> None:
    assert message in ask(faulty, "PUT", body, expected=400)["message"]
    client(faulty, "ecs").list_clusters()
