"""Several frontends: what contradicts what, and what their pipelines and builds get."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from products import flows, path_checks, site_checks
from products.flows import Kind
from tests.support.manifests import REMOVED, complaints, manifest, product

SHOP = {"directory": "shop"}
ADMIN = {"directory": "admin", "path": "/admin/"}
WEB = ["/api/*", "/ws/*"]


def several(shop: dict[str, Any] = SHOP, admin: dict[str, Any] = ADMIN, **changes: Any) -> dict[str, Any]:
    frontends = {"frontend": REMOVED, "frontends": {"shop": shop, "admin": admin}, "services.web.paths": WEB}
    return {**frontends, **{key.replace("__", "."): value for key, value in changes.items()}}


def test_a_single_frontend_is_one_at_the_root() -> None:
    assert [(name, site.path) for name, site in product().sites().items()] == [("", "/")]


def test_each_of_several_frontends_has_its_own_actions_and_one_invalidation_follows() -> None:
    main = next(delivery for delivery in flows.deliveries(product(several())) if delivery.flow_name == "main")
    actions = [action for stage in main.stages for action in stage.actions]
    staging = next(stage for stage in main.stages if stage.environment)
    order = {action.name: action.run_order for action in staging.actions}

    assert [action.name for action in actions if action.kind is Kind.BUNDLE] == ["BundleShop", "BundleAdmin"]
    assert order["FrontendShop"] == order["FrontendAdmin"] == order["Invalidate"] - 1


def test_a_single_frontends_actions_keep_their_names() -> None:
    names = {
        action.name for delivery in flows.deliveries(product()) for stage in delivery.stages for action in stage.actions
    }

    assert {"Bundle", "Frontend", "Invalidate"} <= names


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        (several(frontend={"directory": "web"}), "frontends: the manifest also has frontend; keep one of the two"),
        (several(admin={"directory": "admin"}), "frontends.admin.path: '/' is also the path of frontends.shop"),
        (several(admin={**ADMIN, "path": "/admin"}), "frontends.admin.path: got '/admin'; write it like /admin/"),
        (several(admin={**ADMIN, "path": "/a*/"}), "frontends.admin.path: got '/a*/'; write it like /admin/"),
        (several(admin={**ADMIN, "path": "/.slipway/"}), "frontends.admin.path: got '/.slipway/'"),
        (several(admin={**ADMIN, "path": "/media/"}), "frontends.admin.path: '/media/' hides /media/*"),
        (several(admin={**ADMIN, "path": "/assets/"}), "frontends.admin.path: '/assets/' hides the files with hashed"),
        (several(admin={"path": "/admin/"}), "frontends.admin.directory: missing"),
        (several(admin={**ADMIN, "directory": "shop"}), "frontends.admin.output: frontends.shop is built into the"),
        (several(services__web__paths=["/admin/*"]), "services.web.paths: '/admin/*' also matches the pages and files"),
        (several(services__web__paths=["/admin"]), "services.web.paths: '/admin' hides the frontend's page of"),
        (several(services__web__paths=["/admin/*.js"]), "services.web.paths: '/admin/*.js' also matches the pages"),
        (several(services__web__paths=["/admin/assets/*"]), "services.web.paths: '/admin/assets/*' hides the front"),
        (several(services__web__static_paths=["/admin/assets/*"]), "services.web.static_paths: '/admin/assets/*'"),
        (several(services__web__paths=["/*"]), "services.web.paths: '/*' also matches the pages and files of front"),
        (
            several(frontends={f"f{n}": {"directory": f"f{n}", "path": f"/f{n}/"} for n in range(11)}),
            "frontends: there are 11, and CloudFront allows 10",
        ),
        (several(shop={**SHOP, "variables": {"A": "${region}"}}), "frontends.shop.variables.A: got '${region}'"),
    ],
)  # fmt: skip
def test_a_contradiction_is_reported_once_with_what_to_write(
    changes: dict[str, Any], expected: str, tmp_path: Path
) -> None:
    found = [
        line for line in complaints(tmp_path, yaml.safe_dump(manifest(changes), sort_keys=False)) if "frontend" in line
    ]

    assert len(found) == 1, found
    assert expected in found[0]


@pytest.mark.parametrize("paths", [["/*"], ["/*", "/admin/api/*"], ["/ad*"], ["/admin/api/users"]])
def test_below_a_path_a_frontend_stands_beside_a_service_that_has_the_rest(paths: list[str]) -> None:
    found = product({"frontend": ADMIN, "services.web.paths": paths})
    routes = [path for path, _, _ in path_checks.routes(found)]

    assert site_checks.patterns(found.sites()[""]) == ["/admin", "/admin/*"]
    assert not {"/admin", "/admin/*"} & set(routes)


def test_frontends_below_another_are_folders_of_that_one() -> None:
    found = product(several())

    assert site_checks.below(found, "shop") == ["admin/"]
    assert site_checks.below(found, "admin") == []
