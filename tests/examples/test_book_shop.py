"""examples/book-shop runs as one container, as its document's dev branch does: `dev-app`, 8080 to 8000."""

from __future__ import annotations

import json
import tomllib
import urllib.request
from collections.abc import Iterator
from uuid import uuid4

import pytest
import yaml

from tests.examples.plugins import environment
from tests.examples.product import docker, eventually, reason_to_skip
from tests.examples.sites import EXAMPLES, build, own_check

SHOP = EXAMPLES / "book-shop"
IMAGE = "book-shop:tests"
VERSION = "1.2.0-SNAPSHOT-7d2a1b0"


@pytest.fixture(scope="module")
def port(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    """The port of a shop with books."""
    if reason := reason_to_skip():
        pytest.skip(reason)
    build(IMAGE, SHOP, environment=environment(tmp_path_factory.mktemp("docker")))
    name = f"shop-test-{uuid4().hex[:8]}"
    variables = {
        "SECRET_KEY": "for tests only",
        "DATABASE_URL": "postgresql://shop:p%40ss@db/shop",
        "RELEASE_VERSION": VERSION,
    }
    options = [word for key, value in variables.items() for word in ("--env", f"{key}={value}")]
    own = ("--network", name, "--read-only", "--tmpfs", "/tmp", *options)
    docker("network", "create", name)
    try:
        docker(
            *("run", "--detach", "--name", f"{name}-db", "--network", name, "--network-alias", "db"),
            *("--env", "POSTGRES_USER=shop", "--env", "POSTGRES_PASSWORD=p@ss", "postgres:18-alpine"),
        )
        migrate = ("run", "--rm", *own, IMAGE, "python", "manage.py", "migrate", "--noinput")
        eventually("the database accepts connections", 60, lambda: docker(*migrate))
        docker("run", "--rm", *own, IMAGE, "python", "manage.py", "stock_shelves")
        docker("run", "--detach", "--name", f"{name}-app", "--publish", "127.0.0.1::8000", *own, IMAGE)
        address = docker("port", f"{name}-app", "8000/tcp").splitlines()[0]
        eventually(
            "the shop answers", 60, lambda: urllib.request.urlopen(f"http://{address}/health/", timeout=5).read()
        )
        yield int(address.rpartition(":")[2])
    finally:
        docker("rm", "--force", "--volumes", f"{name}-db", f"{name}-app")
        docker("network", "rm", name)


@pytest.mark.docker
@pytest.mark.slow
def test_a_visitor_orders_a_book(port: int) -> None:
    checked = own_check("book-shop", "dev.bookshop.example", port)

    assert [line.split(":")[0] for line in checked] == ["books", "order", "forged", "status"]


@pytest.mark.docker
@pytest.mark.slow
def test_the_status_names_the_snapshot(port: int) -> None:
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/status/", timeout=10) as answer:
        assert json.load(answer) == {"version": VERSION, "image_digest": None, "database": True}


def test_the_version_is_in_the_project_file() -> None:
    version = tomllib.loads((SHOP / "pyproject.toml").read_text())["project"]["version"]

    assert VERSION.startswith(f"{version}-SNAPSHOT-")


def test_production_has_the_documented_names() -> None:
    deployment, service, ingress = yaml.safe_load_all((SHOP / "k8s" / "app-prod.yaml").read_text())
    (container,) = deployment["spec"]["template"]["spec"]["containers"]

    # microk8s kubectl set image deployment/django-app django-container=…
    assert (deployment["metadata"]["name"], container["name"]) == ("django-app", "django-container")
    assert deployment["spec"]["replicas"] == 2
    assert container["ports"][0]["containerPort"] == 8000
    assert {"readinessProbe", "livenessProbe"} <= set(container)
    assert set(container["resources"]["limits"]) == {"cpu", "memory"}
    assert service["spec"]["selector"] == deployment["spec"]["template"]["metadata"]["labels"]
    (rule,) = ingress["spec"]["rules"]
    assert rule["http"]["paths"][0]["backend"]["service"]["name"] == service["metadata"]["name"]
