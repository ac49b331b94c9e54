"""TLS from CloudFront to the load balancer, where an environment has a domain."""

from __future__ import annotations

from typing import Any

import pytest

from products.errors import ProblemsError
from tests.stacks.test_edge import CERTIFICATE, ZONE, with_domain
from tests.support.manifests import product
from tests.support.synthesis import Json, Synthesis, synthesis
from tests.support.way import Request, Way

NAME = "production-allthrive"
IN_EUROPE = CERTIFICATE.replace("us-east-1", "eu-central-1")


@pytest.fixture(scope="module")
def secure() -> Synthesis:
    return synthesis(with_domain(certificate_arn=CERTIFICATE))


def europe(**domain: str) -> dict[str, Any]:
    changes = with_domain(certificate_arn=CERTIFICATE, **domain)
    return {**changes, "environments.production.region": "eu-central-1"}


def listener(app: Synthesis) -> Json:
    return app.resource("AWS::ElasticLoadBalancingV2::Listener", f"{NAME}-services")


def problems(changes: dict[str, Any]) -> list[str]:
    try:
        product(changes)
    except ProblemsError as error:
        return error.sentences
    return []


def test_cloudfront_speaks_only_https_with_the_load_balancer(secure: Synthesis) -> None:
    origin = secure.resource("AWS::CloudFront::VpcOrigin", f"{NAME}-edge")["VpcOriginEndpointConfig"]

    assert (origin["OriginProtocolPolicy"], origin["HTTPSPort"]) == ("https-only", 443)
    assert origin["OriginSSLProtocols"] == ["TLSv1.2"]
    assert (listener(secure)["Protocol"], listener(secure)["Port"]) == ("HTTPS", 443)


def test_cloudfront_may_reach_the_load_balancer_on_the_listeners_port_only(secure: Synthesis) -> None:
    for app, port in ((secure, 443), (synthesis(), 80)):
        admitted = app.resources("AWS::EC2::SecurityGroupIngress", f"{NAME}-network").values()
        ports = [rule["Properties"]["FromPort"] for rule in admitted if "SourcePrefixListId" in rule["Properties"]]

        assert ports == [port] == [listener(app)["Port"]]


def test_in_us_east_1_one_certificate_serves_both(secure: Synthesis) -> None:
    assert listener(secure)["Certificates"] == [{"CertificateArn": CERTIFICATE}]


def test_a_hosted_zone_is_enough_for_the_certificate_of_the_load_balancer() -> None:
    for changes in (with_domain(hosted_zone_id=ZONE), europe(hosted_zone_id=ZONE)):
        app = synthesis(changes)
        certificate = app.resource("AWS::CertificateManager::Certificate", f"{NAME}-services")

        assert certificate["DomainName"] == "allthrive.ai"
        assert certificate["DomainValidationOptions"] == [{"DomainName": "allthrive.ai", "HostedZoneId": ZONE}]
        assert "Certificate" in str(listener(app)["Certificates"][0]["CertificateArn"]["Ref"])


def test_the_load_balancer_may_have_a_certificate_of_its_own() -> None:
    app = synthesis(europe(load_balancer_certificate_arn=IN_EUROPE))

    assert listener(app)["Certificates"] == [{"CertificateArn": IN_EUROPE}]


def test_a_missing_certificate_in_the_environments_region_is_reported() -> None:
    (problem,) = problems(europe())

    assert problem.startswith("environments.production.edge.domain.load_balancer_certificate_arn: missing")
    assert "for allthrive.ai in eu-central-1" in problem


def test_a_certificate_of_another_region_is_reported() -> None:
    (problem,) = problems(with_domain(certificate_arn=CERTIFICATE, load_balancer_certificate_arn=IN_EUROPE))

    assert "got a certificate of eu-central-1, and the load balancer is in us-east-1" in problem


@pytest.mark.parametrize("path", ["/api/v1/", "/static/site.css"])
def test_every_request_of_a_visitor_has_the_name_in_the_certificate(secure: Synthesis, path: str) -> None:
    sent = Way(secure, NAME).visit(Request("GET", path, {"Host": "allthrive.ai", "Cookie": "session=1"}))

    # CloudFront accepts the load balancer's certificate because of this header: docs/adr/0027.
    assert sent.headers["Host"] == "allthrive.ai"
    assert sent.headers["X-Forwarded-Proto"] == "https"


def test_static_files_are_cached_without_cookies_and_by_host_name(secure: Synthesis) -> None:
    sent = Way(secure, NAME).visit(Request("GET", "/static/site.css", {"Host": "allthrive.ai", "Cookie": "session=1"}))
    (policy,) = secure.resources("AWS::CloudFront::CachePolicy").values()
    key = policy["Properties"]["CachePolicyConfig"]["ParametersInCacheKeyAndForwardedToOrigin"]

    assert "Cookie" not in sent.headers
    assert key["HeadersConfig"]["Headers"] == ["Host", "CloudFront-Forwarded-Proto"]


@pytest.mark.parametrize("path", ["/api/v1/", "/static/site.css"])
def test_without_a_domain_only_cloudfronts_header_has_the_visitors_protocol(path: str) -> None:
    sent = Way(synthesis(), NAME).visit(Request("GET", path, {"Host": "d111111abcdef8.cloudfront.net"}))

    assert sent.headers["X-Forwarded-Proto"] == "http"
    assert sent.headers["CloudFront-Forwarded-Proto"] == "https"
