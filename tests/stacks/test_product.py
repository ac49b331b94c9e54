"""One module assembles the app of a product for all its callers."""

from __future__ import annotations

import re

from paths import ROOT
from stacks.product import add_environments, add_product, feature_flags
from tests.support.manifests import product
from tests.support.synthesis import app

_ASSEMBLES = re.compile(r"(?<!class )\b(EnvironmentStage|ToolingStage)\(")


def test_a_product_is_its_tooling_and_its_environments_in_the_manifests_order() -> None:
    stages = add_product(app(), product())

    assert stages.tooling.node.path == "tooling"
    assert list(stages.environments) == ["staging", "production"]
    assert [stage.node.path for stage in stages.environments.values()] == ["staging", "production"]


def test_environments_can_be_added_without_tooling() -> None:
    scope = app()

    add_environments(scope, product())

    assert scope.node.try_find_child("tooling") is None
    assert scope.node.try_find_child("production") is not None


def test_an_app_without_the_cli_gets_the_feature_flags_of_cdk_json() -> None:
    assert feature_flags()["@aws-cdk/core:defaultCrossStackReferences"] == "strong"


def test_no_other_module_creates_the_stages_of_a_product() -> None:
    folders = ("bench", "builds", "constructs", "lambda", "policy", "products", "slipway_cli", "stacks", "tests")
    modules = [*ROOT.glob("*.py"), *(path for folder in folders for path in (ROOT / folder).rglob("*.py"))]

    found = {str(path.relative_to(ROOT)) for path in modules if _ASSEMBLES.search(path.read_text(encoding="utf-8"))}

    assert found == {"stacks/product.py"}
