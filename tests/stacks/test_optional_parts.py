"""Products of other shapes than AllThrive's: without a frontend, a database, a cache, media."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.support.manifests import NULL, REMOVED, manifest
from tests.support.synthesis import Json, Synthesis, synthesis

NAME = "production-allthrive"


def without(*parts: str, **changes: Any) -> dict[str, Any]:
    """Returns the changes that remove parts of AllThrive and its second environment."""
    environment = {key: value for key, value in manifest()["environments"]["production"].items() if key not in parts}
    removed = {part: {"media": False, "cache": NULL}.get(part, REMOVED) for part in parts}
    return {**removed, "environments": {"production": environment}, **changes}


@pytest.fixture(scope="module")
def small() -> Synthesis:
    """A service that serves its own pages, and needs nothing else."""
    parts = ("frontend", "database", "cache", "media", "migration")
    return synthesis(without(*parts, **{"services.web.paths": ["/*"], "services.web.port": 80}))


@pytest.fixture(scope="module")
def django() -> Synthesis:
    """A service that serves its own pages, and the database of its own."""
    paths = {"services.web.paths": ["/*", "/api/*"], "services.second": {**_SECOND, "paths": ["/api/v2/*", "/login"]}}
    return synthesis(without("frontend", **paths))


_SECOND = {"image": "backend", "port": 8000, "health_path": "/", "size": {"cpu": 256, "memory": 512}}


def kinds(found: Synthesis) -> set[str]:
    return {resource["Type"] for template in found.templates.values() for resource in template["Resources"].values()}


def distribution(found: Synthesis) -> Json:
    config: Json = found.resource("AWS::CloudFront::Distribution", f"{NAME}-edge")["DistributionConfig"]
    return config


def rules(found: Synthesis) -> list[tuple[int, list[str], str]]:
    """Returns priority, patterns and target of each listener rule, in the order in which they are tried."""
    listed = found.resources("AWS::ElasticLoadBalancingV2::ListenerRule").values()
    return sorted(
        (
            rule["Properties"]["Priority"],
            rule["Properties"]["Conditions"][0]["PathPatternConfig"]["Values"],
            str(rule["Properties"]["Actions"][0]["TargetGroupArn"]),
        )
        for rule in listed
    )


def test_a_service_with_every_path_is_cloudfronts_default_behavior(small: Synthesis) -> None:
    default = distribution(small)["DefaultCacheBehavior"]

    assert "DefaultRootObject" not in distribution(small)
    assert default["CachePolicyId"] == "4135ea2d-6df8-44a3-9df3-4b5a84be39ad"  # Managed-CachingDisabled
    assert "POST" in default["AllowedMethods"]
    assert [entry["PathPattern"] for entry in distribution(small)["CacheBehaviors"]] == ["/static/*"]


def test_what_a_product_does_not_have_is_not_created(small: Synthesis) -> None:
    assert (
        kinds(small)
        & {
            "AWS::RDS::DBInstance",
            "AWS::ElastiCache::ReplicationGroup",
            "AWS::CloudFront::Function",
            "AWS::Lambda::Function",
            "Custom::DatabaseUsers",
        }
        == set()
    )
    assert [place for place in small.resources("AWS::S3::Bucket") if "AccessLogs" not in place] == []


def test_containers_get_no_variables_and_no_rights_of_missing_parts(small: Synthesis) -> None:
    text = json.dumps(small[f"{NAME}-services"])

    assert not [name for name in ("DATABASE_URL", "REDIS_", "AWS_STORAGE_BUCKET_NAME", "s3:PutObject") if name in text]
    assert "SECRET_KEY" in text


def test_outputs_and_alarms_of_missing_parts_do_not_exist(small: Synthesis) -> None:
    outputs = {name for template in small.templates.values() for name in template.get("Outputs", {})}
    alarms = {place.rpartition("/")[2] for place in small.resources("AWS::CloudWatch::Alarm")}

    assert not [name for name in outputs if name.startswith(("Database", "Media", "Site"))]
    assert not [name for name in alarms if "Database" in name or "Cache" in name]
    assert alarms


def test_containers_may_reach_no_store_that_does_not_exist(small: Synthesis) -> None:
    groups = small.resources("AWS::EC2::SecurityGroup", f"{NAME}-network").values()
    egress = [rule for group in groups for rule in group["Properties"].get("SecurityGroupEgress", [])]

    assert {rule.get("FromPort") for rule in egress} & {5432, 6379} == set()


def test_a_container_may_listen_on_port_80(small: Synthesis) -> None:
    group = small.resource("AWS::ElasticLoadBalancingV2::TargetGroup", f"{NAME}-services")

    assert group["Port"] == 80


def test_the_most_specific_path_of_all_services_is_tried_first(django: Synthesis) -> None:
    behaviors = [entry["PathPattern"] for entry in distribution(django)["CacheBehaviors"]]
    balanced = [(patterns, "Second" in target) for _, patterns, target in rules(django)]

    assert behaviors == ["/api/v2", "/login", "/api", "/api/v2/*", "/static/*", "/api/*", "/media/*"]
    assert balanced == [
        (["/api/v2", "/login"], True),
        (["/api"], False),
        (["/api/v2/*"], True),
        (["/static/*", "/api/*", "/*"], False),
    ]


def test_services_with_the_same_port_admit_the_load_balancer_once(django: Synthesis) -> None:
    admitted = django.resources("AWS::EC2::SecurityGroupIngress", f"{NAME}-network").values()

    ports = [rule["Properties"]["FromPort"] for rule in admitted if "SourceSecurityGroupId" in rule["Properties"]]
    assert ports == [8000]


def test_rules_stay_within_the_load_balancers_limits() -> None:
    paths = [*(f"/a{number}/*/b/*" for number in range(4)), *(f"/exact/{number}" for number in range(7))]
    found = rules(synthesis({"services.web.paths": paths}))

    assert [path for _, patterns, _ in found for path in patterns][-4:-1] == paths[:3]
    assert max(len(patterns) for _, patterns, _ in found) == 5
    assert max("".join(patterns).count("*") for _, patterns, _ in found) <= 5


def test_a_product_without_a_path_for_pages_answers_404_there() -> None:
    found = synthesis(without("frontend"))
    default = distribution(found)["DefaultCacheBehavior"]
    listener = found.resource("AWS::ElasticLoadBalancingV2::Listener", f"{NAME}-services")

    assert default["TargetOriginId"] == distribution(found)["CacheBehaviors"][0]["TargetOriginId"]
    assert "/*" not in [path for _, patterns, _ in rules(found) for path in patterns]
    assert listener["DefaultActions"][0]["FixedResponseConfig"]["StatusCode"] == "404"


@pytest.mark.parametrize("part", ["database", "cache", "media", "frontend"])
def test_what_keeps_data_has_the_same_id_when_another_part_is_missing(part: str) -> None:
    whole = synthesis()[f"{NAME}-data"]["Resources"]
    partial = synthesis(without(part))[f"{NAME}-data"]["Resources"]

    assert set(partial) <= set(whole)
    assert {name for name in whole if name not in partial} == {
        name for name in whole if name.lower().startswith(part) and name not in partial
    }


def test_without_a_frontend_the_application_alone_decides_which_scripts_its_pages_load(small: Synthesis) -> None:
    """A default would break pages that load a style sheet or a script from another host, as many do."""
    (headers,) = small.resources("AWS::CloudFront::ResponseHeadersPolicy").values()
    config = headers["Properties"]["ResponseHeadersPolicyConfig"]["SecurityHeadersConfig"]

    assert "ContentSecurityPolicy" not in config
    assert config["FrameOptions"]["Override"] is False
