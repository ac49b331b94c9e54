"""Small projects of each package manager are installed and built in containers; `projects/` has them."""

from __future__ import annotations

from pathlib import Path

import pytest

from builds.run import copy
from tests.builds.programs import Desk
from tests.builds.real import run

pytestmark = [pytest.mark.docker, pytest.mark.slow, pytest.mark.long]

PROJECTS = Path(__file__).with_name("projects")


@pytest.mark.parametrize(
    ("project", "directory", "manager", "page"),
    [
        ("patches", "frontend", "npm in frontend", "is-number says of the patched marker: true"),
        ("npm-workspace", "apps/web", "npm in .", "shared 5"),
        ("pnpm", "frontend", "pnpm 10 in frontend", "hi"),
        ("pnpm-workspace", "apps/web", "pnpm 10.34.9 in .", "shared 5"),
        ("yarn1", "frontend", "yarn 1.22.22 in frontend", "true"),
        ("yarn4", "frontend", "yarn 4.18.1 in frontend", "true"),
        ("bun", "frontend", "bun 1.4.5 in frontend", "true"),
    ],
)
def test_a_frontend_is_installed_as_at_a_desk(
    desk: Desk, values: dict[str, str], project: str, directory: str, *, manager: str, page: str
) -> None:
    result, printed = run(desk, "bundle", PROJECTS / project, {**values, "DIRECTORY": directory})
    assert result.succeeded, printed
    assert f"{manager}, on public.ecr.aws/docker/library/node:24-slim" in printed
    assert (desk.folder / "output" / "index.html").read_text().strip() == page


@pytest.mark.parametrize(
    ("project", "folder", "lock"),
    [
        ("npm-workspace", "apps/web", "package-lock.json"),
        ("pnpm", "frontend", "pnpm-lock.yaml"),
        ("bun", "frontend", "bun.lock"),
    ],
)
def test_a_lock_file_that_does_not_fit_is_named_and_nothing_stays_behind(
    desk: Desk, values: dict[str, str], tmp_path: Path, project: str, *, folder: str, lock: str
) -> None:
    source = tmp_path / "source"
    copy(PROJECTS / project, source)
    package = source / folder / "package.json"
    package.write_text(package.read_text().replace('"7.0.0"', '"6.0.0"'))
    result, printed = run(desk, "bundle", source, {**values, "DIRECTORY": folder})
    assert not result.succeeded
    assert f"{lock} does not fit package.json. Type" in printed, printed


SKIPPED = dict.fromkeys(["DEPLOY_CHECK_COMMAND", "LINT_COMMANDS", "MIGRATIONS_COMMAND", "TEST_COMMAND"], "")


def test_a_backend_with_uv_is_installed_with_its_group_of_tests(desk: Desk, values: dict[str, str]) -> None:
    check = 'python manage.py check && python -c "import iniconfig"'
    result, printed = run(desk, "backend", PROJECTS / "uv", {**values, **SKIPPED, "CHECK_COMMAND": check})
    assert result.succeeded, printed
    assert "== uv sync --locked --group test" in printed


def test_only_the_install_gets_a_secret(desk: Desk, values: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("INDEX_TOKEN", "the-value-of-the-secret")
    given = {"SECRETS": "INDEX_TOKEN", "INSTALL": 'test -n "$INDEX_TOKEN" && echo "with $INDEX_TOKEN" && npm ci'}
    build = 'test -z "${INDEX_TOKEN-}" && npm run build'
    result, printed = run(desk, "bundle", PROJECTS / "patches", {**values, **given, "BUILD": build})
    assert result.succeeded, printed
    assert "with ***" in printed
    assert "the-value-of-the-secret" not in printed + (desk.folder / "calls").read_text()


def test_checks_run_in_the_products_own_image(desk: Desk, values: dict[str, str], tmp_path: Path) -> None:
    (tmp_path / "app").mkdir()
    (tmp_path / "app" / "here").touch()
    text = "FROM public.ecr.aws/docker/library/python:3.13-slim AS base\nWORKDIR /srv\nCOPY app .\n"
    text += 'FROM base AS test\nENV STAGE=test\nFROM base AS production\nENTRYPOINT ["false"]\n'
    (tmp_path / "app" / "Dockerfile").write_text(text)
    given = {"DOCKERFILE": "app/Dockerfile", "IMAGE_TARGET": "test", "SECURITY_TESTS": ""}
    check = 'test "$STAGE" = test && test -f here && test "$PWD" = /srv'
    (tmp_path / "source").mkdir()
    (tmp_path / "app").rename(tmp_path / "source" / "app")
    result, printed = run(desk, "backend", tmp_path / "source", {**values, **SKIPPED, **given, "CHECK_COMMAND": check})
    assert result.succeeded, printed
