"""Image builds by hand get the manifest's arguments and secrets, as the pipeline's builds do."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest

from products import Product, load
from slipway_cli.release.errors import ReleaseError
from slipway_cli.release.flow import Build
from slipway_cli.release.source import contents
from tests.support.fake_aws import FakeAws, Refused

VALUE = "the-value-of-the-secret"


class Docker:
    """A docker that notes its calls, and the value that a build secret would have."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch, *, buildx: bool = True) -> None:
        self._calls = folder / "calls"
        program = folder / "docker"
        program.write_text(
            f"#!{sys.executable} -SE\nimport json, os, sys\n"
            f"if sys.argv[1] == 'buildx': sys.exit({0 if buildx else 1})\n"
            f"with open({str(self._calls)!r}, 'a') as calls:\n"
            "    print(json.dumps([sys.argv[1:], os.environ.get('SLIPWAY_BUILD_SECRET_SIGNING_KEY')]), file=calls)\n"
        )
        program.chmod(0o755)
        monkeypatch.setenv("CDK_DOCKER", str(program))

    @property
    def calls(self) -> list[Any]:
        return [json.loads(line) for line in self._calls.read_text().splitlines()]


@pytest.fixture(name="product")
def _product() -> Product:
    return load("ame-timesheets")


@pytest.fixture(name="build")
def _build(product: Product, tmp_path: Path) -> Build:
    source = tmp_path / "source"
    for name in ("backend", "frontend"):
        (source / name).mkdir(parents=True)
        (source / name / "Dockerfile").write_text("FROM scratch\n")
    (source / "frontend" / "package.json").write_text('{"version": "2.3.0"}')
    return Build.of(product, source, native=True, build_args={})


def nothing(_: str) -> None:
    """Says nothing."""


def test_a_build_gets_the_arguments_with_their_fields_filled(
    aws: FakeAws, build: Build, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    aws.on("secretsmanager.GetSecretValue", lambda _: {"SecretString": json.dumps({"releases": VALUE})})
    docker = Docker(tmp_path, monkeypatch)

    build.images(nothing)

    (backend, _), (frontend, _) = docker.calls
    assert {"VERSION=2.3.0", f"COMMIT={contents(build.source)[:40]}"} <= set(backend)
    assert {"VITE_API_URL=/api", "VITE_COMPANY=AME", "VITE_VERSION=2.3.0"} <= set(frontend)


def test_a_build_secret_is_in_an_environment_variable_and_in_no_argument(
    aws: FakeAws, build: Build, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    aws.on("secretsmanager.GetSecretValue", lambda _: {"SecretString": json.dumps({"releases": VALUE})})
    docker = Docker(tmp_path, monkeypatch)

    build.images(nothing)

    (backend, given), (_, other) = docker.calls
    assert (given, other) == (VALUE, None)
    assert "id=signing_key,env=SLIPWAY_BUILD_SECRET_SIGNING_KEY" in backend
    assert VALUE not in json.dumps(backend)
    assert [given["SecretId"] for _, given in aws.calls] == ["ame-timesheets/signing"]  # not the candidates'


def test_the_old_builder_is_refused_for_an_image_with_secrets(
    aws: FakeAws, build: Build, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    aws.on("secretsmanager.GetSecretValue", lambda _: {"SecretString": json.dumps({"releases": VALUE})})
    Docker(tmp_path, monkeypatch, buildx=False)

    with pytest.raises(ReleaseError, match="need BuildKit; install docker's plugin buildx"):
        build.images(nothing)


def missing(_: dict[str, Any]) -> dict[str, Any]:
    raise Refused("ResourceNotFoundException")


@pytest.mark.parametrize("answer", [missing, lambda _: {"SecretString": "{}"}, lambda _: {"SecretString": "no JSON"}])
def test_a_secret_that_cannot_be_read_is_named_with_its_account(
    aws: FakeAws, build: Build, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, answer: Any
) -> None:
    aws.on("secretsmanager.GetSecretValue", answer)
    Docker(tmp_path, monkeypatch)

    with pytest.raises(ReleaseError, match="secret ame-timesheets/signing of account 333344445555, us-east-1, key rel"):
        build.images(nothing)
