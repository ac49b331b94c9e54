"""The files that become artifacts, and their names and keys."""

from __future__ import annotations

import io
import tarfile
import zipfile
from typing import Any

import pytest

from localcloud.codebuild import artifacts, source
from localcloud.codebuild.buildspec import Files

NAMES = ["a.txt", "dist/index.html", "dist/js/app.js", "dist/js/app.js.map", "dist/.hidden", "src/main.py"]


@pytest.mark.parametrize(
    ("globs", "found"),
    [
        (["**/*"], NAMES),
        (["*"], ["a.txt"]),
        (["dist/*"], ["dist/.hidden", "dist/index.html"]),
        (["dist/**/*"], [name for name in NAMES if name.startswith("dist/")]),
        (["dist"], [name for name in NAMES if name.startswith("dist/")]),
        (["**/*.js"], ["dist/js/app.js"]),
        (["./a.txt", "src/main.py"], ["a.txt", "src/main.py"]),
        (["nothing"], []),
    ],
)
def test_globs_choose_files(globs: list[str], found: list[str]) -> None:
    assert sorted(artifacts.choose(NAMES, Files(tuple(globs)))) == sorted(found)


def test_excluded_paths_are_not_in_the_artifact() -> None:
    chosen = Files(("dist/**/*",), exclude_paths=("**/*.map", "dist/.hidden"))
    assert sorted(artifacts.choose(NAMES, chosen)) == ["dist/index.html", "dist/js/app.js"]


def test_discard_paths_keeps_only_the_names_of_files() -> None:
    chosen = Files(("dist/**/*.js",), discard_paths=True)
    assert artifacts.choose(NAMES, chosen) == {"dist/js/app.js": "app.js"}


@pytest.mark.parametrize(
    ("target", "name", "key"),
    [
        ({}, "", "web"),
        ({"path": "out", "name": "site.zip"}, "", "out/site.zip"),
        ({"path": "out/", "namespaceType": "BUILD_ID"}, "", "out/1234/web"),
        ({"name": "kept"}, "of-the-buildspec", "kept"),
        ({"name": "kept", "overrideArtifactName": True}, "of-the-buildspec", "of-the-buildspec"),
    ],
)
def test_the_key_is_formed_as_documented(target: dict[str, Any], name: str, key: str) -> None:
    assert artifacts.key_of(target, "web", "1234", name) == key


def tree(**files: bytes) -> artifacts.Tree:
    return artifacts.Tree([source.tar_of({f"src/{name}": content for name, content in files.items()})])


def test_a_zip_archive_has_the_chosen_files_under_their_names() -> None:
    packed = artifacts.pack(tree(a=b"1", b=b"2"), {"b": "renamed"})
    with zipfile.ZipFile(io.BytesIO(packed)) as archive:
        assert {name: archive.read(name) for name in archive.namelist()} == {"renamed": b"2"}


def test_a_pipelines_artifact_is_always_one_archive() -> None:
    assert artifacts.is_zipped({"type": "CODEPIPELINE"})
    assert artifacts.is_zipped({"type": "S3", "packaging": "ZIP"})
    assert not artifacts.is_zipped({"type": "S3"})


def test_a_source_archive_keeps_links_and_permissions() -> None:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        script, link = zipfile.ZipInfo("run.sh"), zipfile.ZipInfo("link")
        script.external_attr, link.external_attr = 0o100755 << 16, 0o120777 << 16
        archive.writestr(script, b"#!/bin/sh")
        archive.writestr(link, b"run.sh")
    with tarfile.open(fileobj=io.BytesIO(source._from_zip(packed))) as tar:
        assert tar.getmember("run.sh").mode == 0o755
        assert tar.getmember("link").linkname == "run.sh"


@pytest.mark.parametrize("location", ["bucket/path/key.zip", "arn:aws:s3:::bucket/path/key.zip"])
def test_a_location_is_split_into_bucket_and_key(location: str) -> None:
    assert source.split(location) == ("bucket", "path/key.zip")
