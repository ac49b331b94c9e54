"""The builds in containers: the example passes, and each planted defect fails with its message."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from xml.etree import ElementTree

import pytest

from tests.builds.programs import ALLTHRIVE, Desk
from tests.builds.real import docker, first_available, run

pytestmark = [pytest.mark.docker, pytest.mark.slow, pytest.mark.long]

Plant = Callable[[Path], object]


def append(name: str, text: str) -> Plant:
    def plant(source: Path) -> None:
        with (source / name).open("a") as file:
            file.write(text)

    return plant


def write(name: str, text: str) -> Plant:
    def plant(source: Path) -> None:
        (source / name).parent.mkdir(parents=True, exist_ok=True)
        (source / name).write_text(text)

    return plant


def replace(name: str, old: str, new: str) -> Plant:
    def plant(source: Path) -> None:
        path = source / name
        assert old in path.read_text()
        path.write_text(path.read_text().replace(old, new))

    return plant


def cases(path: Path) -> int:
    """Returns the number of test cases in the JUnit files below a folder."""
    return sum(len(ElementTree.parse(file).findall(".//testcase")) for file in path.rglob("*.xml"))


def test_the_backend_build_passes_and_reports_tests_and_coverage(desk: Desk, values: dict[str, str]) -> None:
    result, printed = run(desk, "backend", ALLTHRIVE, values)
    assert result.succeeded, printed
    reports = desk.folder / "output" / "reports"
    assert cases(reports / "backend-tests") > 50
    assert float(ElementTree.parse(reports / "backend-coverage" / "coverage.xml").getroot().attrib["line-rate"]) > 0.8
    assert "== Security tests: pytest tests/security" in printed


FAILING = """
from django.test import SimpleTestCase
class Broken(SimpleTestCase):
    def test_x(self):
        self.fail("planted")
"""
COMMANDS = {
    "backend": ["CHECK_COMMAND", "DEPLOY_CHECK_COMMAND", "LINT_COMMANDS", "MIGRATIONS_COMMAND", "TEST_COMMAND"],
    "frontend": ["LINT_COMMAND", "TYPECHECK_COMMAND", "TEST_COMMAND", "BUILD_COMMAND"],
}


def only(build: str, *kept: str) -> dict[str, str]:
    """Returns variables that skip all commands but these, so that nothing else can fail."""
    without = {} if "SECURITY_TESTS" in kept else {"SECURITY_TESTS": ""}
    return {name: "" for name in COMMANDS[build] if name not in kept} | (without if build == "backend" else {})


def nothing(_: Path) -> None:
    """Plants no defect in the files: the variables are the defect."""


def defect(plant: Plant, sentence: str, command: str, **more: str) -> object:
    return pytest.param(plant, only("backend", command) | more, sentence, id=sentence)


@pytest.mark.parametrize(
    ("plant", "more", "sentence"),
    [
        defect(append("backend/catalog/tests/test_seeds.py", FAILING), "tests failed; they are named", "TEST_COMMAND"),
        defect(nothing, "coverage is under 100 percent. Test the lines", "TEST_COMMAND", COVERAGE_PERCENT="100"),
        defect(append("backend/api/views.py", "import os\n"), "Linters found something. Mend what", "LINT_COMMANDS"),
        defect(append("backend/api/views.py", "\nX = eval('1')  # noqa: S307\n"), "Linters found", "LINT_COMMANDS"),
        defect(
            replace("backend/catalog/models.py", "max_length=", "null=True, max_length="),
            "Missing migrations found something. Models changed without a migration.",
            "MIGRATIONS_COMMAND",
        ),
        defect(
            append("backend/config/settings.py", "\nSESSION_COOKIE_SECURE = False\n"),
            "Deployment checks found something. Mend the setting",
            "DEPLOY_CHECK_COMMAND",
        ),
        defect(
            append("backend/config/urls.py", "\nurlpatterns.append(None)\n"), "Django's checks found", "CHECK_COMMAND"
        ),
        defect(
            write("backend/tests/security/test_planted.py", "def test_x() -> None:\n    raise AssertionError\n"),
            "security tests failed; they are named above.",
            "SECURITY_TESTS",
        ),
        defect(
            replace("backend/requirements-dev.txt", "ruff==", "no-such-package-of-anybody=="),
            "the packages of backend cannot be installed (pip, on",
            "CHECK_COMMAND",
        ),
        defect(nothing, "no server/manage.py. Set DIRECTORY", "CHECK_COMMAND", DIRECTORY="server"),
    ],
)
def test_a_defect_of_the_backend_fails_with_its_message(
    desk: Desk, values: dict[str, str], source: Path, plant: Plant, *, more: dict[str, str], sentence: str
) -> None:
    plant(source)
    result, printed = run(desk, "backend", source, values | more)
    assert not result.succeeded
    assert f"FAILED: {sentence}" in printed, printed[-3000:]


@pytest.mark.parametrize("tests", ["tests/none", "nobody_marks_this"])
def test_a_product_without_security_tests_passes_and_the_log_says_so(
    desk: Desk, values: dict[str, str], source: Path, tests: str
) -> None:
    result, printed = run(
        desk, "backend", source, values | only("backend", "SECURITY_TESTS") | {"SECURITY_TESTS": tests}
    )
    assert result.succeeded, printed[-3000:]
    assert "Security tests: skipped" in printed


def test_the_frontend_build_passes_and_reports_tests_and_coverage(desk: Desk, values: dict[str, str]) -> None:
    result, printed = run(desk, "frontend", ALLTHRIVE, values)
    assert result.succeeded, printed
    reports = desk.folder / "output" / "reports"
    assert cases(reports / "frontend-tests") >= 20
    assert (reports / "frontend-coverage" / "coverage" / "cobertura-coverage.xml").is_file()


@pytest.mark.parametrize(
    ("percent", "succeeds", "sentence"),
    [
        ("1", True, "at least 1 are asked for"),
        ("101", False, "FAILED: coverage is under 101 percent. Test more lines, or lower COVERAGE_PERCENT."),
    ],
)
def test_a_frontend_with_too_few_covered_lines_fails(
    desk: Desk, values: dict[str, str], *, percent: str, succeeds: bool, sentence: str
) -> None:
    more = only("frontend", "TEST_COMMAND") | {"COVERAGE_PERCENT": percent}

    result, printed = run(desk, "frontend", ALLTHRIVE, values | more)

    assert result.succeeded is succeeds
    assert sentence in printed, printed[-3000:]


@pytest.mark.parametrize(
    ("plant", "command", "sentence"),
    [
        (append("frontend/src/api.ts", "\nvar planted = 1;\n"), "LINT_COMMAND", "ESLint failed."),
        (append("frontend/src/api.ts", "\nexport const x: number = 'a';\n"), "TYPECHECK_COMMAND", "TypeScript failed."),
        (
            write(
                "frontend/src/planted.test.ts",
                'import { expect, it } from "vitest";\nit("x", () => expect(1).toBe(2));\n',
            ),
            "TEST_COMMAND",
            "Unit tests failed. The failing tests are named above.",
        ),
        (append("frontend/src/main.tsx", '\nimport "./missing";\n'), "BUILD_COMMAND", "The build failed."),
    ],
)
def test_a_defect_of_the_frontend_fails_with_its_message(
    desk: Desk, values: dict[str, str], source: Path, plant: Plant, *, command: str, sentence: str
) -> None:
    plant(source)
    result, printed = run(desk, "frontend", source, values | only("frontend", command))
    assert not result.succeeded
    assert f"FAILED: {sentence}" in printed, printed[-3000:]


def test_the_bundle_is_the_built_site(desk: Desk, values: dict[str, str]) -> None:
    result, printed = run(desk, "bundle", ALLTHRIVE, values)
    assert result.succeeded, printed
    output = desk.folder / "output"
    assert (output / "index.html").is_file()
    assert (output / ".well-known" / "ai-plugin.json").is_file()
    assert list((output / "assets").glob("index-*.js"))


@pytest.mark.parametrize(
    ("more", "sentence"),
    [
        ({"OUTPUT": "build"}, "left no folder build in frontend. Set OUTPUT"),
        ({"OUTPUT": "src"}, "frontend/src has no index.html. Set OUTPUT"),
        ({"BUILD": "npm run nothing"}, "'npm run nothing' failed in frontend"),
    ],
)
def test_a_folder_that_is_no_bundle_is_refused(
    desk: Desk, values: dict[str, str], more: dict[str, str], sentence: str
) -> None:
    result, printed = run(desk, "bundle", ALLTHRIVE, values | more)
    assert not result.succeeded
    assert sentence in printed


@pytest.mark.browser
def test_the_browser_build_starts_the_site_and_drives_it(desk: Desk, values: dict[str, str]) -> None:
    first_available("public.ecr.aws/docker/library/nginx:alpine")
    image = first_available("mcr.microsoft.com/playwright:v1.65.1-noble", "offline/browser:latest")
    result, printed = run(desk, "browser", ALLTHRIVE, {**values, "PLAYWRIGHT_IMAGE": image})
    assert result.succeeded, printed[-3000:]
    assert "13 passed" in printed
    assert (desk.folder / "output" / "html" / "index.html").is_file()
    assert cases(desk.folder / "output" / "reports" / "browser-tests") == 13


@pytest.mark.browser
def test_a_site_that_does_not_start_shows_its_log(desk: Desk, values: dict[str, str]) -> None:
    image = first_available("mcr.microsoft.com/playwright:v1.65.1-noble", "offline/browser:latest")
    more = {
        "PLAYWRIGHT_IMAGE": image,
        "PREPARE_COMMAND": "echo nothing",
        "SERVER_COMMAND": "echo planted",
        "READY_SECONDS": "3",
    }
    result, printed = run(desk, "browser", ALLTHRIVE, {**values, **more})
    assert not result.succeeded
    assert "\nplanted\n" in printed
    assert "the site did not start; its logs are above." in printed


SPEC = """
import { expect, test } from "@playwright/test";
test("the address answers", async ({ request }) => {
  expect((await request.get("/")).status()).toBe(200);
  expect(process.env["EXPECTED_VERSION"]).toBe("1.0.0-abc");
});
"""


@pytest.mark.browser
@pytest.mark.parametrize("version", ["1.0.0-abc", "2.0.0"])
def test_end_to_end_tests_reach_an_address_and_know_the_version(
    desk: Desk, values: dict[str, str], source: Path, version: str
) -> None:
    image = first_available("mcr.microsoft.com/playwright:v1.65.1-noble", "offline/browser:latest")
    (source / "e2e" / "site.spec.ts").write_text(SPEC)
    network = f"pipeline-tests-{source.parent.name}"
    docker("network", "create", network)
    site = docker(
        "run",
        "--detach",
        "--network",
        network,
        "--network-alias",
        "site",
        first_available("public.ecr.aws/docker/library/nginx:alpine"),
    )
    try:
        more = {"BASE_URL": "http://site", "EXPECTED_VERSION": version, "DOCKER_RUN_OPTIONS": f"--network {network}"}
        result, printed = run(desk, "e2e", source, {"PLAYWRIGHT_IMAGE": image, **more})
    finally:
        docker("rm", "--force", site)
        docker("network", "rm", network)
    assert result.succeeded is (version == "1.0.0-abc"), printed[-3000:]
    assert ("FAILED: end-to-end tests failed against http://site" in printed) is (version == "2.0.0")
    assert (desk.folder / "output" / "html" / "index.html").is_file()
