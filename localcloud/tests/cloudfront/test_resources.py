"""VPC origins are created, updated and deleted."""

from __future__ import annotations

from typing import Any

import pytest

from localcloud.testing.plain import Plain, plain, resources, unique

__all__ = ["plain"]

pytestmark = pytest.mark.local


def test_the_ports_of_a_vpc_origin_are_updated(plain: Plain) -> None:
    stack, cloudfront = unique("origin"), plain.client("cloudfront")

    def template(port: int) -> dict[str, Any]:
        endpoint = {
            "Name": stack,
            "Arn": {"Ref": "Balancer"},
            "HTTPPort": port,
            "OriginProtocolPolicy": "http-only",
        }
        return resources(
            Balancer=("AWS::ElasticLoadBalancingV2::LoadBalancer", {"Scheme": "internal", "Type": "application"}),
            Origin=("AWS::CloudFront::VpcOrigin", {"VpcOriginEndpointConfig": endpoint}),
        )

    identity = plain.deploy(template(8080), stack)["Origin"]
    assert plain.deploy(template(9090), stack)["Origin"] == identity
    assert cloudfront.get_vpc_origin(Id=identity)["VpcOrigin"]["VpcOriginEndpointConfig"]["HTTPPort"] == 9090
    assert plain.delete(stack) == "DELETE_COMPLETE"
