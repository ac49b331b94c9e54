"""AllThrive's local development: the documented parts by docker compose, and `make test-backend`.

Images that the machine's registry lacks have stand-ins: Redis for Redis Stack, moto's S3 for MinIO.
"""

from __future__ import annotations

import json
import os
import socket
import subprocess
import urllib.request
from collections.abc import Iterator

import pytest
import yaml

from tests.examples import plugins
from tests.examples.product import ALLTHRIVE, get, run

COMPOSE = yaml.safe_load((ALLTHRIVE / "docker-compose.yml").read_text(encoding="utf-8"))
_PORTS = ("FRONTEND_PORT", "BACKEND_PORT", "DB_PORT", "REDIS_PORT", "MINIO_PORT")
_S3 = "slipway/test-s3"
_DOCKERFILE = """\
FROM python:3.13-slim
RUN pip install --quiet "moto[server]==5.2.5"
ENTRYPOINT ["sh", "-c", "exec moto_server --host 0.0.0.0 --port 9000"]
"""
_PNG = bytes.fromhex(
    "89504e470d0a1a0a0000000d49484452000000010000000108060000001f15c4890000000d49444154789c63fccfc0f01f0005050201"
    "5fc8f1d20000000049454e44ae426082"
)


def test_the_documented_parts_run_at_the_documented_ports() -> None:
    services = COMPOSE["services"]
    images = {name: str(service.get("image")) for name, service in services.items()}

    assert "postgres:18" in images["db"]
    assert "redis/redis-stack" in images["redis"]
    assert "minio/minio" in images["minio"]
    assert "8000" in services["backend"]["ports"][0]
    assert "3000" in services["frontend"]["ports"][0]
    for name, service in services.items():
        assert all(str(port).startswith("127.0.0.1:") for port in service.get("ports", [])), name


@pytest.fixture(scope="module")
def environment(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """The variables of a compose project of its own; ends the project."""
    subprocess.run(["docker", "build", "--quiet", "--tag", _S3, "-"], input=_DOCKERFILE.encode(), check=True)
    found = {
        **plugins.environment(tmp_path_factory.mktemp("docker")),
        **{name: str(_free_port()) for name in _PORTS},
        "COMPOSE_PROJECT_NAME": f"allthrive-{os.getpid()}",
        "REDIS_IMAGE": "redis:7-alpine",
        "MINIO_IMAGE": _S3,
    }
    yield found
    run("docker", "compose", "--profile", "test", "down", "--volumes", cwd=ALLTHRIVE, environment=found)


def _free_port() -> int:
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        return int(listening.getsockname()[1])


@pytest.mark.docker
@pytest.mark.long
def test_one_command_starts_the_product_and_an_upload_comes_back_from_the_store(environment: dict[str, str]) -> None:
    run("make", "up", cwd=ALLTHRIVE, environment=environment)
    site = f"http://127.0.0.1:{environment['FRONTEND_PORT']}"

    status = json.loads(get(f"{site}/api/v1/status/")[1])
    assert (status["ok"], status["database"]["version"].split(".")[0], status["worker"]["ok"]) == (True, "18", True)
    uploaded = urllib.request.Request(
        f"{site}/api/v1/media/",
        data=b'--part\r\nContent-Disposition: form-data; name="file"; filename="pixel.png"\r\n\r\n'
        + _PNG
        + b"\r\n--part--\r\n",
        headers={"Content-Type": "multipart/form-data; boundary=part"},
    )
    with urllib.request.urlopen(uploaded, timeout=30) as answer:
        url = json.load(answer)["url"]
    with urllib.request.urlopen(site + url, timeout=30) as answer:
        assert answer.read() == _PNG


@pytest.mark.docker
@pytest.mark.long
def test_make_test_backend_passes(environment: dict[str, str]) -> None:
    assert "passed" in run("make", "test-backend", cwd=ALLTHRIVE, environment=environment)
