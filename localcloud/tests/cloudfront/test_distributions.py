"""CloudFront: the responses of a distribution, and its cache."""

from __future__ import annotations

import json
import re
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from email.message import Message
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from localcloud.cloudfront.cache import Answer, Cache, Lifetimes, matches
from localcloud.testing.plain import ACCOUNT, Plain, plain, resources, unique

__all__ = ["plain"]

CACHING_OPTIMIZED = "658327ea-f89d-4fab-a63d-7e88639e58f6"
CACHING_DISABLED = "4135ea2d-6df8-44a3-9df3-4b5a84be39ad"
ALL_VIEWER = "216adef6-5c7f-47e4-b989-5492eafa07d3"
LB = "AWS::ElasticLoadBalancingV2"

FUNCTION = """
function handler(event) {
  var request = event.request;
  if (request.uri === '/moved') {
    return {statusCode: 302, statusDescription: 'Found', headers: {location: {value: '/new'}}};
  }
  if (request.uri.indexOf('.') < 0) { request.uri = '/index.html'; }
  return request;
}
"""


class NoRedirect(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_args: Any, **_more: Any) -> None:
        return None


class Site:
    """A deployed distribution with a bucket as its default origin and a load balancer for /api/*."""

    def __init__(self, plain: Plain, bucket: str, distribution: str) -> None:
        self.plain = plain
        self.bucket = bucket
        self.distribution = distribution

    def get(
        self, path: str, method: str = "GET", body: bytes | None = None, **headers: str
    ) -> tuple[int, Message, bytes]:
        host = {"Host": f"{self.distribution}.cloudfront.localhost:{self.plain.port}"}
        sent = host | {name.replace("_", "-"): value for name, value in headers.items()}
        request = urllib.request.Request(f"{self.plain.url}{path}", data=body, method=method, headers=sent)
        try:
            with urllib.request.build_opener(NoRedirect).open(request) as answer:
                return answer.status, answer.headers, answer.read()
        except urllib.error.HTTPError as error:
            return error.code, error.headers, error.read()

    def put(self, key: str, body: str, **more: Any) -> None:
        self.plain.client("s3").put_object(Bucket=self.bucket, Key=key, Body=body.encode(), **more)


def template(echo_port: int) -> dict[str, Any]:
    fixed = {
        "Type": "fixed-response",
        "FixedResponseConfig": {"StatusCode": "404", "ContentType": "application/json", "MessageBody": '{"api": true}'},
    }
    created = {
        "Type": "fixed-response",
        "FixedResponseConfig": {"StatusCode": "201", "ContentType": "text/plain", "MessageBody": "made"},
    }
    headers = {"Header": "X-Team", "Value": "localcloud", "Override": True}
    behavior = {
        "TargetOriginId": "site",
        "ViewerProtocolPolicy": "redirect-to-https",
        "CachePolicyId": CACHING_OPTIMIZED,
    }
    dynamic = {
        **behavior,
        "CachePolicyId": CACHING_DISABLED,
        "OriginRequestPolicyId": ALL_VIEWER,
        "AllowedMethods": ["GET", "HEAD", "OPTIONS", "PUT", "PATCH", "POST", "DELETE"],
    }
    association = {"EventType": "viewer-request", "FunctionARN": {"Fn::GetAtt": ["Rewrite", "FunctionARN"]}}
    config = {
        "Enabled": True,
        "DefaultRootObject": "index.html",
        "Origins": [
            {
                "Id": "site",
                "DomainName": {"Fn::GetAtt": ["Bucket", "RegionalDomainName"]},
                "S3OriginConfig": {"OriginAccessIdentity": ""},
                "OriginAccessControlId": {"Fn::GetAtt": ["Access", "Id"]},
            },
            {
                "Id": "api",
                "DomainName": {"Fn::GetAtt": ["Balancer", "DNSName"]},
                "VpcOriginConfig": {"VpcOriginId": {"Ref": "Origin"}, "OriginReadTimeout": 60},
            },
            {
                "Id": "echo",
                "DomainName": "127.0.0.1",
                "CustomOriginConfig": {"HTTPPort": echo_port, "OriginProtocolPolicy": "http-only"},
            },
        ],
        "DefaultCacheBehavior": {
            **behavior,
            "FunctionAssociations": [association],
            "ResponseHeadersPolicyId": {"Ref": "Headers"},
        },
        "CacheBehaviors": [
            {**dynamic, "PathPattern": "/api/*", "TargetOriginId": "api"},
            {**dynamic, "PathPattern": "/echo/*", "TargetOriginId": "echo"},
        ],
    }
    rule = {
        "ListenerArn": {"Ref": "Listener"},
        "Priority": 1,
        "Conditions": [
            {"Field": "http-request-method", "HttpRequestMethodConfig": {"Values": ["POST"]}},
            {"Field": "http-header", "HttpHeaderConfig": {"HttpHeaderName": "X-Key", "Values": ["k"]}},
        ],
        "Actions": [created],
    }
    return resources(
        Bucket=("AWS::S3::Bucket", {}),
        Policy=(
            "AWS::S3::BucketPolicy",
            {
                "Bucket": {"Ref": "Bucket"},
                "PolicyDocument": {
                    "Statement": [
                        {
                            "Effect": "Allow",
                            "Principal": {"Service": "cloudfront.amazonaws.com"},
                            "Action": "s3:GetObject",
                            "Resource": {"Fn::Sub": "${Bucket.Arn}/*"},
                            "Condition": {
                                "StringEquals": {
                                    "AWS:SourceArn": {
                                        "Fn::Sub": f"arn:aws:cloudfront::{ACCOUNT}:distribution/${{Distribution}}"
                                    }
                                }
                            },
                        }
                    ]
                },
            },
        ),
        Access=(
            "AWS::CloudFront::OriginAccessControl",
            {
                "OriginAccessControlConfig": {
                    "Name": unique("oac"),
                    "OriginAccessControlOriginType": "s3",
                    "SigningBehavior": "always",
                    "SigningProtocol": "sigv4",
                }
            },
        ),
        Rewrite=(
            "AWS::CloudFront::Function",
            {
                "Name": unique("rewrite"),
                "AutoPublish": True,
                "FunctionCode": FUNCTION,
                "FunctionConfig": {"Comment": "", "Runtime": "cloudfront-js-2.0"},
            },
        ),
        Headers=(
            "AWS::CloudFront::ResponseHeadersPolicy",
            {
                "ResponseHeadersPolicyConfig": {
                    "Name": unique("headers"),
                    "CustomHeadersConfig": {"Items": [headers]},
                    "SecurityHeadersConfig": {"FrameOptions": {"FrameOption": "DENY", "Override": True}},
                }
            },
        ),
        Balancer=(f"{LB}::LoadBalancer", {"Scheme": "internal", "Type": "application", "Name": unique("lb")}),
        Listener=(
            f"{LB}::Listener",
            {"LoadBalancerArn": {"Ref": "Balancer"}, "Port": 8080, "Protocol": "HTTP", "DefaultActions": [fixed]},
        ),
        Rule=(f"{LB}::ListenerRule", rule),
        Origin=(
            "AWS::CloudFront::VpcOrigin",
            {
                "VpcOriginEndpointConfig": {
                    "Name": unique("origin"),
                    "Arn": {"Ref": "Balancer"},
                    "HTTPPort": 8080,
                    "OriginProtocolPolicy": "http-only",
                }
            },
        ),
        Distribution=("AWS::CloudFront::Distribution", {"DistributionConfig": config}),
    )


class Echo(BaseHTTPRequestHandler):
    """Returns the request as JSON."""

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0))).decode()
        seen = {"method": self.command, "path": self.path, "body": body, "headers": dict(self.headers)}
        self.send_response(200)
        self.end_headers()
        self.wfile.write(json.dumps(seen).encode())

    def log_message(self, *_args: Any) -> None:
        """Log nothing."""


@pytest.fixture(scope="module")
def echo() -> Iterator[int]:
    with ThreadingHTTPServer(("127.0.0.1", 0), Echo) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server.server_port
        server.shutdown()


@pytest.fixture(scope="module")
def site(plain: Plain, echo: int) -> Site:
    made = plain.deploy(template(echo))
    deployed = Site(plain, made["Bucket"], made["Distribution"])
    deployed.put("index.html", "<h1>home</h1>", ContentType="text/html")
    return deployed


@pytest.mark.local
def test_a_browser_on_plain_http_is_not_redirected_to_https(site: Site) -> None:
    status, headers, body = site.get("/")
    assert (status, body) == (200, b"<h1>home</h1>")
    assert headers["Content-Type"] == "text/html"


@pytest.mark.local
def test_a_viewer_with_the_forwarded_protocol_http_is_redirected(site: Site) -> None:
    status, headers, _ = site.get("/", X_Forwarded_Proto="http")
    assert status == 301
    assert headers["Location"].startswith("https://")


@pytest.mark.local
def test_the_response_headers_policy_is_applied(site: Site) -> None:
    _, headers, _ = site.get("/")
    assert (headers["X-Team"], headers["X-Frame-Options"]) == ("localcloud", "DENY")


@pytest.mark.local
def test_a_function_rewrites_requests_and_returns_responses(site: Site) -> None:
    assert site.get("/deep/page")[2] == b"<h1>home</h1>"
    status, headers, _ = site.get("/moved")
    assert (status, headers["Location"]) == (302, "/new")


@pytest.mark.local
def test_a_missing_object_is_denied_without_list_permission(site: Site) -> None:
    assert site.get("/missing.js")[0] == 403


@pytest.mark.local
def test_a_404_of_the_api_is_not_changed(site: Site) -> None:
    status, headers, body = site.get("/api/nothing")
    assert status == 404
    assert json.loads(body) == {"api": True}
    assert headers["X-Cache"] == "Miss from cloudfront"


@pytest.mark.local
def test_headers_and_methods_reach_the_load_balancer(site: Site) -> None:
    assert site.get("/api/things", "POST", b"{}", X_Key="k")[2] == b"made"
    assert site.get("/api/things", "POST", b"{}", X_Key="other")[0] == 404
    assert site.get("/api/things", "PUT", b"{}", X_Key="k")[0] == 404


@pytest.mark.local
def test_the_origin_request_policy_forwards_the_whole_viewer_request(site: Site) -> None:
    _, _, body = site.get("/echo/a%20b?x=1&x=2&y=%C3%A4", "POST", b"payload", Cookie="a=1; b=2", X_Custom="yes")
    seen = json.loads(body)
    assert (seen["method"], seen["path"], seen["body"]) == ("POST", "/echo/a%20b?x=1&x=2&y=%C3%A4", "payload")
    sent = {name.lower(): value for name, value in seen["headers"].items()}
    assert (sent["cookie"], sent["x-custom"]) == ("a=1; b=2", "yes")
    assert re.fullmatch(r"[a-z0-9]+\.cloudfront\.net", sent["host"]), "the name on AWS, not that of this machine"


@pytest.mark.local
def test_a_method_the_behavior_does_not_allow_is_refused(site: Site) -> None:
    assert site.get("/", "DELETE")[0] in (403, 405)


@pytest.mark.local
def test_a_new_version_is_served_after_an_invalidation(site: Site) -> None:
    site.put("app.js", "one")
    assert site.get("/app.js")[2] == b"one"
    site.put("app.js", "two")
    _, headers, body = site.get("/app.js")
    assert (body, headers["X-Cache"]) == (b"one", "Hit from cloudfront")
    cloudfront = site.plain.client("cloudfront")
    batch = {"CallerReference": unique("r"), "Paths": {"Quantity": 1, "Items": ["/*"]}}
    made = cloudfront.create_invalidation(DistributionId=site.distribution, InvalidationBatch=batch)["Invalidation"]
    assert made["Status"] == "Completed"
    listed = cloudfront.list_invalidations(DistributionId=site.distribution)["InvalidationList"]["Items"]
    assert made["Id"] in [item["Id"] for item in listed]
    _, headers, body = site.get("/app.js")
    assert (body, headers["X-Cache"]) == (b"two", "Miss from cloudfront")


def wait_for(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 10
    while not condition():
        assert time.monotonic() < deadline


@pytest.mark.local
def test_a_no_store_response_is_cached_only_for_the_minimum_ttl(site: Site) -> None:
    site.put("config.json", "1", CacheControl="no-store")
    site.get("/config.json")
    site.put("config.json", "2", CacheControl="no-store")
    wait_for(lambda: site.get("/config.json")[2] == b"2")  # the policy's minimum TTL, one second, takes precedence


@pytest.mark.local
def test_large_uploads_and_downloads_work(site: Site) -> None:
    body = bytes(range(256)) * 4096 * 24
    site.plain.client("s3").put_object(Bucket=site.bucket, Key="large.bin", Body=body)
    assert site.get("/large.bin")[2] == body
    assert site.get("/api/things", "POST", body, X_Key="k")[2] == b"made"


# --- the cache alone -------------------------------------------------------------------------------------------------


def is_cached(headers: dict[str, str], lifetimes: Lifetimes, after: float) -> bool:
    now = [1000.0]
    cache = Cache(lambda: now[0])
    cache.keep(("k",), "E1", "/a", Answer(200, "OK", headers, b"x"), lifetimes)
    now[0] += after
    return cache.find(("k",)) is not None


@pytest.mark.parametrize(
    ("headers", "lifetimes", "after", "expected"),
    [
        ({}, Lifetimes(0, 60, 100), 59, True),
        ({}, Lifetimes(0, 60, 100), 60, False),
        ({"cache-control": "max-age=10"}, Lifetimes(0, 60, 100), 11, False),
        ({"cache-control": "max-age=10, s-maxage=50"}, Lifetimes(0, 60, 100), 49, True),
        ({"cache-control": "max-age=1000"}, Lifetimes(0, 60, 100), 101, False),
        ({"cache-control": "max-age=1"}, Lifetimes(30, 60, 100), 29, True),
        ({"cache-control": "no-store"}, Lifetimes(0, 60, 100), 0, False),
        ({"cache-control": "private"}, Lifetimes(0, 60, 100), 0, False),
        ({"set-cookie": "a=b"}, Lifetimes(0, 60, 100), 0, False),
    ],
)
def test_the_lifetime_of_a_response_depends_on_policy_and_origin(
    headers: dict[str, str], lifetimes: Lifetimes, after: float, expected: bool
) -> None:
    assert is_cached(headers, lifetimes, after) is expected


def test_an_error_is_not_cached() -> None:
    cache = Cache()
    cache.keep(("k",), "E1", "/a", Answer(503, "", {}, b""), Lifetimes(0, 60, 100))
    assert cache.find(("k",)) is None


def test_an_invalidation_removes_only_its_paths_of_its_distribution() -> None:
    cache = Cache()
    for distribution, path in (("E1", "/a/x"), ("E1", "/b"), ("E2", "/a/x")):
        cache.keep((distribution, path), distribution, path, Answer(200, "", {}, b""), Lifetimes(0, 60, 100))
    assert cache.invalidate("E1", ["/a/*"]) == 1
    assert cache.find(("E1", "/b"))
    assert cache.find(("E2", "/a/x"))


@pytest.mark.parametrize(
    ("path", "pattern", "expected"),
    [("/a", "/a", True), ("/a", "a", True), ("/a/b", "/a*", True), ("/a/b", "/a", False), ("/[x]", "/[x]", True)],
)
def test_only_the_asterisk_is_special_in_an_invalidation_path(path: str, pattern: str, expected: bool) -> None:
    assert matches(path, pattern) is expected
