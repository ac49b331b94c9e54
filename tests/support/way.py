"""The requests of visitors and health checks as an application receives them, according to the templates."""

from __future__ import annotations

import fnmatch
from dataclasses import dataclass
from typing import Any

from tests.support.synthesis import Json, Synthesis

# docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide, "Use managed origin request policies" and "cache
# policies": the first forwards all of the visitor's headers, Host included, and CloudFront's own.
_ALL_VIEWER_AND_CLOUDFRONT = "33f36d7e-f396-46d9-90e0-52428a34d9dc"
_NOTHING = {"658327ea-f89d-4fab-a63d-7e88639e58f6", "4135ea2d-6df8-44a3-9df3-4b5a84be39ad"}


@dataclass(frozen=True)
class Request:
    """An HTTP request."""

    method: str
    path: str
    headers: dict[str, str]


class Way:
    """The way of a request through CloudFront and the load balancer of one environment."""

    def __init__(self, found: Synthesis, prefix: str) -> None:
        self._found, self._prefix = found, prefix
        config = found.resource("AWS::CloudFront::Distribution", f"{prefix}-edge")["DistributionConfig"]
        self._behaviors: list[Json] = [
            *config["CacheBehaviors"],
            {**config["DefaultCacheBehavior"], "PathPattern": "*"},
        ]

    def behavior(self, path: str) -> Json:
        """Returns the behavior of a path: the first that matches."""
        return next(entry for entry in self._behaviors if fnmatch.fnmatchcase(path, entry["PathPattern"]))

    def visit(self, request: Request) -> Request:
        """Returns the request that reaches the application when a visitor sends this one with HTTPS."""
        behavior = self.behavior(request.path)
        sent = {**request.headers, "CloudFront-Forwarded-Proto": "https"}
        if behavior.get("OriginRequestPolicyId") != _ALL_VIEWER_AND_CLOUDFRONT:
            kept = {name.lower() for name in self._in_the_cache_key(behavior["CachePolicyId"])}
            sent = {name: value for name, value in sent.items() if name.lower() in kept}
        sent.setdefault("Host", "internal-balancer.us-east-1.elb.amazonaws.com")
        listener = self._found.resource("AWS::ElasticLoadBalancingV2::Listener", f"{self._prefix}-services")
        balanced = {"X-Forwarded-Proto": listener["Protocol"].lower(), "X-Forwarded-Port": str(listener["Port"])}
        return Request(request.method, request.path, {**sent, **balanced})

    def health_check(self) -> tuple[Request, list[int]]:
        """Returns the load balancer's health check, and the status codes that it accepts."""
        group = self._found.resource("AWS::ElasticLoadBalancingV2::TargetGroup", f"{self._prefix}-services")
        codes: list[int] = []
        for part in group["Matcher"]["HttpCode"].split(","):
            first, _, last = part.partition("-")
            codes += range(int(first), int(last or first) + 1)
        headers = {"Host": f"10.0.1.2:{group['Port']}", "User-Agent": "ELB-HealthChecker/2.0"}
        return Request("GET", group["HealthCheckPath"], headers), codes

    def _in_the_cache_key(self, policy: Any) -> list[str]:
        if isinstance(policy, str) and policy in _NOTHING:
            return []
        logical_id = policy["Ref"]
        resource = self._found[f"{self._prefix}-edge"]["Resources"][logical_id]["Properties"]["CachePolicyConfig"]
        headers: list[str] = resource["ParametersInCacheKeyAndForwardedToOrigin"]["HeadersConfig"].get("Headers", [])
        return headers
