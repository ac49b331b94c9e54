"""On a product's site no path of the local cloud exists: every request reaches the product."""

from __future__ import annotations

import pytest
from tests.guard.test_requests import ask

from localcloud.testing.plain import Plain, plain, unique

__all__ = ["plain"]

pytestmark = pytest.mark.local

PATHS = (
    ("POST", "/_ministack/reset"),
    ("POST", "/_ministack/config"),
    ("GET", "/_ministack/health"),
    ("POST", "/_ministack/rds/iam-auth"),
    ("PUT", "/_localcloud/faults"),
    ("POST", "/v2/shop/web/blobs/uploads/"),
    ("GET", "/v2/_catalog"),
    ("POST", "/v2/email/outbound-emails"),
    ("GET", "/_github/acme/shop"),
    ("GET", "/codesuite/codepipeline/pipelines"),
    ("GET", "/health"),
    ("GET", "/logout"),
    ("GET", "/oauth2/authorize"),
    ("GET", "/shop/.well-known/jwks.json"),
    ("POST", "/Execute"),
    ("GET", "/v20180820/mrap/instances"),
    ("GET", "/iceberg/v1/config"),
    ("OPTIONS", "/"),
    ("POST", "/?Action=ListUsers&Version=2010-05-08"),
)


@pytest.fixture(scope="module")
def balancer(plain: Plain) -> str:
    """The name of a load balancer that answers every request itself."""
    api, name = plain.client("elbv2"), unique("site")
    arn = api.create_load_balancer(Name=name, Subnets=["subnet-1", "subnet-2"])["LoadBalancers"][0]["LoadBalancerArn"]
    answer = {"StatusCode": "203", "ContentType": "text/plain", "MessageBody": "the product"}
    action = {"Type": "fixed-response", "FixedResponseConfig": answer}
    api.create_listener(LoadBalancerArn=arn, Protocol="HTTP", Port=80, DefaultActions=[action])
    return name


@pytest.mark.parametrize(("method", "path"), PATHS)
def test_every_path_of_a_site_reaches_the_product(plain: Plain, balancer: str, method: str, path: str) -> None:
    plain.client("ssm").put_parameter(Name="/site/there", Value="untouched", Type="String", Overwrite=True)
    host = ("Host", f"{balancer}.alb.localhost:{plain.port}")
    own = ("Origin", f"http://{host[1]}")
    for headers in ([host], [host, own, ("Sec-Fetch-Site", "same-origin")]):
        assert ask(plain, *headers, ("Content-Length", "0"), path=path, method=method) == (203, "the product")
    assert plain.client("ssm").get_parameter(Name="/site/there")["Parameter"]["Value"] == "untouched"


def test_a_host_name_without_a_site_is_not_exempt_from_the_guard(plain: Plain) -> None:
    for host in ("gone.alb.localhost", "dxxxxxxxxxxxx.cloudfront.localhost", "gone.elb.amazonaws.com"):
        status, body = ask(plain, ("Host", f"{host}:{plain.port}"), path="/_ministack/reset", method="POST")
        assert (status, "needs a signature of the root key" in body) == (403, True)
        assert ask(plain, ("Host", host), ("Origin", "http://evil.example"), path="/")[0] == 403
