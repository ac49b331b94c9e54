"""The load balancer between CloudFront and the containers."""

from __future__ import annotations

import pytest
from aws_cdk import aws_certificatemanager as acm
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_s3 as s3
from aws_cdk.assertions import Template

from slipway.load_balancer import InternalLoadBalancer
from tests.support.stack import any_vpc, empty_stack, properties

CERTIFICATE = "arn:aws:acm:us-east-1:111122223333:certificate/a"
BALANCER = "AWS::ElasticLoadBalancingV2::LoadBalancer"


def balancer(*, https: bool = False) -> Template:
    stack = empty_stack()
    vpc = any_vpc(stack)
    InternalLoadBalancer(
        stack,
        "LoadBalancer",
        name="production-shop",
        vpc=vpc,
        security_group=ec2.SecurityGroup(stack, "Group", vpc=vpc),
        deletion_protection=True,
        access_logs=s3.Bucket(stack, "AccessLogs"),
        certificate=acm.Certificate.from_certificate_arn(stack, "Certificate", CERTIFICATE) if https else None,
    )
    return Template.from_stack(stack)


@pytest.fixture(scope="module")
def template() -> Template:
    return balancer()


@pytest.fixture(scope="module")
def attributes(template: Template) -> dict[str, str]:
    return {
        attribute["Key"]: attribute["Value"] for attribute in properties(template, BALANCER)["LoadBalancerAttributes"]
    }


def test_is_internal(template: Template) -> None:
    found = properties(template, BALANCER)

    assert found["Scheme"] == "internal"
    assert all("ApplicationSubnet" in subnet["Ref"] for subnet in found["Subnets"])


def test_adds_no_ingress_rule(template: Template) -> None:
    template.resource_count_is("AWS::EC2::SecurityGroupIngress", 0)


def test_listens_with_http_without_a_certificate(template: Template) -> None:
    listener = properties(template, "AWS::ElasticLoadBalancingV2::Listener")

    assert (listener["Port"], listener["Protocol"]) == (80, "HTTP")


def test_listens_with_its_certificate_and_no_tls_older_than_1_2() -> None:
    listener = properties(balancer(https=True), "AWS::ElasticLoadBalancingV2::Listener")

    assert (listener["Port"], listener["Protocol"]) == (443, "HTTPS")
    assert listener["Certificates"] == [{"CertificateArn": CERTIFICATE}]
    # TLS 1.2 and 1.3: docs.aws.amazon.com/elasticloadbalancing, "Security policies"
    assert listener["SslPolicy"] == "ELBSecurityPolicy-TLS13-1-2-Res-2021-06"


def test_returns_404_for_a_path_without_a_service(template: Template) -> None:
    (action,) = properties(template, "AWS::ElasticLoadBalancingV2::Listener")["DefaultActions"]

    assert action["FixedResponseConfig"]["StatusCode"] == "404"


def test_drops_malformed_headers(attributes: dict[str, str]) -> None:
    assert attributes["routing.http.drop_invalid_header_fields.enabled"] == "true"


def test_refuses_request_smuggling(attributes: dict[str, str]) -> None:
    assert attributes["routing.http.desync_mitigation_mode"] == "defensive"


def test_keeps_idle_websockets_open_longer_than_cloudfront(attributes: dict[str, str]) -> None:
    assert int(attributes["idle_timeout.timeout_seconds"]) > 600


def test_is_protected_against_deletion_on_request(attributes: dict[str, str]) -> None:
    assert attributes["deletion_protection.enabled"] == "true"


def test_logs_every_request(template: Template, attributes: dict[str, str]) -> None:
    assert attributes["access_logs.s3.enabled"] == "true"
    assert "AccessLogs" in str(attributes["access_logs.s3.bucket"])
    assert attributes["access_logs.s3.prefix"] == "load-balancer"
