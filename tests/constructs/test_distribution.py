"""The CloudFront distribution: the only public entrance to a product."""

from __future__ import annotations

from typing import Any

import aws_cdk as cdk
import pytest
from aws_cdk import aws_certificatemanager as acm
from aws_cdk import aws_cloudfront as cloudfront
from aws_cdk import aws_elasticloadbalancingv2 as elbv2
from aws_cdk import aws_s3 as s3
from aws_cdk.assertions import Template

from slipway.distribution import Address, ProductDistribution, Route, Site
from tests.support.stack import any_vpc, empty_stack, properties
from tests.support.synthesis import Json

CERTIFICATE = "arn:aws:acm:us-east-1:111122223333:certificate/a"
# docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/using-managed-cache-policies.html
UNCACHED, CACHED = "4135ea2d-6df8-44a3-9df3-4b5a84be39ad", "658327ea-f89d-4fab-a63d-7e88639e58f6"


def distribution(
    *,
    domain: bool = False,
    site: bool = True,
    media: bool = True,
    routes: tuple[Route, ...] = (Route("/static/*", cached=True), Route("/api/*", cached=False)),
) -> Template:
    stack = empty_stack()
    certificate = acm.Certificate.from_certificate_arn(stack, "Certificate", CERTIFICATE)
    ProductDistribution(
        stack,
        "Edge",
        description="any",
        site=Site(s3.Bucket(stack, "Site"), ("html", "js"), folders=False, reserved=".slipway") if site else None,
        media=s3.Bucket(stack, "Media") if media else None,
        load_balancer=elbv2.ApplicationLoadBalancer(stack, "Balancer", vpc=any_vpc(stack)),
        routes=routes,
        read_timeout=cdk.Duration.seconds(90),
        content_security_policy="default-src 'self'",
        price_class=cloudfront.PriceClass.PRICE_CLASS_100,
        address=Address("shop.example", certificate) if domain else None,
        web_acl_arn=None,
    )
    return Template.from_stack(stack)


@pytest.fixture(scope="module")
def template() -> Template:
    return distribution()


@pytest.fixture(scope="module")
def found(template: Template) -> Json:
    return dict(properties(template, "AWS::CloudFront::Distribution")["DistributionConfig"])


def behavior(found: Json, path: str) -> Json:
    (only,) = [entry for entry in found["CacheBehaviors"] if entry["PathPattern"] == path]
    return dict(only)


def origin(found: Json, behavior: Json) -> Json:
    (only,) = [entry for entry in found["Origins"] if entry["Id"] == behavior["TargetOriginId"]]
    return dict(only)


def headers(template: Template, comment: str) -> Json:
    (only,) = [
        entry["Properties"]["ResponseHeadersPolicyConfig"]
        for entry in template.find_resources("AWS::CloudFront::ResponseHeadersPolicy").values()
        if comment in entry["Properties"]["ResponseHeadersPolicyConfig"]["Comment"]
    ]
    return dict(only)


def test_the_site_comes_from_a_private_bucket_with_the_single_page_fallback(found: Json, template: Template) -> None:
    default = found["DefaultCacheBehavior"]

    assert "OriginAccessControlId" in origin(found, default)
    assert [entry["EventType"] for entry in default["FunctionAssociations"]] == ["viewer-request"]
    assert "/index.html" in properties(template, "AWS::CloudFront::Function")["FunctionCode"]


def test_only_the_site_has_the_single_page_fallback(found: Json) -> None:
    assert not any("FunctionAssociations" in entry for entry in found["CacheBehaviors"])


def test_requests_of_every_method_reach_the_containers_uncached_through_a_vpc_origin(found: Json) -> None:
    api = behavior(found, "/api/*")

    assert api["CachePolicyId"] == UNCACHED
    assert {"POST", "DELETE"} <= set(api["AllowedMethods"])
    assert "VpcOriginConfig" in origin(found, api)


def test_a_service_may_take_as_long_as_the_read_timeout_to_respond(found: Json) -> None:
    assert origin(found, behavior(found, "/api/*"))["VpcOriginConfig"]["OriginReadTimeout"] == 90


def test_static_paths_come_from_the_containers_and_are_cached_by_host_name(found: Json, template: Template) -> None:
    ((policy, resource),) = template.find_resources("AWS::CloudFront::CachePolicy").items()
    settings = resource["Properties"]["CachePolicyConfig"]
    static = behavior(found, "/static/*")

    assert static["CachePolicyId"] == {"Ref": policy}
    assert settings["ParametersInCacheKeyAndForwardedToOrigin"]["HeadersConfig"]["Headers"] == [
        "Host",
        "CloudFront-Forwarded-Proto",
    ]
    assert settings["MinTTL"] == 0  # a response with no-cache is not cached
    assert static["TargetOriginId"] == behavior(found, "/api/*")["TargetOriginId"]


def test_media_are_cached_and_sandboxed_regardless_of_their_origins_headers(found: Json, template: Template) -> None:
    media = behavior(found, "/media/*")
    policy = headers(template, "upload")["SecurityHeadersConfig"]["ContentSecurityPolicy"]

    assert media["CachePolicyId"] == CACHED
    assert "sandbox" in policy["ContentSecurityPolicy"].split("; ")
    assert policy["Override"] is True
    assert media["ResponseHeadersPolicyId"] != behavior(found, "/api/*")["ResponseHeadersPolicyId"]


def test_every_response_has_security_headers_and_is_sent_over_https(found: Json, template: Template) -> None:
    behaviors = [found["DefaultCacheBehavior"], *found["CacheBehaviors"]]
    policy = headers(template, "every answer")["SecurityHeadersConfig"]

    assert all("ResponseHeadersPolicyId" in entry for entry in behaviors)
    assert {entry["ViewerProtocolPolicy"] for entry in behaviors} == {"redirect-to-https"}
    assert policy["ContentSecurityPolicy"]["ContentSecurityPolicy"] == "default-src 'self'"
    assert policy["StrictTransportSecurity"]["IncludeSubdomains"] is True


def test_http_2_and_3_are_supported(found: Json) -> None:
    assert found["HttpVersion"] == "http2and3"


def test_an_own_domain_has_tls_1_2_and_its_certificate() -> None:
    config: dict[str, Any] = properties(distribution(domain=True), "AWS::CloudFront::Distribution")[
        "DistributionConfig"
    ]

    assert config["Aliases"] == ["shop.example"]
    assert config["ViewerCertificate"]["MinimumProtocolVersion"] == "TLSv1.2_2021"
    assert config["ViewerCertificate"]["AcmCertificateArn"] == CERTIFICATE


def test_without_a_domain_cloudfronts_default_certificate_is_used(found: Json) -> None:
    assert "ViewerCertificate" not in found


def config(template: Template) -> Json:
    return dict(properties(template, "AWS::CloudFront::Distribution")["DistributionConfig"])


def test_without_a_site_the_route_for_everything_is_the_default_behavior() -> None:
    template = distribution(site=False, routes=(Route("/static/*", cached=True), Route("/*", cached=False)))
    found = config(template)

    assert "DefaultRootObject" not in found  # or `/` would reach the service as /index.html
    assert "VpcOriginConfig" in origin(found, found["DefaultCacheBehavior"])
    assert found["DefaultCacheBehavior"]["CachePolicyId"] == UNCACHED
    assert "POST" in found["DefaultCacheBehavior"]["AllowedMethods"]
    assert [entry["PathPattern"] for entry in found["CacheBehaviors"]] == ["/static/*", "/media/*"]
    template.resource_count_is("AWS::CloudFront::Function", 0)


def test_without_a_site_and_a_route_for_everything_the_load_balancer_answers_unknown_paths() -> None:
    found = config(distribution(site=False, routes=(Route("/api/*", cached=False),)))

    assert "VpcOriginConfig" in origin(found, found["DefaultCacheBehavior"])
    assert found["DefaultCacheBehavior"]["CachePolicyId"] == UNCACHED


def test_a_product_without_media_has_no_origin_for_them() -> None:
    template = distribution(media=False)
    found = config(template)

    assert [entry["PathPattern"] for entry in found["CacheBehaviors"]] == ["/static/*", "/api/*"]
    assert len(found["Origins"]) == 2
    template.resource_count_is("AWS::CloudFront::ResponseHeadersPolicy", 1)


def test_routes_keep_their_order_and_none_takes_media() -> None:
    paths = ("/media", "/z/a/*", "/b/*", "/me*", "/*.txt")
    found = config(distribution(routes=tuple(Route(path, cached=False) for path in paths)))

    assert [entry["PathPattern"] for entry in found["CacheBehaviors"]] == [
        "/z/a/*",
        "/b/*",
        "/media/*",
        "/media",
        "/me*",
        "/*.txt",
    ]
