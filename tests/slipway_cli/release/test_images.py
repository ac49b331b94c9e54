"""Images of a release by hand are looked up by the full digest of the checkout's contents."""

from __future__ import annotations

import base64
import json
import sys
from pathlib import Path
from typing import Any

import pytest

from slipway_cli.release.flow import Build
from tests.support.fake_aws import FakeAws, Refused
from tests.support.manifests import product

OTHER, OURS = (f"sha256:{digit * 64}" for digit in "01")


class Registry:
    """An in-memory registry, and a docker that pushes to it."""

    def __init__(self, aws: FakeAws, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self._file = folder / "pushed.json"
        self.tags: dict[str, str] = {}
        program = folder / "docker"
        program.write_text(
            f"#!{sys.executable} -SE\nimport json, sys\nfrom pathlib import Path\nfile = Path({str(self._file)!r})\n"
            "if sys.argv[1] == 'push':\n"
            "    pushed = json.loads(file.read_text()) if file.exists() else []\n"
            "    file.write_text(json.dumps([*pushed, sys.argv[-1].rpartition(':')[2]]))\n"
        )
        program.chmod(0o755)
        monkeypatch.setenv("CDK_DOCKER", str(program))
        token = base64.b64encode(b"AWS:password").decode()
        aws.on("ecr.GetAuthorizationToken", lambda _: {"authorizationData": [{"authorizationToken": token}]})
        aws.on("ecr.DescribeImages", self._describe)

    @property
    def pushed(self) -> list[str]:
        return list(json.loads(self._file.read_text())) if self._file.exists() else []

    def _describe(self, given: dict[str, Any]) -> dict[str, Any]:
        tag = given["imageIds"][0]["imageTag"]
        known = {**dict.fromkeys(self.pushed, OURS), **self.tags}
        if tag not in known:
            raise Refused("ImageNotFoundException")
        return {"imageDetails": [{"imageDigest": known[tag]}]}


@pytest.fixture
def registry(aws: FakeAws, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Registry:
    return Registry(aws, tmp_path, monkeypatch)


@pytest.fixture
def build(tmp_path: Path) -> Build:
    source = tmp_path / "source"
    source.mkdir()
    (source / "pyproject.toml").write_text('[project]\nversion = "1.2.0"\n')
    return Build.of(product(), source, native=True, build_args={})


def test_an_image_of_another_checkout_with_the_same_first_digits_is_not_reused(
    registry: Registry, build: Build
) -> None:
    registry.tags = {build.version: OTHER}

    uris = build.push(lambda _: None)

    assert uris["backend"].endswith(f"/allthrive/backend@{OURS}")
    assert registry.pushed == [f"contents-{build.contents}"]  # the version tag stays at the other image


def test_an_image_of_the_same_files_is_pushed_once(registry: Registry, build: Build) -> None:
    build.push(lambda _: None)
    first = registry.pushed

    assert build.push(lambda _: None)["backend"].endswith(f"@{OURS}")
    assert registry.pushed == first == [f"contents-{build.contents}", build.version]
