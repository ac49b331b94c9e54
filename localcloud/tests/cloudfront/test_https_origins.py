"""A domain with its certificates and records, and a load balancer with an HTTPS listener behind CloudFront."""

from __future__ import annotations

import http.client
import json
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from localcloud.testing.plain import Plain, plain, resources, unique

__all__ = ["plain"]

LB = "AWS::ElasticLoadBalancingV2"
# docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide, managed cache and origin request policies
CACHING_DISABLED, ALL_VIEWER = "4135ea2d-6df8-44a3-9df3-4b5a84be39ad", "33f36d7e-f396-46d9-90e0-52428a34d9dc"
DOMAIN = "shop.example.org"


def template(port: int, *, listener_port: int = 443) -> dict[str, Any]:
    validation = [{"DomainName": DOMAIN, "HostedZoneId": {"Ref": "Zone"}}]
    alias = {"DNSName": {"Fn::GetAtt": ["Distribution", "DomainName"]}, "HostedZoneId": "Z2FDTNDATAQYW2"}
    config = {
        "Enabled": True,
        "Aliases": [DOMAIN],
        "ViewerCertificate": {"AcmCertificateArn": {"Ref": "Certificate"}, "SslSupportMethod": "sni-only"},
        "Origins": [
            {
                "Id": "containers",
                "DomainName": {"Fn::GetAtt": ["Balancer", "DNSName"]},
                "VpcOriginConfig": {"VpcOriginId": {"Ref": "Origin"}, "OriginReadTimeout": 60},
            }
        ],
        "DefaultCacheBehavior": {
            "TargetOriginId": "containers",
            "ViewerProtocolPolicy": "redirect-to-https",
            "CachePolicyId": CACHING_DISABLED,
            "OriginRequestPolicyId": ALL_VIEWER,
        },
    }
    return resources(
        Zone=("AWS::Route53::HostedZone", {"Name": f"{DOMAIN}."}),
        Certificate=(
            "AWS::CertificateManager::Certificate",
            {"DomainName": DOMAIN, "ValidationMethod": "DNS", "DomainValidationOptions": validation},
        ),
        Balancer=(f"{LB}::LoadBalancer", {"Scheme": "internal", "Type": "application", "Name": unique("lb")}),
        Targets=(
            f"{LB}::TargetGroup",
            {
                "Port": port,
                "Protocol": "HTTP",
                "TargetType": "ip",
                "VpcId": {"Ref": "Vpc"},
            },
        ),
        Vpc=("AWS::EC2::VPC", {"CidrBlock": "10.0.0.0/16"}),
        Listener=(
            f"{LB}::Listener",
            {
                "LoadBalancerArn": {"Ref": "Balancer"},
                "Port": listener_port,
                "Protocol": "HTTPS",
                "SslPolicy": "ELBSecurityPolicy-TLS13-1-2-Res-2021-06",
                "Certificates": [{"CertificateArn": {"Ref": "Certificate"}}],
                "DefaultActions": [{"Type": "forward", "TargetGroupArn": {"Ref": "Targets"}}],
            },
        ),
        Origin=(
            "AWS::CloudFront::VpcOrigin",
            {
                "VpcOriginEndpointConfig": {
                    "Name": unique("origin"),
                    "Arn": {"Ref": "Balancer"},
                    "HTTPPort": 80,
                    "HTTPSPort": 443,
                    "OriginProtocolPolicy": "https-only",
                    "OriginSSLProtocols": ["TLSv1.2"],
                }
            },
        ),
        Distribution=("AWS::CloudFront::Distribution", {"DistributionConfig": config}),
        Record=(
            "AWS::Route53::RecordSet",
            {"Name": f"{DOMAIN}.", "Type": "A", "HostedZoneId": {"Ref": "Zone"}, "AliasTarget": alias},
        ),
    )


class Echo(BaseHTTPRequestHandler):
    """Returns the request's headers as JSON, with lower-case names."""

    def do_GET(self) -> None:
        self.send_response(200)
        self.end_headers()
        self.wfile.write(json.dumps({name.lower(): value for name, value in self.headers.items()}).encode())

    def log_message(self, *_args: Any) -> None:
        """Log nothing."""


@pytest.fixture(scope="module")
def task() -> Iterator[int]:
    """A container's port: an HTTP server that echoes."""
    with ThreadingHTTPServer(("127.0.0.1", 0), Echo) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server.server_port
        server.shutdown()


@dataclass
class Site:
    """A deployed distribution."""

    plain: Plain
    distribution: str

    def get(self, path: str = "/") -> tuple[int, dict[str, str]]:
        connection = http.client.HTTPConnection("127.0.0.1", self.plain.port, timeout=30)
        host = f"{self.distribution.lower()}.cloudfront.localhost:{self.plain.port}"
        connection.request("GET", path, headers={"Host": host})
        answer = connection.getresponse()
        body = answer.read()
        return answer.status, json.loads(body) if answer.status == 200 else {}


@pytest.fixture(scope="module")
def site(plain: Plain, task: int) -> Site:
    made = plain.deploy(template(task))
    target = {"Id": "127.0.0.1", "Port": task}
    plain.client("elbv2").register_targets(TargetGroupArn=made["Targets"], Targets=[target])
    return Site(plain, made["Distribution"])


def test_a_domain_with_certificates_and_records_is_deployed(site: Site) -> None:
    acm = site.plain.client("acm")
    names = [entry["DomainName"] for entry in acm.list_certificates()["CertificateSummaryList"]]

    assert DOMAIN in names


def test_tasks_behind_an_https_listener_see_that_the_request_was_made_with_https(site: Site) -> None:
    status, headers = site.get()

    assert status == 200
    assert (headers["x-forwarded-proto"], headers["x-forwarded-port"]) == ("https", "443")
    assert headers["cloudfront-forwarded-proto"] == "https"


def test_cloudfront_does_not_reach_a_listener_on_another_port(plain: Plain, task: int) -> None:
    deployed = Site(plain, plain.deploy(template(task, listener_port=8443))["Distribution"])

    assert deployed.get()[0] == 502
