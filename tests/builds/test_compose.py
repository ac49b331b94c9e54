"""The files for hosts are checked before anything is deployed: every problem with its file and line, all together."""

from __future__ import annotations

import hashlib
import io
import json
import re
import tarfile
from pathlib import Path
from typing import Any

import pytest

import compose_bundle
from tests.builds.programs import Desk
from tests.support.compose_plugin import add_compose

pytestmark = pytest.mark.docker  # the plugin comes from an image where this machine has none

BASE = """\
services:
  proxy:
    image: nginx:1.27-alpine
    ports: ["${PROXY_PORT:-80}:80"]
    volumes:
      - ./nginx/nginx.conf:/etc/nginx/nginx.conf:ro
      - static:/static
    depends_on: [backend]
  backend:
    image: ${BACKEND_IMAGE}
    env_file: .env.docker
    environment:
      DB_PASSWORD: ${DB_PASSWORD}
    volumes: ["./media:/app/media"]
volumes:
  static: {}
"""
STAGING = "services:\n  backend:\n    restart: always\n"
WANTED: dict[str, Any] = {
    "environments": {
        "staging": {
            "files": ["docker-compose.yml", "compose.staging.yml"],
            "variables": ["BACKEND_IMAGE", "CONTAINER_REGISTRY", "REPOSITORY_OWNER", "DB_PASSWORD"],
            "env_files": {".env.docker": ["SECRET_KEY"]},
        }
    },
    "include": [],
    "profiles": [],
    "proxy": {"service": "proxy", "port": 80},
    "images": {"backend": "BACKEND_IMAGE"},
    "migration": "backend",
}


@pytest.fixture(name="source")
def _source(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A checkout with compose files, which is the working directory."""
    add_compose(tmp_path, monkeypatch)
    folder = tmp_path / "source"
    folder.mkdir()
    monkeypatch.chdir(folder)
    monkeypatch.setenv("BACKEND_IMAGE", "of-this-machine")
    return _written(folder, BASE)


def _written(folder: Path, base: str, staging: str = STAGING) -> Path:
    for path in list(folder.rglob("*")):
        if path.is_file():
            path.unlink()
    (folder / "nginx").mkdir(exist_ok=True)
    (folder / "nginx" / "nginx.conf").write_text("events {}\n")
    (folder / "docker-compose.yml").write_text(base)
    (folder / "compose.staging.yml").write_text(staging)
    (folder / "README.md").write_text("not for the hosts\n")
    return folder


def wanted(**changes: Any) -> dict[str, Any]:
    return {**WANTED, **changes}


def bundle(given: dict[str, Any] = WANTED) -> bytes:
    compose_bundle.main(given, Path("bundle.tar.gz"))
    content = Path("bundle.tar.gz").read_bytes()
    Path("bundle.tar.gz").unlink()
    return content


def named(content: bytes) -> list[str]:
    with tarfile.open(fileobj=io.BytesIO(content)) as archive:
        assert {(member.mtime, member.uid, member.gid) for member in archive} == {(0, 0, 0)}
        return archive.getnames()


def problems(capsys: pytest.CaptureFixture[str], given: dict[str, Any] = WANTED) -> list[str]:
    """Returns what a build that fails reports."""
    with pytest.raises(SystemExit):
        bundle(given)
    lines = [line for line in capsys.readouterr().err.splitlines() if line]
    assert re.match(rf"FAILED: {len(lines) - 1} problems? in the files for the hosts", lines[-1])
    return lines[:-1]


def test_a_bundle_holds_the_compose_files_and_what_they_mount(source: Path) -> None:
    assert named(bundle()) == ["compose.staging.yml", "docker-compose.yml", "nginx/nginx.conf"]


def test_the_manifest_may_include_more(source: Path) -> None:
    (source / "scripts").mkdir()
    (source / "scripts" / "run.sh").write_text("true\n")
    (source / "scripts" / "run.sh").chmod(0o755)

    content = bundle(wanted(include=["scripts", "README.md"]))

    assert {"scripts/run.sh", "README.md"} <= set(named(content))
    with tarfile.open(fileobj=io.BytesIO(content)) as archive:
        assert archive.getmember("scripts/run.sh").mode == 0o755


def test_the_same_files_give_the_same_bytes(source: Path) -> None:
    first = bundle()
    (source / "nginx" / "nginx.conf").touch()
    (source / "docker-compose.yml").chmod(0o600)

    assert bundle() == first


def test_containers_of_the_manifest_need_no_file(source: Path) -> None:
    environment = {"files": [], "variables": ["BACKEND_IMAGE"], "env_files": {}}

    assert named_or_empty(bundle(wanted(environments={"dev": environment}, proxy=None))) == []


def named_or_empty(content: bytes) -> list[str]:
    with tarfile.open(fileobj=io.BytesIO(content)) as archive:
        return archive.getnames()


PLANTED = [
    ("image: ${BACKEND_IMAGE}", "build: .", "docker-compose.yml:10: service backend has build and no image"),
    ("image: ${BACKEND_IMAGE}", "imge: x", "docker-compose.yml:10: compose refuses it:"),
    ("image: ${BACKEND_IMAGE}", "image: ${API_IMAGE}", "docker-compose.yml:10: ${API_IMAGE} has no value in staging"),
    (
        "image: ${BACKEND_IMAGE}",
        "image: ${CONTAINER_REGISTRY}/${REPOSITORY_OWNER}/api:latest",
        "docker-compose.yml:10: service backend runs ${CONTAINER_REGISTRY}/owner/api:latest, which is no image of the",
    ),
    (
        "${DB_PASSWORD}",
        "${PASSWORD}",
        "docker-compose.yml:13: ${PASSWORD} has no value in staging. Add it to compose.env",
    ),
    ("${DB_PASSWORD}", "$PASSWORD", "docker-compose.yml:13: ${PASSWORD} has no value in staging"),
    ("${DB_PASSWORD}", "${DB_PASSWORD:-${OTHER}}", "docker-compose.yml:13: ${OTHER} has no value in staging"),
    (
        "env_file: .env.docker",
        "env_file: [.env.other]",
        "docker-compose.yml:11: service backend reads .env.other, which nobody",
    ),
    (
        "env_file: .env.docker",
        "env_file: /etc/env",
        "docker-compose.yml:11: service backend reads /etc/env, which is not below",
    ),
    ("env_file: .env.docker", "privileged: true", "docker-compose.yml:11: service backend is privileged."),
    ("env_file: .env.docker", "network_mode: host", "docker-compose.yml:11: service backend has network_mode: host."),
    ("env_file: .env.docker", "pid: host", "docker-compose.yml:11: service backend has pid: host."),
    (
        "env_file: .env.docker",
        "cap_add: [SYS_ADMIN]",
        "docker-compose.yml:11: service backend adds rights over the kernel",
    ),
    (
        "env_file: .env.docker",
        "devices: [/dev/kmsg]",
        "docker-compose.yml:11: service backend reaches devices of the host",
    ),
    (
        "env_file: .env.docker",
        "security_opt: ['seccomp:unconfined']",
        "docker-compose.yml:11: service backend has security_opt seccomp:unconfined.",
    ),
    ("env_file: .env.docker", "runtime: other", "docker-compose.yml:11: service backend has runtime, which hosts do"),
    (
        "env_file: .env.docker",
        "cgroup_parent: /other",
        "docker-compose.yml:11: service backend has cgroup_parent, which hosts do not take",
    ),
    (
        "./media:/app/media",
        "/var/run/docker.sock:/var/run/docker.sock",
        "docker-compose.yml:14: service backend mounts the Docker socket",
    ),
    (
        "./media:/app/media",
        "/srv/media:/app/media",
        "docker-compose.yml:14: service backend mounts /srv/media, a path of the",
    ),
    (
        "./media:/app/media",
        "../media:/app/media",
        "docker-compose.yml:14: service backend mounts ../media, a path of the host",
    ),
    ("./media:/app/media", ".:/app", "docker-compose.yml:14: service backend mounts the whole folder of the release"),
    (
        "./nginx/nginx.conf:/etc",
        "./nginx/missing.conf:/etc",
        "docker-compose.yml:6: service proxy mounts nginx/missing.conf, which is not in the repository",
    ),
    (
        'volumes: ["./media:/app/media"]',
        'ports: ["80:8000"]',
        "publishes port 80, as service backend at docker-compose.yml:14 does. Remove one",
    ),
    ("${PROXY_PORT:-80}:80", "8080:80", "docker-compose.yml:4: service proxy does not publish port 80, where the load"),
    (
        "${PROXY_PORT:-80}:80",
        "127.0.0.1:80:80",
        "docker-compose.yml:4: service proxy publishes port 80 on 127.0.0.1 only",
    ),
    (
        "  static: {}",
        "  static: {driver_opts: {type: none, o: bind, device: /etc}}",
        "docker-compose.yml:16: volume static is",
    ),
    (
        "  static: {}",
        '  static: {driver_opts: {type: none, o: "${HOW:-bind}", device: "${WHERE:-/etc}"}}',
        "docker-compose.yml:16: volume static is /etc of the host",
    ),
    # Either our check or, before 2.30, compose itself refuses it.
    ("env_file: .env.docker", "post_start: [{command: id, privileged: true}]", "docker-compose.yml:11: "),
    (
        "  static: {}",
        "  static: {}\nsecrets: {key: {file: ./key.pem}}",
        "docker-compose.yml:17: secret key is the file ./key.pem",
    ),
    ("    image: nginx", "   image: nginx", "docker-compose.yml:4: is not YAML:"),
    ("services:", "- services:", "docker-compose.yml"),
]


@pytest.mark.parametrize(("before", "after", "message"), PLANTED, ids=[f"{number}" for number in range(len(PLANTED))])
def test_each_problem_is_found_with_its_line(
    source: Path, capsys: pytest.CaptureFixture[str], before: str, after: str, message: str
) -> None:
    assert BASE.count(before) == 1
    _written(source, BASE.replace(before, after))

    found = problems(capsys)

    assert any(message in line for line in found), found
    assert all(re.match(r"[\w./*-]+(:\d+)?: ", line) for line in found)


def test_a_problem_of_an_overlay_is_found_there(source: Path, capsys: pytest.CaptureFixture[str]) -> None:
    _written(source, BASE, STAGING + "    privileged: true\n")

    (line,) = problems(capsys)

    assert line.startswith("compose.staging.yml:4: service backend is privileged. A host runs nothing but this product")


def test_an_overlay_may_take_a_problem_away(source: Path) -> None:
    privileged = BASE.replace("env_file: .env.docker", "privileged: true")
    _written(source, privileged, STAGING + "    privileged: false\n    ports: !reset []\n")

    assert "docker-compose.yml" in named(bundle())


def test_all_problems_are_reported_together(source: Path, capsys: pytest.CaptureFixture[str]) -> None:
    text = (
        BASE.replace("${DB_PASSWORD}", "${NOBODY}")
        .replace("./media:", "/media:")
        .replace("env_file: .env.docker", "pid: host")
    )
    _written(source, text)

    found = problems(capsys, wanted(include=["missing"], migration="api"))

    assert [line.partition(": ")[0] for line in found] == [
        "products/*.yaml",
        "docker-compose.yml:11",
        "docker-compose.yml:14",
        "docker-compose.yml:13",
        "docker-compose.yml",
    ]


def test_services_of_other_profiles_are_not_looked_at(source: Path) -> None:
    debug = "  debug:\n    image: ${DEBUG_IMAGE}\n    profiles: [debug]\n    privileged: true\nvolumes:"
    _written(source, BASE.replace("volumes:\n  static", debug + "\n  static"))

    assert "docker-compose.yml" in named(bundle())


def test_a_build_beside_an_image_is_no_problem(source: Path) -> None:
    _written(source, BASE.replace("image: ${BACKEND_IMAGE}", "image: ${BACKEND_IMAGE}\n    build: ./backend"))

    assert "docker-compose.yml" in named(bundle())


def test_an_anchor_and_an_optional_env_file_are_understood(source: Path) -> None:
    text = BASE.replace("env_file: .env.docker", "<<: *shared\n    env_file: [{path: .env.local, required: false}]")
    _written(source, "x-shared: &shared {restart: always}\n" + text)

    assert "docker-compose.yml" in named(bundle())


def test_a_file_that_a_compose_file_includes_is_read_too(source: Path, capsys: pytest.CaptureFixture[str]) -> None:
    _written(source, "include: [more.yml]\n" + BASE)
    (source / "more.yml").write_text("services:\n  cache:\n    image: redis:8\n    privileged: true\n")

    assert "more.yml:4: service cache is privileged" in problems(capsys)[0]


def test_a_link_is_refused(source: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (source / "nginx" / "nginx.conf").unlink()
    (source / "nginx" / "nginx.conf").symlink_to("/etc/passwd")

    assert "nginx/nginx.conf: is a link" in problems(capsys)[0]


def test_the_build_exports_the_sha256_of_its_artifact(
    source: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    desk = Desk(tmp_path / "desk", capfd)
    desk.folder.mkdir()

    result, printed = desk.run("compose", source, COMPOSE=json.dumps(WANTED))

    assert result.succeeded, printed
    content = (desk.folder / "output" / "bundle.tar.gz").read_bytes()
    assert result.exported == {"BUNDLE": hashlib.sha256(content).hexdigest()}
    assert named(content) == ["compose.staging.yml", "docker-compose.yml", "nginx/nginx.conf"]


def test_a_build_that_finds_a_problem_fails(source: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    _written(source, BASE.replace("env_file: .env.docker", "privileged: true"))
    desk = Desk(tmp_path / "desk", capfd)
    desk.folder.mkdir()

    result, printed = desk.run("compose", source, COMPOSE=json.dumps(WANTED))

    assert not result.succeeded
    assert "docker-compose.yml:11: service backend is privileged." in printed
    assert "FAILED: 1 problem in the files for the hosts" in printed
