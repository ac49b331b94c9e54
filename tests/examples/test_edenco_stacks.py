"""examples/edenco runs with plain Docker Compose: staging as on a host, and its own tests in their own stack."""

from __future__ import annotations

import json
import shutil
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.examples.plugins import environment
from tests.examples.product import reason_to_skip, run, succeeds
from tests.examples.sites import EXAMPLES, Compose, build, free_port, own_check

pytestmark = [pytest.mark.docker, pytest.mark.slow]

EDENCO = EXAMPLES / "edenco"
SITE = "staging.edenco.online"
STAGING = ("-f", "docker-compose.yml", "-f", "compose.staging.yml", "--profile", "with-celery")
BROWSER = "offline/browser:latest"


@dataclass(frozen=True)
class Staging:
    compose: Compose
    port: int

    def ask(self, path: str) -> Any:
        request = urllib.request.Request(f"http://127.0.0.1:{self.port}{path}", headers={"Host": SITE})
        with urllib.request.urlopen(request, timeout=10) as answer:
            return json.load(answer)


@pytest.fixture(scope="module")
def docker_environment(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    if reason := reason_to_skip():
        pytest.skip(reason)
    return environment(tmp_path_factory.mktemp("docker"))


@pytest.fixture(scope="module")
def staging(docker_environment: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Staging]:
    """Staging in a folder with the files that a host gets, and no other."""
    folder, port = tmp_path_factory.mktemp("staging"), free_port()
    for name in ("docker-compose.yml", "compose.staging.yml"):
        shutil.copy(EDENCO / name, folder)
    shutil.copytree(EDENCO / "nginx", folder / "nginx")
    images = {
        f"{part.upper()}_IMAGE": build(
            f"edenco-{part}:tests", EDENCO / part, "--target", "production", environment=docker_environment
        )
        for part in ("backend", "frontend")
    }
    values = {**images, "DB_PASSWORD": "p@ss/w:rd", "REDIS_PASSWORD": "r/e@d:is", "PROXY_PORT": port}
    (folder / ".env").write_text("".join(f"{name}={value}\n" for name, value in values.items()))
    (folder / ".env.docker").write_text(f"SECRET_KEY={'only for tests ' * 4}\nRELEASE_VERSION=4.5.6\n")
    (folder / ".env.staging").write_text(f"ALLOWED_HOSTS={SITE}\n")
    compose = Compose(folder, (*STAGING, "--project-name", f"edenco-{port}"), docker_environment)
    try:
        compose.run("run", "--rm", "backend", "python", "manage.py", "migrate", "--noinput")
        compose.run("up", "--detach", "--wait", "--wait-timeout", "120")
        yield Staging(compose, port)
    finally:
        compose.run("down", "--volumes")


def test_a_visitor_uses_every_part_of_staging(staging: Staging) -> None:
    assert [line.split(":")[0] for line in own_check("edenco", SITE, staging.port)] == [
        "page",
        "404",
        "release",
        "plan",
    ]


def test_the_status_names_the_release(staging: Staging) -> None:
    body = staging.ask("/api/v1/status/")

    assert (body["version"], body["image"], body["environment"]) == ("4.5.6", "edenco-backend:tests", "staging")


def test_the_health_page_answers_a_load_balancer_that_knows_no_name(staging: Staging) -> None:
    with urllib.request.urlopen(f"http://127.0.0.1:{staging.port}/api/v1/health/", timeout=10) as answer:
        assert answer.status == 200


def test_containers_that_are_recreated_are_healthy_and_have_the_data(staging: Staging) -> None:
    own_check("edenco", SITE, staging.port)
    before = staging.ask("/api/v1/plants/")
    staging.compose.run("up", "--detach", "--force-recreate", "--wait", "--wait-timeout", "120")

    assert set(staging.compose.states().values()) == {"healthy"}
    assert staging.ask("/api/v1/plants/") == before
    assert before["plants"]


@pytest.mark.long
def test_the_own_tests_pass_in_their_own_stack(docker_environment: dict[str, str], tmp_path: Path) -> None:
    """Uses the documented ports of the tests."""
    copy = tmp_path / "edenco"
    shutil.copytree(EDENCO, copy, ignore=shutil.ignore_patterns("node_modules", "reports", ".venv", "dist"))
    own = {"PLAYWRIGHT_IMAGE": BROWSER} if succeeds("docker", "image", "inspect", BROWSER) else {}
    variables = {**docker_environment, **own}
    files = ("-f", "docker-compose.yml", "-f", "compose.test.yml", "--profile", "e2e")
    try:
        output = run("./testing/run-tests.sh", cwd=copy, environment=variables)
    finally:
        Compose(copy, files, variables).run("down", "--volumes")

    assert "7 passed" in output
    assert (copy / "testing" / "reports" / "html" / "index.html").is_file()
    assert json.loads((copy / "testing" / "reports" / "results.json").read_text())["stats"]["unexpected"] == 0
