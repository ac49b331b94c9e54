"""A task and a build can use the local cloud only with the credentials of their roles."""

from __future__ import annotations

import json
from typing import Any

import pytest

from localcloud.testing.builds import LOGS, Builder, spec
from localcloud.testing.cloud import Cloud, allow
from localcloud.testing.plain import ACCOUNT, REGION, unique
from localcloud.testing.tasks import run, said, stack

pytestmark = [pytest.mark.local, pytest.mark.docker, pytest.mark.slow]

# Standard library only: the image has no SDK. It prints each attempt with the status and the beginning of the response.
INTRUDER = """
import base64, datetime, hashlib, hmac, json, os, urllib.error, urllib.request
address = os.environ["AWS_ENDPOINT_URL"]
def send(method, path, headers=(), body=b""):
    request = urllib.request.Request(address + path, body or None, dict(headers), method=method)
    try:
        with urllib.request.urlopen(request, timeout=60) as answer:
            return [answer.status, answer.read(200).decode("utf-8", "replace")]
    except urllib.error.HTTPError as error:
        return [error.code, error.read(200).decode("utf-8", "replace")]
def signed(key, secret, service, method, path, body=b"", more=()):
    now = datetime.datetime.now(datetime.timezone.utc).strftime("%Y%m%dT%H%M%SZ")
    host, day = address.split("//")[1], now[:8]
    headers = {"host": host, "x-amz-date": now, **dict(more)}
    names = ";".join(sorted(headers))
    canonical = "\\n".join([method, path, "", *(f"{n}:{headers[n]}" for n in sorted(headers)), "", names,
                           hashlib.sha256(body).hexdigest()])
    scope = f"{day}/us-east-1/{service}/aws4_request"
    text = "\\n".join(["AWS4-HMAC-SHA256", now, scope, hashlib.sha256(canonical.encode()).hexdigest()])
    signer = ("AWS4" + secret).encode()
    for part in (day, "us-east-1", service, "aws4_request"):
        signer = hmac.new(signer, part.encode(), "sha256").digest()
    signature = hmac.new(signer, text.encode(), "sha256").hexdigest()
    authorization = f"AWS4-HMAC-SHA256 Credential={key}/{scope}, SignedHeaders={names}, Signature={signature}"
    return send(method, path, {**headers, "Authorization": authorization}, body)
def json_call(key, secret, service, target):
    more = {"content-type": "application/x-amz-json-1.1", "x-amz-target": target}
    return signed(key, secret, service, "POST", "/", b"{}", more)
root, secret = os.environ["ROOT_KEY"], os.environ["ROOT_SECRET"]
function = os.environ["FUNCTION"]
digest = hashlib.sha256(function.encode()).hexdigest()
basic = {"Authorization": "Basic " + base64.b64encode(b"AWS:ministack-auth-token").decode()}
tried = {
    "unsigned": send("POST", "/?Action=ListUsers&Version=2010-05-08"),
    "account id": json_call("111122223333", "local", "ecs", "AmazonEC2ContainerServiceV20141113.ListClusters"),
    "test": json_call("test", "test", "ecs", "AmazonEC2ContainerServiceV20141113.ListClusters"),
    "root": json_call(root, secret, "ecs", "AmazonEC2ContainerServiceV20141113.ListClusters"),
    "computed": json_call("ASIA" + digest[:16].upper(), hashlib.sha256(f"secret:{digest}".encode()).hexdigest(),
                          "ecs", "AmazonEC2ContainerServiceV20141113.ListClusters"),
    "reset": send("POST", "/_ministack/reset"),
    "reset by root": signed(root, secret, "localcloud", "POST", "/_ministack/reset"),
    "faults": send("PUT", "/_localcloud/faults", {}, b"[]"),
    "config": send("POST", "/_ministack/config", {}, b'{"lambda_svc.LAMBDA_EXECUTOR": "local"}'),
    "function's code": send("GET", "/_ministack/lambda-code/" + function),
    "other host": send("GET", "/", {"Host": "evil.example"}),
    "buckets": send("GET", "/"),
    "registry": send("GET", "/v2/_catalog"),
    "push": send("POST", "/v2/shop/web/blobs/uploads/"),
    "push with MiniStack's password": send("POST", "/v2/shop/web/blobs/uploads/", basic),
    "console": send("GET", "/codesuite/codepipeline/pipelines"),
    "github": send("GET", "/_github/api/v3/user"),
}
print("TRIED " + json.dumps(tried), flush=True)
"""
REFUSED = {400, 401, 403, 404}


def variables(cloud: Cloud) -> dict[str, str]:
    """Returns what an intruder may know: a function's name, and the root key of a careless developer."""
    key = cloud.key
    return {"ROOT_KEY": key.access_key_id, "ROOT_SECRET": key.secret_access_key, "FUNCTION": "localcloud"}


def assert_all_refused(tried: dict[str, Any]) -> None:
    assert {attempt: answer for attempt, answer in tried.items() if answer[0] not in REFUSED} == {}
    assert "not for containers" in tried["reset by root"][1]


def test_a_task_reaches_nothing_without_its_roles_credentials(cloud: Cloud) -> None:
    name = unique("intruder")
    environment = [{"Name": key, "Value": value} for key, value in variables(cloud).items()]
    cloud.deploy(stack(name, "python", "-c", INTRUDER, Environment=environment), name)
    cloud.stopped(name, run(cloud, name))
    assert_all_refused(json.loads(said(cloud, name, "TRIED ")))


def test_a_build_reaches_nothing_without_its_roles_credentials(cloud: Cloud) -> None:
    given = [{"name": key, "value": value} for key, value in variables(cloud).items()]
    builder = Builder(cloud, spec(f"python3 - <<'PYTHON'\n{INTRUDER}\nPYTHON"), LOGS, variables=given)
    build = builder.run()
    line = next(line for line in builder.log(build) if line.startswith("TRIED "))
    # The value of a plain variable is not a secret, and not masked.
    assert_all_refused(json.loads(line.removeprefix("TRIED ")))


def test_the_registry_gives_a_container_what_the_callers_role_may(cloud: Cloud) -> None:
    ecr, name = cloud.client("ecr"), unique("shop")
    ecr.create_repository(repositoryName=name)
    arn = f"arn:aws:ecr:{REGION}:{ACCOUNT}:repository/{name}"
    reads = allow(["ecr:BatchGetImage", "ecr:ListImages"], arn)
    login = allow("ecr:GetAuthorizationToken")
    script = "\n".join(
        [
            "token=$(aws ecr get-login-password)",
            f'url="$AWS_ENDPOINT_URL/v2/{name}"',
            'code() { curl -s -o /dev/null -w "%{http_code}\\n" --user "AWS:$token" "$@" "$url/$path"; }',
            'path=tags/list; echo "LIST $(code)"',
            'path=blobs/uploads/; echo "PUSH $(code -X POST)"',
            'token=other; path=tags/list; echo "OTHER $(code)"',
        ]
    )
    keys = cloud.session(cloud.role(unique("reader"), reads, login))
    given = {
        "AWS_ACCESS_KEY_ID": keys["AccessKeyId"],
        "AWS_SECRET_ACCESS_KEY": keys["SecretAccessKey"],
        "AWS_SESSION_TOKEN": keys["SessionToken"],
    }
    listed = [{"name": key, "value": value} for key, value in given.items()]
    builder = Builder(cloud, spec(script), LOGS, variables=listed)
    build = builder.run()
    answers = [line for line in builder.log(build) if line.startswith(("LIST", "PUSH", "OTHER"))]
    assert answers == ["LIST 200", "PUSH 403", "OTHER 401"], "\n".join(builder.log(build))
