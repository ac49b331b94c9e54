"""The profiles of an environment: what they set, what overrides them, and what messages say about them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from products import Product, load
from products.loader import validated
from products.profiles import PROFILES
from products.regions import REGIONS
from tests.support.manifests import complaints, product

SHORT = (Path(__file__).parent / "cookiecutter-django.yaml").read_text(encoding="utf-8")
NAME = "my-awesome-project"


def short(environment: dict[str, Any], **changes: Any) -> Product:
    """The short manifest with one environment, `live`."""
    return validated({**yaml.safe_load(SHORT), "environments": {"live": environment}, **changes})


def found(folder: Path, *edits: tuple[str, str]) -> list[str]:
    text = SHORT
    for old, new in edits:
        assert text.count(old) == 1
        text = text.replace(old, new)
    return complaints(folder, text, NAME)


def written(shipped: Product) -> dict[str, Any]:
    """A product without the keys that only say how its manifest is written."""
    data = {**shipped.model_dump(), "account": None, "region": None}
    return {**data, "environments": {name: {**of, "profile": None} for name, of in data["environments"].items()}}


def test_the_manifest_of_cookiecutter_django_has_at_most_25_lines(tmp_path: Path) -> None:
    assert len(SHORT.splitlines()) <= 25
    assert found(tmp_path) == []


def test_allthrive_with_profiles_is_the_product_that_it_is_with_every_key_written() -> None:
    domain = load("allthrive").environments["production"].edge.domain
    assert domain
    # Most tests of templates ask about an environment without a domain, so the written manifest has none.
    with_domain = product({"environments.production.edge.domain": domain.model_dump(exclude_none=True)})

    assert written(load("allthrive")) == written(with_domain)


@pytest.mark.parametrize("profile", PROFILES)
def test_an_environment_can_be_one_line(profile: str) -> None:
    live = short({"profile": profile}).environments["live"]

    assert live.profile == profile
    assert live.model_dump(include={"account", "region"}) == {"account": "111122223333", "region": "us-east-1"}


@pytest.mark.parametrize("profile", PROFILES)
@pytest.mark.parametrize("region", REGIONS)
def test_each_profile_fits_each_region(profile: str, region: str) -> None:
    assert short({"profile": profile, "region": region}).environments["live"].region == region


def test_profiles_differ_in_protection() -> None:
    kept = {name: short({"profile": name}).environments["live"] for name in PROFILES}

    assert {name: (live.deletion_protection, live.keep_data) for name, live in kept.items()} == {
        "minimal": (False, False),
        "standard": (True, True),
        "ha": (True, True),
    }


@pytest.mark.parametrize("profile", PROFILES)
def test_no_profile_asks_for_an_approval(profile: str) -> None:
    assert short({"profile": profile}).environments["live"].approval is False


def test_a_key_of_the_environment_overrides_the_profile_and_leaves_the_rest_of_its_section() -> None:
    live = short({"profile": "ha", "database": {"multi_az": False}, "log_retention_days": 7}).environments["live"]

    assert live.database
    assert live.database.multi_az is False
    assert live.database.instance == "db.t4g.medium"
    assert live.log_retention_days == 7


def test_null_overrides_a_profile_too() -> None:
    live = short({"profile": "ha", "database": {"maximum_storage_gb": None}}).environments["live"]

    assert live.database
    assert live.database.maximum_storage_gb is None


def test_an_environments_region_overrides_the_manifests() -> None:
    assert short({"profile": "ha", "region": "eu-west-1"}).environments["live"].region == "eu-west-1"
    assert short({"profile": "ha", "region": "eu-west-1"}).environments["live"].edge.waf is False


def test_ha_places_nat_in_as_many_zones_as_the_environment_has() -> None:
    assert short({"profile": "ha", "network": {"zones": 2}}).environments["live"].network.nat_count == 2
    assert short({"profile": "ha", "network": {"zone_letters": "bc"}}).environments["live"].network.zones == 2
    assert short({"profile": "ha", "region": "us-west-1"}).environments["live"].network.zones == 2


def test_ha_runs_two_tasks_behind_the_load_balancer_and_never_a_second_scheduler() -> None:
    services = short({"profile": "ha"}).services_in("live")

    assert {name: service.count for name, service in services.items()} == {"web": 2, "worker": 1, "beat": 1}


def test_minimal_runs_one_task_of_each_service() -> None:
    live = product({"environments.staging": {"profile": "minimal", "account": "111122223333", "region": "us-east-1"}})

    assert {service.count for service in live.services_in("staging").values()} == {1}


def test_an_environment_says_its_own_count_with_a_profile() -> None:
    live = short({"profile": "minimal", "services": {"web": {"count": 3}}})

    assert live.services_in("live")["web"].count == 3


def test_without_a_profile_every_required_key_is_asked_for(tmp_path: Path) -> None:
    assert found(tmp_path, ("  staging: {profile: minimal}", "  staging: {edge: {waf: false}}")) == [
        f"{NAME}.yaml:21: environments.staging.{key}: missing; write it, or one of the profiles minimal, standard, ha"
        + keys
        for key, keys in (
            ("deletion_protection", ""),
            ("keep_data", ""),
            (
                "database",
                "; its keys are: instance, storage_gb, maximum_storage_gb, multi_az, backup_days, rotate_password_days",
            ),
            ("cache", "; its keys are: node, replicas, snapshot_days"),
        )
    ]


def test_a_misspelled_profile_is_one_problem(tmp_path: Path) -> None:
    assert found(tmp_path, ("profile: minimal", "profile: minimul")) == [
        f"{NAME}.yaml:21: environments.staging.profile: input should be 'minimal', 'standard' or 'ha', got 'minimul'"
    ]


@pytest.mark.parametrize(
    ("environment", "complaint"),
    [
        (
            "{profile: ha, network: {zones: 2, nat_count: 3}}",
            "network.nat_count: got 3, more than zones 2",
        ),
        (
            "{profile: standard, database: {storage_gb: 500}}",
            (
                "database.maximum_storage_gb: got 100, less than storage_gb 500; write 550 or more "
                "(profile standard sets it)"
            ),
        ),
        (
            "{profile: ha, services: {web: {scaling: {maximum: 1, cpu_percent: 50}}}}",
            "services.web.scaling.maximum: got 1, less than count 2",
        ),
        (
            "{profile: ha, network: {zone_letters: xy}}",
            "network.zone_letters: us-east-1 has no zone x; choose from abcdf",
        ),
        ("{profile: minimal, region: mars-1}", "region: unknown region 'mars-1'"),
    ],
)
def test_a_message_names_the_profile_whose_value_does_not_fit(tmp_path: Path, environment: str, complaint: str) -> None:
    problems = found(tmp_path, ("{profile: minimal}", environment))

    assert len(problems) == 1
    assert problems[0].startswith(f"{NAME}.yaml:21: environments.staging.{complaint}")


@pytest.mark.parametrize(
    ("old", "new", "complaint"),
    [
        ("region: us-east-1", "region: us-esat-1", "3: region: unknown region 'us-esat-1'; did you mean 'us-west-1'?"),
        ('account: "111122223333"', "account: 111122223333", "2: account: expected text, got 111122223333; put it in "),
        ('account: "111122223333"', 'account: "1"', "2: account: got '1'; write it like \"111122223333\""),
    ],
)
def test_a_wrong_value_that_serves_all_environments_is_one_problem_at_its_own_line(
    tmp_path: Path, old: str, new: str, complaint: str
) -> None:
    problems = found(tmp_path, (old, new))

    assert len(problems) == 1
    assert problems[0].startswith(f"{NAME}.yaml:{complaint}")


def test_a_missing_account_says_where_it_may_stand(tmp_path: Path) -> None:
    problems = found(tmp_path, ('account: "111122223333"\n', ""))

    assert problems == [
        f"{NAME}.yaml:{line}: {place}.account: missing; "
        "write it here, or at the top of the manifest for all environments"
        for place, line in (("tooling", 1), ("environments.staging", 20), ("environments.production", 21))
    ]


@pytest.mark.parametrize(
    "environments",
    [None, [], "staging", {"staging": None}, {"staging": []}, {"staging": {"profile": []}}, {1: {"profile": "ha"}}],
)
@pytest.mark.parametrize("services", [None, [], {"web": None}, {"web": {"count": "many"}}])
def test_defaults_leave_what_is_no_manifest_to_validation(tmp_path: Path, environments: Any, services: Any) -> None:
    text = yaml.safe_dump({**yaml.safe_load(SHORT), "environments": environments, "services": services})

    assert complaints(tmp_path, text, NAME)
