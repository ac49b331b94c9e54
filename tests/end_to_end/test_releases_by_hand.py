"""Images of a manual release, which the demo pushes: they are found by the full hash of the checkout's contents."""

from __future__ import annotations

from pathlib import Path

import boto3
import pytest

from localcloud import shell
from localcloud.testing.cloud import IMAGE, Cloud
from slipway_cli.release.flow import Build
from tests.support.manifests import product

pytestmark = [pytest.mark.local, pytest.mark.docker, pytest.mark.slow]


def test_an_image_is_pushed_once_and_has_its_version_as_a_tag(
    cloud: Cloud, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in shell.variables(cloud.settings).items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(boto3, "DEFAULT_SESSION", None)  # the old session has the keys of an earlier cloud
    messages: list[str] = []
    ecr = cloud.client("ecr")
    ecr.create_repository(repositoryName="allthrive/backend", imageTagMutability="IMMUTABLE")
    (tmp_path / "backend").mkdir()
    (tmp_path / "backend" / "Dockerfile.prod").write_text(f"FROM {IMAGE}\nCOPY pyproject.toml /\n")
    (tmp_path / "backend" / "pyproject.toml").write_text('[project]\nversion = "1.2.0"\n')
    build = Build.of(product(), tmp_path, native=True, build_args={})

    build.images(messages.append)
    first, again = (build.push(messages.append)["backend"] for _ in range(2))

    assert first == again
    assert messages.count("pushing backend") == 1
    (found,) = ecr.describe_images(repositoryName="allthrive/backend")["imageDetails"]
    assert sorted(found["imageTags"]) == sorted([f"contents-{build.contents}", build.version])
    assert first.endswith(f"/allthrive/backend@{found['imageDigest']}")
    ecr.delete_repository(repositoryName="allthrive/backend", force=True)
