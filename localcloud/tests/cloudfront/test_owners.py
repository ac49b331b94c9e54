"""A site is served with the resources of the account that owns it, not with those of the cloud's own account."""

from __future__ import annotations

import json
from http.client import HTTPConnection, HTTPResponse
from typing import Any

import pytest

from localcloud import clients, keys
from localcloud.settings import Settings
from localcloud.testing.cloud import until
from localcloud.testing.plain import ACCOUNT, REGION, Plain, plain, resources, unique

__all__ = ["plain"]
pytestmark = pytest.mark.local

OTHER = "222233334444"
ABROAD = "eu-west-1"
CACHING_DISABLED = "4135ea2d-6df8-44a3-9df3-4b5a84be39ad"
LB = "AWS::ElasticLoadBalancingV2"


def template(words: str) -> str:
    """A site whose pages come from a load balancer, through a VPC origin and a cache policy of the account."""
    answer = {"StatusCode": "200", "ContentType": "text/plain", "MessageBody": words}
    endpoint = {"Name": unique("own"), "Arn": {"Ref": "Balancer"}, "HTTPPort": 80, "OriginProtocolPolicy": "http-only"}
    origin = {
        "Id": "own",
        "DomainName": {"Fn::GetAtt": ["Balancer", "DNSName"]},
        "VpcOriginConfig": {"VpcOriginId": {"Ref": "Origin"}},
    }
    behavior = {"TargetOriginId": "own", "ViewerProtocolPolicy": "https-only", "CachePolicyId": CACHING_DISABLED}
    listener = {
        "LoadBalancerArn": {"Ref": "Balancer"},
        "Port": 80,
        "Protocol": "HTTP",
        "DefaultActions": [{"Type": "fixed-response", "FixedResponseConfig": answer}],
    }
    found = resources(
        Balancer=(f"{LB}::LoadBalancer", {"Scheme": "internal", "Type": "application", "Name": "own"}),
        Listener=(f"{LB}::Listener", listener),
        Origin=("AWS::CloudFront::VpcOrigin", {"VpcOriginEndpointConfig": endpoint}),
        Site=(
            "AWS::CloudFront::Distribution",
            {"DistributionConfig": {"Enabled": True, "Origins": [origin], "DefaultCacheBehavior": behavior}},
        ),
    )
    found["Outputs"] = {"Host": {"Value": {"Fn::GetAtt": ["Site", "DomainName"]}}}
    return json.dumps(found)


def deploy(plain: Plain, account: str, region: str) -> str:
    """Deploys a site that answers with its account; returns the label of its local URL."""
    key = keys.root(Settings(port=plain.port, state=plain.state, account=account))
    cloudformation = clients.client("cloudformation", key.credentials(), region, url=plain.url)
    cloudformation.create_stack(StackName="own", TemplateBody=template(f"{account} {region}"))

    def settled() -> Any:
        (found,) = cloudformation.describe_stacks(StackName="own")["Stacks"]
        return None if found["StackStatus"].endswith("_IN_PROGRESS") else found

    stack = until("the stack", settled)
    events = cloudformation.describe_stack_events(StackName="own")["StackEvents"]
    reasons = [event.get("ResourceStatusReason") for event in events if event["ResourceStatus"].endswith("FAILED")]
    assert stack["StackStatus"] == "CREATE_COMPLETE", reasons
    return str(stack["Outputs"][0]["OutputValue"]).partition(".")[0]


@pytest.fixture(scope="module")
def sites(plain: Plain) -> dict[tuple[str, str], str]:
    places = [(ACCOUNT, REGION), (OTHER, REGION), (OTHER, ABROAD)]
    return {place: deploy(plain, *place) for place in places}


def get(plain: Plain, label: str) -> HTTPResponse:
    connection = HTTPConnection("127.0.0.1", plain.port, timeout=10)
    connection.request("GET", "/", headers={"Host": f"{label}.cloudfront.localhost:{plain.port}"})
    return connection.getresponse()


@pytest.mark.parametrize("place", [(ACCOUNT, REGION), (OTHER, REGION), (OTHER, ABROAD)])
def test_a_site_is_served_from_its_own_account_and_region(
    place: tuple[str, str], plain: Plain, sites: dict[tuple[str, str], str]
) -> None:
    answer = get(plain, sites[place])

    assert (answer.status, answer.read().decode()) == (200, " ".join(place))


def test_an_account_does_not_see_the_sites_of_another(plain: Plain, sites: dict[tuple[str, str], str]) -> None:
    listed = plain.client("cloudfront").list_distributions()["DistributionList"].get("Items", [])

    assert sites[OTHER, REGION] not in {item["DomainName"].partition(".")[0] for item in listed}


def test_an_unknown_site_is_not_found(plain: Plain) -> None:
    assert get(plain, "nosuchsite").status >= 400
