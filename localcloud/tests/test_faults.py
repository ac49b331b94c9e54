"""Bad answers for drills: who may ask for them, who gets them, and who never does."""

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
def test_each_service_fails_in_words_that_its_client_understands(faulty: Plain, service: str, answer: str) -> None:
    ask(faulty, "PUT", [{"service": service, "answer": answer}])
    with pytest.raises(ClientError) as caught:
        CALLS[service](client(faulty, service))
    assert "a drill of the local cloud" in caught.value.response["Error"]["Message"]


@pytest.mark.parametrize("service", ["ecs", "cloudformation", "s3"])
def test_a_client_that_tries_again_gets_past_every_second_answer(faulty: Plain, service: str) -> None:
    ask(faulty, "PUT", [{"service": service, "answer": "throttle", "every": 2}])
    for _ in range(3):
        CALLS[service](client(faulty, service, attempts=3))
    assert ask(faulty, "GET")[0]["given"] >= 1


def test_a_bucket_without_room_still_gives_what_it_has(faulty: Plain) -> None:
    s3, bucket, other = client(faulty, "s3"), unique("full"), unique("other")
    for name in (bucket, other):
        s3.create_bucket(Bucket=name)
    s3.put_object(Bucket=bucket, Key="before", Body=b"x")
    ask(faulty, "PUT", [{"service": "s3", "method": "PUT", "path": f"/{bucket}/", "answer": "full"}])
    with pytest.raises(ClientError, match="InsufficientStorage"):
        s3.put_object(Bucket=bucket, Key="after", Body=b"x")
    assert s3.get_object(Bucket=bucket, Key="before")["Body"].read() == b"x"
    s3.put_object(Bucket=other, Key="after", Body=b"x")


def test_what_the_cloud_asks_of_itself_is_not_disturbed(faulty: Plain) -> None:
    ask(faulty, "PUT", [{"service": "iam", "answer": "down"}])
    group = {"Resources": {"Group": {"Type": "AWS::IAM::Group", "Properties": {}}}}
    assert "Group" in faulty.deploy(group)  # CloudFormation makes it by a call of its own


def github(cloud: Plain, token: str) -> str:
    """What GitHub says to a token; without a repository of its own it takes none."""
    request = urllib.request.Request(
        f"{cloud.url}/_github/api/v3/repos/nobody/nothing", headers={"Authorization": f"Bearer {token}"}
    )
    with pytest.raises(urllib.error.HTTPError) as caught:
        urllib.request.urlopen(request, timeout=10)
    return f"{caught.value.code} {caught.value.read().decode()}"


def test_a_token_that_expired_is_refused_by_github_and_a_new_one_is_not(faulty: Plain) -> None:
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
    ("body", "said"),
    [
        ([{"service": "ecs", "answer": "burn"}], "answer is 'burn'; write one of throttle, down, full"),
        ([{"answer": "down"}], "service is None; write the name in the signature's scope"),
        ([{"service": "ecs", "answer": "down", "every": 0}], "every is 0; write 1 for each request"),
        ([{"service": "ecs", "answer": "down", "odds": 1}], "unknown: odds; a fault has service"),
        ({"service": "ecs"}, "send a list of faults; [] ends all"),
    ],
)
def test_what_is_asked_wrongly_changes_nothing_and_is_told(faulty: Plain, body: Any, said: str) -> None:
    assert said in ask(faulty, "PUT", body, expected=400)["message"]
    client(faulty, "ecs").list_clusters()
