"""Fixtures: one image of the example, and one migrated database and cache with TLS, for all its tests."""

from __future__ import annotations

from collections.abc import Iterator
from uuid import uuid4

import pytest

from tests.examples.product import ALLTHRIVE, IMAGE, PASSWORD, TOKEN, Stack, docker, eventually, reason_to_skip, run


@pytest.fixture(scope="session")
def image() -> str:
    """Builds the image with the old builder, which every Docker has; only the package index is reached."""
    if reason := reason_to_skip():
        pytest.skip(reason)
    run(
        *("docker", "build", "--quiet", "--file", "Dockerfile.prod", "--tag", IMAGE),
        *("--build-arg", "RDS_CA_BUNDLE_URL=", "."),
        cwd=ALLTHRIVE / "backend",
        environment={"DOCKER_BUILDKIT": "0"},
    )
    return IMAGE


@pytest.fixture(scope="session")
def stack(image: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """Starts an empty, migrated database and an empty cache, both with TLS and a password."""
    certificates = tmp_path_factory.mktemp("tls")
    run(
        *("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=allthrive"),
        *("-addext", "subjectAltName=DNS:redis,DNS:postgres", "-keyout", "key.pem", "-out", "cert.pem"),
        cwd=certificates,
    )
    certificates.chmod(0o755)
    (certificates / "key.pem").chmod(0o644)
    stack = Stack(f"allthrive-test-{uuid4().hex[:8]}", certificates)
    docker("network", "create", stack.name)
    try:
        stack.start(
            "postgres",
            *("--publish", "127.0.0.1::5432", "--volume", f"{certificates}:/tls:ro", "--entrypoint", "sh"),
            *("--env", "POSTGRES_USER=app", "--env", f"POSTGRES_PASSWORD={PASSWORD}", "--env", "POSTGRES_DB=allthrive"),
            *("postgres:18-alpine", "-c"),
            # PostgreSQL refuses a key file that others can read.
            "install -o postgres -m 600 /tls/key.pem /tmp/key.pem && exec docker-entrypoint.sh postgres"
            " -c ssl=on -c ssl_cert_file=/tls/cert.pem -c ssl_key_file=/tmp/key.pem",
        )
        stack.start(
            "redis",
            *("--volume", f"{certificates}:/tls:ro", "redis:7-alpine", "redis-server", "--port", "0"),
            *("--tls-port", "6379", "--tls-cert-file", "/tls/cert.pem", "--tls-key-file", "/tls/key.pem"),
            *("--tls-ca-cert-file", "/tls/cert.pem", "--tls-auth-clients", "no", "--requirepass", TOKEN),
        )
        eventually("PostgreSQL accepts connections", 60, lambda: migrated(stack))
        yield stack
    finally:
        stack.remove()


def migrated(stack: Stack) -> bool:
    """Migrates; returns False if the database does not accept connections yet. Any other error is raised."""
    try:
        stack.manage("migrate", "--verbosity", "0")
    except AssertionError as error:
        if "connection failed" not in str(error):
            raise
        return False
    return True
