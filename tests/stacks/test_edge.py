"""The Edge stack: the only public entrance."""

from __future__ import annotations

from typing import Any

import pytest

from tests.support.synthesis import Json, Synthesis, synthesis

STACK = "production-allthrive-edge"
CERTIFICATE = "arn:aws:acm:us-east-1:111122223333:certificate/0f1e2d3c-0000-4000-8000-000000000000"
ZONE = "Z0123456789ABCDEFGHIJ"


def with_domain(**keys: str) -> dict[str, Any]:
    return {"environments.production.edge": {"domain": {"name": "allthrive.ai", **keys}}}


def distribution(app: Synthesis) -> Json:
    config: Json = app.resource("AWS::CloudFront::Distribution", STACK)["DistributionConfig"]
    return config


def behaviour(app: Synthesis, path: str) -> Json:
    (found,) = [behavior for behavior in distribution(app)["CacheBehaviors"] if behavior["PathPattern"] == path]
    return dict(found)


def origin(app: Synthesis, origin_id: str) -> Json:
    (found,) = [origin for origin in distribution(app)["Origins"] if origin["Id"] == origin_id]
    return dict(found)


def security_headers(app: Synthesis, name: str) -> Json:
    (found,) = [
        policy["Properties"]["ResponseHeadersPolicyConfig"]["SecurityHeadersConfig"]
        for place, policy in app.resources("AWS::CloudFront::ResponseHeadersPolicy", STACK).items()
        if name in place
    ]
    return dict(found)


def test_the_site_comes_from_its_bucket_with_origin_access_control() -> None:
    site = origin(synthesis(), distribution(synthesis())["DefaultCacheBehavior"]["TargetOriginId"])

    assert "Site" in str(site["DomainName"])
    assert "OriginAccessControlId" in site
    assert site["S3OriginConfig"] == {"OriginAccessIdentity": ""}


@pytest.mark.parametrize("path", ["/api/*", "/ws/*", "/admin/*"])
def test_api_requests_reach_the_internal_load_balancer_uncached_and_complete(path: str) -> None:
    found = behaviour(synthesis(), path)

    assert "VpcOriginConfig" in origin(synthesis(), found["TargetOriginId"])
    assert found["CachePolicyId"] == "4135ea2d-6df8-44a3-9df3-4b5a84be39ad"  # Managed-CachingDisabled
    assert (
        found["OriginRequestPolicyId"] == "33f36d7e-f396-46d9-90e0-52428a34d9dc"
    )  # Managed-AllViewerAndCloudFrontHeaders
    assert set(found["AllowedMethods"]) == {"GET", "HEAD", "OPTIONS", "PUT", "PATCH", "POST", "DELETE"}


def test_static_files_come_from_the_load_balancer_and_are_cached() -> None:
    found = behaviour(synthesis(), "/static/*")

    assert "VpcOriginConfig" in origin(synthesis(), found["TargetOriginId"])
    assert "StaticCache" in found["CachePolicyId"]["Ref"]


def test_media_come_from_their_bucket_with_origin_access_control() -> None:
    media = origin(synthesis(), behaviour(synthesis(), "/media/*")["TargetOriginId"])

    assert "Media" in str(media["DomainName"])
    assert "OriginAccessControlId" in media


def test_only_the_default_behavior_falls_back_to_the_single_page() -> None:
    config = distribution(synthesis())

    assert len(config["DefaultCacheBehavior"]["FunctionAssociations"]) == 1
    assert [
        behavior["PathPattern"] for behavior in config["CacheBehaviors"] if "FunctionAssociations" in behavior
    ] == []
    assert "CustomErrorResponses" not in config


def test_every_response_uses_https_and_has_security_headers() -> None:
    config = distribution(synthesis())

    for found in (config["DefaultCacheBehavior"], *config["CacheBehaviors"]):
        assert found["ViewerProtocolPolicy"] == "redirect-to-https"
        expected = "UploadHeaders" if found.get("PathPattern") == "/media/*" else "SecurityHeaders"
        assert expected in found["ResponseHeadersPolicyId"]["Ref"]


def test_an_uploaded_page_runs_no_script_regardless_of_its_headers() -> None:
    headers = security_headers(synthesis(), "UploadHeaders")
    policy = headers["ContentSecurityPolicy"]
    directives = [part.strip() for part in policy["ContentSecurityPolicy"].split(";")]

    assert "sandbox" in directives
    assert "default-src 'none'" in directives
    assert not [directive for directive in directives if "script" in directive or "allow-" in directive]
    assert headers["ContentTypeOptions"] == {"Override": True}
    assert policy["Override"] is headers["FrameOptions"]["Override"] is True


def test_the_content_security_policy_is_the_manifests() -> None:
    changed = synthesis({"environments.production.edge": {"content_security_policy": "default-src 'none'"}})
    headers = security_headers(changed, "SecurityHeaders")

    assert headers["ContentSecurityPolicy"]["ContentSecurityPolicy"] == "default-src 'none'"


def test_without_a_domain_the_url_has_cloudfronts_own_name() -> None:
    app = synthesis()

    assert "Aliases" not in distribution(app)
    assert not app.resources("AWS::CertificateManager::Certificate")
    assert not app.resources("AWS::Route53::RecordSet")
    assert "DomainName" in str(app[STACK]["Outputs"]["Url"]["Value"])


def test_a_domain_in_a_hosted_zone_gets_a_certificate_and_its_records() -> None:
    app = synthesis(with_domain(hosted_zone_id=ZONE))
    certificate = app.resource("AWS::CertificateManager::Certificate", STACK)
    records = [resource["Properties"] for resource in app.resources("AWS::Route53::RecordSet", STACK).values()]

    assert certificate["DomainName"] == "allthrive.ai"
    assert certificate["DomainValidationOptions"] == [{"DomainName": "allthrive.ai", "HostedZoneId": ZONE}]
    assert sorted((record["Type"], record["Name"], record["HostedZoneId"]) for record in records) == [
        ("A", "allthrive.ai.", ZONE),
        ("AAAA", "allthrive.ai.", ZONE),
    ]


def test_a_certificate_in_the_manifest_is_used() -> None:
    app = synthesis(with_domain(certificate_arn=CERTIFICATE))

    assert distribution(app)["ViewerCertificate"]["AcmCertificateArn"] == CERTIFICATE
    assert not app.resources("AWS::CertificateManager::Certificate")
    assert not app.resources("AWS::Route53::RecordSet")


def test_a_domain_is_served_with_tls_1_2_or_newer() -> None:
    app = synthesis(with_domain(certificate_arn=CERTIFICATE))

    assert distribution(app)["Aliases"] == ["allthrive.ai"]
    assert distribution(app)["ViewerCertificate"]["MinimumProtocolVersion"] == "TLSv1.2_2021"
    assert distribution(app)["ViewerCertificate"]["SslSupportMethod"] == "sni-only"
    assert app[STACK]["Outputs"]["Url"]["Value"] == "https://allthrive.ai"


def test_the_manifest_can_enable_the_firewall() -> None:
    app = synthesis({"environments.production.edge": {"waf": True, "waf_requests_per_5_minutes": 500}})
    acl = app.resource("AWS::WAFv2::WebACL", STACK)

    assert "WebAcl" in str(distribution(app)["WebACLId"])
    assert acl["Rules"][0]["Statement"]["RateBasedStatement"]["Limit"] == 500


def test_there_is_no_firewall_by_default() -> None:
    app = synthesis({"environments.production.edge": {}})

    assert not app.resources("AWS::WAFv2::WebACL")
    assert "WebACLId" not in distribution(app)


@pytest.mark.parametrize(
    ("manifest", "aws"), [("100", "PriceClass_100"), ("200", "PriceClass_200"), ("all", "PriceClass_All")]
)
def test_the_price_class_is_the_manifests(manifest: str, aws: str) -> None:
    assert distribution(synthesis({"environments.production.edge": {"price_class": manifest}}))["PriceClass"] == aws


@pytest.mark.parametrize(("keep", "policy"), [(True, "Retain"), (False, "Delete")])
def test_the_site_bucket_is_kept_with_the_data(keep: bool, policy: str) -> None:
    (site,) = synthesis({"environments.production.keep_data": keep}).resources("AWS::S3::Bucket", STACK).values()

    assert site["DeletionPolicy"] == policy
