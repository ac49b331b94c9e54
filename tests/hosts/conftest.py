"""A machine for each test; with Docker also a registry, and images that a release may name."""

from __future__ import annotations

import secrets
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.hosts.machine import Machine
from tests.hosts.releases import Shop
from tests.support.compose_plugin import add_compose, docker, from_image, tools
from tests.support.image_registry import registry


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    """A host without Docker."""
    return Machine(tmp_path, "shop")


@pytest.fixture(scope="session")
def busybox(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A static busybox, of which images are made."""
    program = tmp_path_factory.mktemp("busybox") / "busybox"
    program.write_bytes(from_image(tools(), "/usr/bin/busybox"))
    return program


@pytest.fixture
def shop(tmp_path: Path, busybox: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Shop]:
    """A host with Docker, a registry, and a small shop; its containers, images and volumes are removed at the end."""
    add_compose(tmp_path, monkeypatch)
    project = f"shop{secrets.token_hex(4)}"
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    with registry() as images:
        try:
            yield Shop(Machine(tmp_path, project), images.host, busybox, port)
        finally:
            label = f"label=com.docker.compose.project={project}"
            for kind, remove in (
                (("ps", "--all"), ("rm", "--force", "--volumes")),
                (("network", "ls"), ("network", "rm")),
                (("volume", "ls"), ("volume", "rm")),
            ):
                for found in docker(*kind, "--quiet", "--filter", label).split():
                    docker(*remove, found)
            listed = docker("image", "ls", "--digests", "--format", "{{.Repository}}@{{.Digest}} {{.ID}}")
            for line in sorted(set(listed.splitlines())):
                if line.startswith(images.host):
                    docker("image", "rm", "--force", line.rpartition(" ")[2])
