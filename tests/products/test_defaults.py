"""Defaults of a manifest follow from the rest of it."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import pytest
import yaml

from products import Product
from products.defaults import completed
from products.loader import validated
from tests.support.manifests import ALLTHRIVE, complaints, manifest

SHORT = yaml.safe_load((Path(__file__).parent / "cookiecutter-django.yaml").read_text(encoding="utf-8"))
CHECK = {"build": "backend"}


def short(**changes: Any) -> Product:
    return validated({**SHORT, **changes})


def stages(made: Product) -> dict[str, tuple[str, ...]]:
    assert made.pipeline
    return {name: flow.stages for name, flow in made.pipeline.flows.items()}


def test_the_only_image_is_every_services_and_the_migrations() -> None:
    made = short()

    assert {service.image for service in made.services.values()} == {"django"}
    assert made.migration
    assert made.migration.image == "django"


def test_with_two_images_a_service_names_its_own(tmp_path: Path) -> None:
    text = yaml.safe_dump({**SHORT, "images": {"django": {}, "node": {}}})

    assert [problem.split(": ", 1)[1] for problem in complaints(tmp_path, text, SHORT["name"])] == [
        "services.beat.image: missing",
        "services.web.image: missing",
        "services.worker.image: missing",
        "migration.image: missing",
    ]


def test_the_smallest_size_is_the_default() -> None:
    assert {(service.size.cpu, service.size.memory) for service in short().services.values()} == {(256, 512)}


def test_the_database_is_named_after_the_product() -> None:
    database = short().database

    assert database
    assert database.name == "my_awesome_project"


def test_a_product_that_is_no_name_of_a_database_is_asked_for_one(tmp_path: Path) -> None:
    name = "a" * 24
    made = validated({**SHORT, "name": name, "database": {"name": "s"}, "environments": {"e": {"profile": "ha"}}})
    assert made.database
    assert made.database.name == "s"

    text = yaml.safe_dump({**SHORT, "name": "Shop"})
    problems = complaints(tmp_path, text, "Shop")
    assert any(
        "database.name: got 'Shop'; write it like allthrive (from the product's name" in problem for problem in problems
    )


def test_the_pipeline_looks_for_its_token_and_version_in_the_usual_places() -> None:
    pipeline = short().pipeline

    assert pipeline
    assert pipeline.github.secret == "my-awesome-project/github"
    assert pipeline.version_file == "pyproject.toml"


def test_a_github_app_may_keep_the_secrets_name() -> None:
    key = "arn:aws:kms:us-east-1:111122223333:key/0f1e2d3c-0000-4000-8000-000000000000"
    pipeline = short(pipeline={**SHORT["pipeline"], "github": {"app_key_arn": key}}).pipeline

    assert pipeline
    assert (pipeline.github.secret, pipeline.github.app_key_arn) == ("my-awesome-project/github", key)


def test_without_flows_the_branch_is_released_through_all_environments_in_order() -> None:
    assert stages(short()) == {"main": ("publish", "staging", "production", "release")}


def test_the_branch_of_the_default_flow_is_the_repositorys() -> None:
    made = short(repository={**SHORT["repository"], "branch": "trunk"})

    assert made.pipeline
    assert made.pipeline.flows["main"].branches == ("trunk",)


@pytest.mark.parametrize(
    ("pipeline", "expected"),
    [
        (
            {"checks": {"backend": CHECK}},
            {"pull-request": ("test",), "main": ("test", "publish", "staging", "production", "release")},
        ),
        (
            {"checks": {"backend": {**CHECK, "flows": ["pull-request"]}}},
            {"pull-request": ("test",), "main": ("publish", "staging", "production", "release")},
        ),
        (
            {"checks": {"backend": {**CHECK, "flows": ["main"]}}},
            {"main": ("test", "publish", "staging", "production", "release")},
        ),
        ({"e2e": {}}, {"main": ("publish", "staging", "e2e", "production", "release")}),
    ],
    ids=["checks", "a check of pull requests", "a check of releases", "e2e"],
)
def test_default_flows_run_what_the_pipeline_has(
    pipeline: dict[str, Any], expected: dict[str, tuple[str, ...]]
) -> None:
    assert stages(short(pipeline={**SHORT["pipeline"], **pipeline})) == expected


def test_flows_that_a_manifest_writes_are_all_that_it_has() -> None:
    flows = {"main": {"branches": ["main"], "stages": ["publish", "staging"]}}

    assert stages(short(pipeline={**SHORT["pipeline"], "flows": flows})) == {"main": ("publish", "staging")}


def test_a_problem_of_a_default_flow_says_that_it_is_a_default(tmp_path: Path) -> None:
    text = yaml.safe_dump({**SHORT, "environments": {}}, sort_keys=False)

    assert [problem for problem in complaints(tmp_path, text, SHORT["name"]) if "environments" in problem]


def test_completing_changes_neither_the_data_nor_a_completed_manifest() -> None:
    data = copy.deepcopy(SHORT)

    once = completed(data).data

    assert data == SHORT
    assert completed(once).data == once


def test_a_manifest_that_writes_everything_is_left_as_it_is() -> None:
    assert completed(yaml.safe_load(ALLTHRIVE)).data == manifest()


def test_the_tooling_has_an_account_of_its_own() -> None:
    made = short(tooling={"account": "444455556666"})

    assert (made.tooling.account, made.tooling.region) == ("444455556666", "us-east-1")
