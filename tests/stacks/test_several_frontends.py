"""Two frontends in one distribution and one bucket, and one below a path beside a service that serves the rest."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.support.manifests import REMOVED
from tests.support.synthesis import Json, Synthesis, synthesis

EDGE = "production-allthrive-edge"
DELIVERY = "tooling-allthrive-delivery"


@pytest.fixture(scope="module")
def several() -> Synthesis:
    shop = {"directory": "shop", "keep_releases": 3}
    admin = {"directory": "admin", "path": "/admin/", "variables": {"VITE_TITLE": "Admin"}}
    frontends: dict[str, Any] = {"shop": shop, "admin": admin}
    paths = ["/api/*", "/ws/*", "/admin/api/*"]
    return synthesis({"frontend": REMOVED, "frontends": frontends, "services.web.paths": paths}, tooling=True)


def config(found: Synthesis) -> Json:
    result: Json = found.resource("AWS::CloudFront::Distribution", EDGE)["DistributionConfig"]
    return result


def function(behavior: Json) -> str:
    return str(behavior.get("FunctionAssociations", [{}])[0].get("FunctionARN"))


def test_a_frontend_below_a_path_has_a_function_of_its_own_and_the_same_origin(several: Synthesis) -> None:
    default = config(several)["DefaultCacheBehavior"]
    behaviors = {behavior["PathPattern"]: behavior for behavior in config(several)["CacheBehaviors"]}

    assert function(behaviors["/admin"]) == function(behaviors["/admin/*"]) != function(default)
    assert {behaviors[path]["TargetOriginId"] for path in ("/admin", "/admin/*")} == {default["TargetOriginId"]}
    assert len(several.resources("AWS::CloudFront::OriginAccessControl", EDGE)) == 2  # of the site and of media


def test_a_services_path_below_a_frontends_is_tried_first(several: Synthesis) -> None:
    patterns = [behavior["PathPattern"] for behavior in config(several)["CacheBehaviors"]]

    assert patterns.index("/admin/api/*") < patterns.index("/admin/*")


def test_each_frontend_is_built_and_published_by_builds_of_its_own(several: Synthesis) -> None:
    projects = several.resources("AWS::CodeBuild::Project", DELIVERY)

    def variables(name: str) -> dict[str, str]:
        (found,) = [project for place, project in projects.items() if place.startswith(f"{DELIVERY}/{name}")]
        listed = found["Properties"]["Environment"]["EnvironmentVariables"]
        return {variable["Name"]: variable["Value"] for variable in listed}

    bundle, shop = variables("MainTestBundleAdmin"), variables("MainProductionFrontendShop")
    assert bundle["BUILD_VARIABLES"] == "BASE_PATH=/admin/\nVITE_TITLE=Admin\n"
    assert variables("MainTestBundleShop")["OTHER_PATHS"] == "admin/"
    assert (shop["KEEP_RELEASES"], shop["OTHER_PATHS"], "BASE_PATH" in shop) == ("3", "admin/", False)
    assert variables("MainProductionFrontendAdmin")["BASE_PATH"] == "/admin/"


def test_the_invalidation_gets_the_paths_of_all_frontends(several: Synthesis) -> None:
    text = json.dumps(several.resources("AWS::CodePipeline::Pipeline", DELIVERY))

    assert "#{ProductionFrontendShop.PATHS} #{ProductionFrontendAdmin.PATHS}" in text


def test_only_the_builds_of_the_frontends_may_take_the_role_that_publishes(several: Synthesis) -> None:
    roles = several.resources("AWS::IAM::Role", "production-allthrive-access").values()
    (role,) = [role["Properties"] for role in roles if role["Properties"]["RoleName"].endswith("-pipeline-publish")]
    (statement,) = role["AssumeRolePolicyDocument"]["Statement"]
    callers = json.dumps(statement["Condition"]["ArnEquals"]["aws:PrincipalArn"])

    assert callers.count("main-production-publish-shop") == callers.count("main-production-publish-admin") == 1
    assert callers.count("role/") == 2


def test_a_frontend_below_a_path_stands_beside_a_service_with_the_rest() -> None:
    found = synthesis({"frontend": {"directory": "admin", "path": "/admin/"}, "services.web.paths": ["/*"]})

    assert "VpcOriginConfig" in next(
        origin
        for origin in config(found)["Origins"]
        if origin["Id"] == config(found)["DefaultCacheBehavior"]["TargetOriginId"]
    )
    assert "DefaultRootObject" not in config(found)
    assert {"/admin", "/admin/*"} <= {behavior["PathPattern"] for behavior in config(found)["CacheBehaviors"]}
