"""A small shop in compose, and releases of it: healthy ones, and each kind that is not."""

from __future__ import annotations

import http.client
import io
import json
import tarfile
from pathlib import Path
from typing import Any

from tests.hosts.machine import Ended, Machine
from tests.support.compose_plugin import docker

_COMMANDS = ["cat", "echo", "httpd", "ls", "rm", "sh", "sleep", "stat", "touch", "true", "wc", "wget", "id"]
_USERS = b"root:x:0:0::/:/bin/sh\napp:x:1234:1234::/:/bin/sh\n"
_SERVE = '["httpd", "-f", "-p", "8000", "-h", "/www"]'
COMPOSE = """\
services:
  web:
    image: ${WEB_IMAGE}
    init: true
    stop_grace_period: 1s
    ports: ["127.0.0.1:%d:8000"]
    env_file: .env.app
    volumes: ["./site/index.html:/www/index.html:ro", "./media:/www/media", "data:/data"]
    healthcheck: {test: [CMD, wget, -qO-, "http://127.0.0.1:8000/version"], interval: 1s, timeout: 2s, retries: 3}
  worker:
    image: ${WEB_IMAGE}
    init: true
    command: [sleep, "1000"]
    stop_grace_period: 1s
    depends_on: {web: {condition: service_healthy}}
volumes: {data: {}}
"""


class Shop:
    """The shop on one machine."""

    def __init__(self, machine: Machine, registry: str, busybox: Path, port: int) -> None:
        self.machine, self.registry, self.port = machine, registry, port
        self._busybox = busybox
        machine.configuration |= {
            "registry": registry,
            "files": {
                ".env": [["WEB_IMAGE", [{"image": "web"}]]],
                ".env.app": [
                    ["DB_PASSWORD", [{"secret": "database", "key": "password"}]],
                    ["URL", ["postgres://", {"secret": "database", "key": "username"}, "@db"]],
                    ["VERSION", [{"release": "version"}]],
                ],
            },
            "migration": {"service": "web", "command": ["sh", "-c", "cat /www/version"], "timeout_seconds": 30},
            "wait_seconds": 20,
            "verify": {"port": port, "path": "/version", "tries": 5, "pause_seconds": 0.2},
        }

    def image(self, version: str, command: str = _SERVE, user: str = "root") -> str:
        """Builds and pushes an image; returns its URI by digest."""
        name = f"{self.registry}/shop/web"
        changes = ["--change", f"CMD {command}", "--change", f"USER {user}", "--change", "ENV PATH=/bin"]
        docker("import", *changes, "-", f"{name}:{version}", given=_layer(self._busybox, version))
        docker("push", "--quiet", f"{name}:{version}")
        digests = json.loads(docker("image", "inspect", "--format", "{{json .RepoDigests}}", f"{name}:{version}"))
        docker("image", "rm", f"{name}:{version}")
        (digest,) = [uri for uri in digests if uri.startswith(f"{name}@")]
        return str(digest)

    def release(self, version: str, command: str = _SERVE, compose: str | None = None, **files: str) -> str:
        """Makes a release with an image of its own; returns its SHA-256."""
        text = compose or COMPOSE % self.port
        page = {"docker-compose.yml": text, "site/index.html": f"page of {version}\n"}
        return self.machine.release(version, {"web": self.image(version, command)}, {**page, **files})

    def run(self, step: str, release: str = "current") -> Ended:
        """Runs a step."""
        return self.machine.run(step, release)

    def get(self, path: str) -> str:
        """Returns a page of the shop."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=5)
        connection.request("GET", path)
        return connection.getresponse().read().decode().strip()

    def containers(self) -> dict[str, dict[str, Any]]:
        """Returns docker's descriptions of the containers, by service."""
        label = f"label=com.docker.compose.project={self.machine.project}"
        ids = docker("ps", "--all", "--quiet", "--filter", label).split()
        found = json.loads(docker("inspect", *ids)) if ids else []
        return {container["Config"]["Labels"]["com.docker.compose.service"]: container for container in found}

    def inside(self, service: str, *words: str) -> str:
        """Returns what a command in a container prints."""
        return docker("exec", self.containers()[service]["Id"], *words)

    def images(self) -> list[str]:
        """Returns the shop's images on this machine."""
        listed = docker("image", "ls", "--digests", "--format", "{{.Repository}}@{{.Digest}}")
        return sorted({line for line in listed.splitlines() if line.startswith(f"{self.registry}/shop/")})


def _layer(busybox: Path, version: str) -> bytes:
    """Returns the files of an image as a tar: without a build there is no cache that others could clear."""
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as archive:
        for folder in ("bin", "etc", "tmp", "www"):
            member = tarfile.TarInfo(folder)
            member.type, member.mode = tarfile.DIRTYPE, 0o755
            archive.addfile(member)
        files = {"bin/busybox": busybox.read_bytes(), "etc/passwd": _USERS, "www/version": f"{version}\n".encode()}
        for name, content in files.items():
            member = tarfile.TarInfo(name)
            member.mode, member.size = 0o755, len(content)
            archive.addfile(member, io.BytesIO(content))
        for command in _COMMANDS:
            member = tarfile.TarInfo(f"bin/{command}")
            member.type, member.linkname = tarfile.SYMTYPE, "busybox"
            archive.addfile(member)
    return packed.getvalue()
