"""examples/ame-timesheets runs as two plain containers; the password of its database is in a file only."""

from __future__ import annotations

import hashlib
import hmac
import io
import json
import re
import subprocess
import tarfile
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from uuid import uuid4

import pytest

from tests.examples.plugins import environment
from tests.examples.product import docker, eventually, reason_to_skip
from tests.examples.sites import EXAMPLES, build, own_check

AME = EXAMPLES / "ame-timesheets"
CONTAINERS = [pytest.mark.docker, pytest.mark.slow]
KEY = "a key of the tests"
PASSWORD = "p@ss/w:rd\\"
# In a password file, colons and backslashes of a value follow a backslash.
PGPASS = "db:5432:timesheets:timesheets:" + PASSWORD.replace("\\", "\\\\").replace(":", "\\:") + "\n"
COMMIT = "0123456789abcdef0123456789abcdef01234567"


@dataclass(frozen=True)
class Site:
    port: int
    backend: str

    def page(self, path: str) -> str:
        with urllib.request.urlopen(f"http://127.0.0.1:{self.port}{path}", timeout=10) as answer:
            return str(answer.read().decode())


@pytest.fixture(scope="module")
def images(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Both images, with their build arguments and the build secret."""
    if reason := reason_to_skip():
        pytest.skip(reason)
    variables = environment(tmp_path_factory.mktemp("docker"))
    known = ("--build-arg", "VERSION=2.3.0", "--build-arg", f"COMMIT={COMMIT}")
    return {
        "backend": build(
            "ame-backend:tests",
            AME / "backend",
            *known,
            "--secret",
            "id=signing_key,env=SIGNING_KEY",
            environment={**variables, "SIGNING_KEY": KEY},
        ),
        "frontend": build(
            "ame-frontend:tests", AME / "frontend", "--build-arg", "VITE_COMPANY=Ame of Tests", environment=variables
        ),
    }


def _pgpass(volume: str, image: str) -> None:
    """Writes a password file into a volume, as a host does: of the image's user, readable by nobody else."""
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as archive:
        entry = tarfile.TarInfo("pgpass")
        entry.size, entry.mode, entry.uid, entry.gid = len(PGPASS.encode()), 0o600, 10001, 10001
        archive.addfile(entry, io.BytesIO(PGPASS.encode()))
    command = ["docker", "run", "--rm", "-i", "--user", "0", "--volume", f"{volume}:/secret", image]
    subprocess.run([*command, "tar", "-x", "-C", "/secret"], input=packed.getvalue(), check=True, capture_output=True)


@pytest.fixture(scope="module")
def site(images: dict[str, str]) -> Iterator[Site]:
    name = f"ame-test-{uuid4().hex[:8]}"
    docker("network", "create", name)
    docker("volume", "create", name)
    _pgpass(name, images["backend"])
    database = {"PGHOST": "db", "PGPASSFILE": "/secret/pgpass", "SECRET_KEY": "for tests only"}
    options = [word for key, value in database.items() for word in ("--env", f"{key}={value}")]
    own = ("--network", name, "--volume", f"{name}:/secret:ro", "--read-only", "--tmpfs", "/tmp", *options)
    try:
        docker(
            *("run", "--detach", "--name", f"{name}-db", "--network", name, "--network-alias", "db"),
            *("--env", "POSTGRES_USER=timesheets", "--env", f"POSTGRES_PASSWORD={PASSWORD}", "postgres:18-alpine"),
        )
        migrate = ("run", "--rm", *own, images["backend"], "python", "manage.py", "migrate", "--noinput")
        eventually("the database accepts connections", 60, lambda: docker(*migrate))
        docker("run", "--detach", "--name", f"{name}-backend", "--network-alias", "backend", *own, images["backend"])
        docker(
            *("run", "--detach", "--name", f"{name}-frontend", "--network", name, "--publish", "127.0.0.1::8080"),
            *("--read-only", "--tmpfs", "/tmp", images["frontend"]),
        )
        address = docker("port", f"{name}-frontend", "8080/tcp").splitlines()[0]
        running = Site(int(address.rpartition(":")[2]), f"{name}-backend")
        eventually("the backend answers", 60, lambda: running.page("/api/health/"))
        yield running
    finally:
        docker("rm", "--force", "--volumes", *(f"{name}-{part}" for part in ("db", "backend", "frontend")))
        docker("volume", "rm", name)
        docker("network", "rm", name)


def test_the_versions_are_where_the_readme_says() -> None:
    package, lock = (json.loads((AME / f"frontend/{name}.json").read_text()) for name in ("package", "package-lock"))

    assert re.search(r'^__version__ = "\d+\.\d+\.\d+"$', (AME / "backend/config/__init__.py").read_text(), re.MULTILINE)
    assert lock["version"] == package["version"]


def test_vites_variables_are_build_arguments() -> None:
    read = {match for path in AME.glob("frontend/src/*.ts*") for match in re.findall(r"VITE_\w+", path.read_text())}
    given = set(re.findall(r"^ARG (VITE_\w+)", (AME / "frontend/Dockerfile").read_text(), re.MULTILINE))

    assert given == read


class TestContainers:
    """The facts that only running containers show."""

    pytestmark = CONTAINERS

    def test_a_visitor_uses_both_containers(self, site: Site) -> None:
        checked = own_check("ame-timesheets", "timesheets.ame.example", site.port)

        assert [line.split(":")[0] for line in checked] == ["page", "release", "entry", "refused"]

    def test_the_page_has_the_values_of_its_build_arguments(self, site: Site) -> None:
        (script,) = re.findall(r'src="(/assets/[^"]+\.js)"', site.page("/"))

        assert "Ame of Tests" in site.page(script)

    def test_the_image_is_signed_with_the_build_secret(self, site: Site) -> None:
        build = json.loads(site.page("/api/status/"))["build"]
        expected = hmac.new(KEY.encode(), f"2.3.0 {COMMIT}".encode(), hashlib.sha256).hexdigest()

        assert build == {"version": "2.3.0", "commit": COMMIT, "signature": expected}

    def test_no_layer_holds_the_build_secret(self, images: dict[str, str]) -> None:
        layers = subprocess.run(["docker", "save", images["backend"]], capture_output=True, check=True).stdout

        assert COMMIT.encode() in layers
        assert KEY.encode() not in layers

    def test_no_variable_of_the_backend_holds_the_password(self, site: Site) -> None:
        assert PASSWORD not in docker("inspect", site.backend)
