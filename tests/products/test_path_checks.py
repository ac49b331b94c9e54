"""Paths that AWS refuses, and paths that would hide another part of the product."""

from __future__ import annotations

from typing import Any

import pytest

from products import path_checks
from products.errors import ProblemsError
from tests.support.manifests import REMOVED, product

NO_FRONTEND = {"frontend": REMOVED, "pipeline": REMOVED}
SECOND = {
    "image": "backend",
    "port": 8000,
    "health_path": "/",
    "size": {"cpu": 256, "memory": 512},
}


def problems(changes: dict[str, Any]) -> list[str]:
    try:
        product(changes)
    except ProblemsError as error:
        return error.sentences
    return []


def with_paths(*paths: str, **changes: Any) -> list[str]:
    return problems({"services.web.paths": list(paths), **changes})


@pytest.mark.parametrize(
    ("path", "hidden"),
    [
        ("/*", "also matches the pages and files of the frontend"),
        ("*", "also matches the pages and files of the frontend"),
        ("/**", "also matches the pages and files of the frontend"),
        ("/*.js", "also matches the pages and files of the frontend"),
        ("/?pi/*", "also matches the pages and files of the frontend"),
        ("/", "hides the frontend's page"),
        ("/index.html", "hides the frontend's page"),
        ("/assets/*", "hides the frontend's files with hashed names"),
        ("/assets/*.svg", "hides the frontend's files with hashed names"),
        ("/media/*", "hides /media/*, where CloudFront serves uploads"),
        ("/media/avatars/*", "hides /media/*, where CloudFront serves uploads"),
    ],
)
def test_a_path_that_hides_another_part_of_the_product_is_refused(path: str, hidden: str) -> None:
    (problem,) = with_paths(path)

    assert problem.startswith(f"services.web.paths: '{path}' {hidden}")


@pytest.mark.parametrize("path", ["/*", "*", "/", "/assets/*", "/*.js"])
def test_without_a_frontend_a_service_may_serve_every_page(path: str) -> None:
    assert with_paths(path, **NO_FRONTEND) == []


def test_without_media_a_service_may_serve_its_own_below_media() -> None:
    assert with_paths("/media/*", media=False) == []


@pytest.mark.parametrize("path", ["/mediation/*", "/media", "/asset/*", "/api", "/a'b~c/*", "/A/*"])
def test_a_path_that_hides_nothing_is_accepted(path: str) -> None:
    assert with_paths(path) == []


@pytest.mark.parametrize(
    ("path", "refusal"),
    [
        ("/naïve/*", "contains 'ï', which path patterns on AWS cannot"),
        ("/a b/*", "contains ' ', which path patterns on AWS cannot"),
        ("/users/{id}", "contains '{', which path patterns on AWS cannot"),
        ("/a%20b", "contains '%', which path patterns on AWS cannot"),
        ("/^api/.*$(x)", "contains '^', which path patterns on AWS cannot"),
        ("/api?x=1", "contains '=', which path patterns on AWS cannot"),
        ("/" + "a" * 128, "has 129 characters, and the load balancer allows 128"),
        ("/a*/b*/c*/d*/e*/f*", "has 6 wildcards, and the load balancer allows 5"),
        ("/????-??", "has 6 wildcards, and the load balancer allows 5"),
    ],
)
def test_a_path_that_aws_refuses_is_reported_with_what_to_write_instead(path: str, refusal: str) -> None:
    (problem,) = with_paths(path)

    assert refusal in problem
    assert "; " in problem


def test_the_longest_path_that_aws_accepts_is_accepted() -> None:
    assert with_paths("/" + "a" * 127, "/a*/b*/c*/d*/e*") == []


@pytest.mark.parametrize(("second", "path"), [("/api/*", "/api/*"), ("/api/**", "/api/**"), ("/static/*", "/static/*")])
def test_two_services_cannot_have_the_same_paths(second: str, path: str) -> None:
    (problem,) = problems({"services.second": {**SECOND, "paths": [second]}})

    assert problem == f"services.second.paths: '{path}' is already routed to 'web'; remove one of them"


def test_a_path_is_either_cached_or_not() -> None:
    (problem,) = with_paths("/api/*", "/static/*")

    assert problem.startswith("services.web.static_paths: '/static/*' is also one of its paths; remove one of them")


def test_a_path_that_is_written_twice_is_reported() -> None:
    assert with_paths("/api/*", "/api/*") == [
        "services.web.paths: '/api/*' is already routed to the same service; remove one of them"
    ]


def test_pages_of_a_service_are_not_cached() -> None:
    (problem,) = problems({**NO_FRONTEND, "services.web.static_paths": ["/*"]})

    assert problem.startswith("services.web.static_paths: '/*' would cache pages too")


def test_more_paths_than_a_distribution_allows_are_reported() -> None:
    fit = [f"/p{number}/*" for number in range(72)]  # with /static/*, /media/* and the default behavior 75

    assert with_paths(*fit) == []
    (problem,) = with_paths(*fit, "/one-more/*")
    assert "the product has 76 path patterns" in problem


def test_two_services_may_use_the_same_port() -> None:
    assert problems({"services.second": {**SECOND, "paths": ["/second/*"]}}) == []


@pytest.mark.parametrize("port", [1, 80, 443, 1023])
def test_a_service_may_use_a_port_below_1024(port: int) -> None:
    assert problems({"services.web.port": port}) == []


def test_routes_of_all_services_are_ordered_together() -> None:
    found = product(
        {
            **NO_FRONTEND,
            "services.web.paths": ["*", "/api/*"],
            "services.second": {**SECOND, "paths": ["/api/v2/*", "/login"]},
        }
    )

    assert path_checks.routes(found) == [
        ("/api/v2", "second", False),
        ("/login", "second", False),
        ("/api", "web", False),
        ("/api/v2/*", "second", False),
        ("/static/*", "web", True),
        ("/api/*", "web", False),
        ("/*", "web", False),
    ]


@pytest.mark.parametrize(
    ("paths", "expected"),
    [
        (["/admin/*"], ["/admin", "/admin/*"]),
        (["/a/b/*"], ["/a/b", "/a/b/*"]),
        (["/admin/*", "/admin"], ["/admin", "/admin/*"]),
        (["/admin*"], ["/admin*"]),
        (["/x*/*"], ["/x*/*"]),
        (["/*/edit"], ["/*/edit"]),
        (["/*"], ["/*"]),
    ],
)
def test_a_folder_is_routed_without_its_slash_too(paths: list[str], expected: list[str]) -> None:
    found = product({**NO_FRONTEND, "services.web.paths": paths, "services.web.static_paths": []})

    assert [path for path, _, _ in path_checks.routes(found)] == expected


def test_the_bare_form_of_cached_files_is_not_routed() -> None:
    found = product({"services.web.paths": ["/api/*"], "services.web.static_paths": ["/static/*"]})

    assert [path for path, _, _ in path_checks.routes(found)] == ["/api", "/static/*", "/api/*"]


def test_the_bare_form_belongs_to_the_service_that_names_it() -> None:
    found = product({"services.web.paths": ["/api/*"], "services.other": {**SECOND, "paths": ["/api", "/more/*"]}})

    assert ("/api", "other", False) in path_checks.routes(found)
    assert ("/api", "web", False) not in path_checks.routes(found)


def test_bare_forms_do_not_exceed_what_a_distribution_allows() -> None:
    found = product({"services.web.paths": [f"/p{number}/*" for number in range(70)]})

    routed = [path for path, _, _ in path_checks.routes(found)]
    assert len(routed) == 73
    assert len([path for path in routed if "*" not in path]) == 2
