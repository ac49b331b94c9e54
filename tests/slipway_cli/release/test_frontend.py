"""A visitor never gets an incomplete frontend."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import pytest

from slipway_cli.release import frontend
from slipway_cli.release.errors import ReleaseError
from slipway_cli.release.target import Target
from tests.support.fake_aws import FakeAws


class Bucket:
    """The site bucket, in memory, with the order of its writes."""

    def __init__(self, aws: FakeAws) -> None:
        self.objects: dict[str, tuple[bytes, dict[str, str], int]] = {}
        self.written: list[str] = []
        aws.on("s3.PutObject", self._put)
        aws.on("s3.GetObject", lambda given: self.objects[self._key(given)][0].decode())
        aws.on("s3.DeleteObject", self._delete)
        aws.on("s3.ListObjectsV2", self._list)

    @staticmethod
    def _key(given: dict[str, Any]) -> str:
        return str(given["path"]).lstrip("/").removeprefix("site/")

    def _put(self, given: dict[str, Any]) -> str:
        key = self._key(given)
        self.written.append(key)
        self.objects[key] = (_unchunked(given["body"]), given["headers"], len(self.written))
        return ""

    def _delete(self, given: dict[str, Any]) -> str:
        del self.objects[self._key(given)]
        return ""

    def _list(self, given: dict[str, Any]) -> str:
        items = "".join(
            f"<Contents><Key>{key}</Key><LastModified>2026-11-21T00:{order // 60:02}:{order % 60:02}Z</LastModified>"
            "</Contents>"
            for key, (_, _, order) in self.objects.items()
            if key.startswith(parse_qs(given["query"])["prefix"][0])
        )
        return f"<ListBucketResult><IsTruncated>false</IsTruncated>{items}</ListBucketResult>"


def _unchunked(body: bytes) -> bytes:
    """Returns the content of an aws-chunked body, which botocore sends with a trailing checksum."""
    if b"x-amz-checksum" not in body:
        return body
    size, _, rest = body.partition(b"\r\n")
    return rest[: int(size, 16)]


def a_build(folder: Path, script: str) -> frontend.Site:
    (folder / "assets").mkdir(parents=True)
    (folder / "assets" / script).write_text("console.log(1)")
    (folder / "index.html").write_text(f'<script src="/assets/{script}">')
    (folder / "robots.txt").write_text("User-agent: *")
    return frontend.Site(folder, folder.parent / "source")


@pytest.fixture(name="bucket")
def _bucket(aws: FakeAws) -> Bucket:
    return Bucket(aws)


def test_the_page_is_written_after_the_files_that_it_refers_to(bucket: Bucket, target: Target, tmp_path: Path) -> None:
    frontend.publish(target, a_build(tmp_path, "index-aBcd3fgh.js"), "1.0.0", 5)

    published = [key for key in bucket.written if not key.startswith(".slipway/")]
    assert published == ["assets/index-aBcd3fgh.js", "robots.txt", "index.html"]


def test_hashed_assets_are_cached_and_pages_are_not(bucket: Bucket, target: Target, tmp_path: Path) -> None:
    frontend.publish(target, a_build(tmp_path, "index-aBcd3fgh.js"), "1.0.0", 5)

    assert bucket.objects["assets/index-aBcd3fgh.js"][1]["Cache-Control"] == "public, max-age=31536000, immutable"
    assert bucket.objects["index.html"][1]["Cache-Control"] == "no-cache"
    assert bucket.objects["index.html"][1]["Content-Type"] == "text/html"


def test_only_files_without_a_hash_are_invalidated(bucket: Bucket, target: Target, tmp_path: Path) -> None:
    assert frontend.publish(target, a_build(tmp_path, "index-aBcd3fgh.js"), "1.0.0", 5) == [
        "/index.html",
        "/robots.txt",
    ]


def test_assets_of_the_newest_releases_stay_and_older_ones_are_deleted(
    bucket: Bucket, target: Target, tmp_path: Path
) -> None:
    for number in range(4):
        build = a_build(tmp_path / str(number), f"index-reLeas3{number}.js")
        frontend.publish(target, build, f"1.0.{number}", keep_releases=2)

    assert sorted(key for key in bucket.objects if key.startswith("assets/")) == [
        "assets/index-reLeas32.js",
        "assets/index-reLeas33.js",
    ]
    record = json.loads(bucket.objects[".slipway/releases/1.0.3.json"][0])
    assert [name for name, value in record.items() if value] == ["assets/index-reLeas33.js"]


def test_an_asset_that_a_kept_release_shares_with_an_old_one_stays(
    bucket: Bucket, target: Target, tmp_path: Path
) -> None:
    for number in range(3):
        frontend.publish(target, a_build(tmp_path / str(number), "shared-aBcd3fgh.js"), f"1.0.{number}", 1)

    assert "assets/shared-aBcd3fgh.js" in bucket.objects


def test_a_file_of_the_source_is_not_cached_whatever_its_name(bucket: Bucket, target: Target, tmp_path: Path) -> None:
    site = a_build(tmp_path / "built", "photo-aBcd3fgh.png")
    (tmp_path / "source" / "public").mkdir(parents=True)
    (tmp_path / "source" / "public" / "photo-aBcd3fgh.png").touch()

    assert "/assets/photo-aBcd3fgh.png" in frontend.publish(target, site, "1.0.0", 5)
    assert bucket.objects["assets/photo-aBcd3fgh.png"][1]["Cache-Control"] == "no-cache"


def test_a_file_that_changed_under_the_same_name_is_invalidated(bucket: Bucket, target: Target, tmp_path: Path) -> None:
    frontend.publish(target, a_build(tmp_path / "1", "runtime~main-aBcd3fgh.js"), "1", 5)
    second = a_build(tmp_path / "2", "runtime~main-aBcd3fgh.js")
    (second.folder / "assets" / "runtime~main-aBcd3fgh.js").write_text("other")

    assert "/assets/runtime%7Emain-aBcd3fgh.js" in frontend.publish(target, second, "2", 5)
    assert bucket.objects["assets/runtime~main-aBcd3fgh.js"][1]["Cache-Control"] == "no-cache"


def test_source_maps_are_published_only_on_request(bucket: Bucket, target: Target, tmp_path: Path) -> None:
    site = a_build(tmp_path, "index-aBcd3fgh.js.map")
    frontend.publish(target, site, "1", 5)
    assert "assets/index-aBcd3fgh.js.map" not in bucket.objects

    frontend.publish(target, frontend.Site(site.folder, site.source, source_maps=True), "2", 5)
    assert "assets/index-aBcd3fgh.js.map" in bucket.objects


def test_a_frontend_with_our_folder_or_an_unknown_ending_publishes_nothing(
    bucket: Bucket, target: Target, tmp_path: Path
) -> None:
    site = a_build(tmp_path, "model.weird")
    with pytest.raises(ReleaseError, match=r"file_endings: \[weird\]"):
        frontend.publish(target, site, "1", 5)
    (site.folder / ".slipway").mkdir()
    with pytest.raises(ReleaseError, match=r"the name of Slipway's records"):
        frontend.publish(target, site, "1", 5)

    assert bucket.written == []


def test_the_lists_of_the_first_version_are_moved(bucket: Bucket, target: Target, tmp_path: Path) -> None:
    for key, content in (("releases/0.json", b'["assets/old.js"]'), ("releases/page.json", b'{"index.html": 1}')):
        bucket.objects[key] = (content, {}, 0)
    bucket.objects["assets/old.js"] = (b"", {}, 0)

    frontend.publish(target, a_build(tmp_path, "index-aBcd3fgh.js"), "1", 1)

    assert sorted(key for key in bucket.objects if "releases/" in key) == [
        ".slipway/releases/1.json",
        "releases/page.json",
    ]
    assert "assets/old.js" not in bucket.objects


def test_a_folder_without_a_page_publishes_nothing(bucket: Bucket, target: Target, tmp_path: Path) -> None:
    with pytest.raises(ReleaseError, match=r"no index\.html in .*: build the frontend first"):
        frontend.publish(target, frontend.Site(tmp_path, tmp_path), "1.0.0", 5)

    assert bucket.written == []


def test_publishing_a_release_again_invalidates_it_again(aws: FakeAws, target: Target) -> None:
    references: list[str] = []

    def create(given: dict[str, Any]) -> str:
        body = bytes(given["body"]).decode()
        references.append(body.partition("<CallerReference>")[2].partition("<")[0])
        return "<Invalidation><Id>I1</Id><Status>Completed</Status></Invalidation>"

    aws.on("cloudfront.CreateInvalidation", create)
    for _ in range(2):
        frontend.invalidate(target, ["/index.html"], "1.0.0")

    assert len(set(references)) == 2
    assert all(reference.startswith("1.0.0-") for reference in references)


def an_admin(folder: Path) -> frontend.Site:
    """Writes a built frontend whose bundler knew its path."""
    site = a_build(folder, "index-xYzd3fgh.js")
    (folder / "index.html").write_text('<script src="/admin/assets/index-xYzd3fgh.js"></script>')
    return replace(site, name="admin", path="/admin/")


def test_a_frontend_below_a_path_has_its_own_files_records_and_paths(
    bucket: Bucket, target: Target, tmp_path: Path
) -> None:
    shop = replace(a_build(tmp_path / "shop", "index-aBcd3fgh.js"), name="shop", others=("admin/",))
    admin = an_admin(tmp_path / "admin")

    frontend.publish(target, shop, "1", 5)
    paths = frontend.publish(target, admin, "1", 5)

    assert {"index.html", "admin/index.html", ".slipway/releases/1.json", "admin/.slipway/releases/1.json"} <= set(
        bucket.objects
    )
    assert "admin/assets/index-xYzd3fgh.js" in bucket.objects
    assert "/admin/index.html" in paths
    assert "/index.html" not in paths


def test_files_that_another_frontend_took_over_are_not_forgotten(
    bucket: Bucket, target: Target, tmp_path: Path
) -> None:
    whole = a_build(tmp_path / "whole", "index-aBcd3fgh.js")
    (whole.folder / "admin").mkdir()
    (whole.folder / "admin" / "index.html").write_text("part of the shop")
    frontend.publish(target, whole, "1", 1)
    admin = an_admin(tmp_path / "admin")
    frontend.publish(target, admin, "2", 1)
    frontend.publish(target, replace(a_build(tmp_path / "shop", "index-bBcd3fgh.js"), others=("admin/",)), "2", 1)

    assert "admin/index.html" in bucket.objects
    assert "assets/index-aBcd3fgh.js" not in bucket.objects


def test_a_page_that_no_kept_release_has_is_deleted(bucket: Bucket, target: Target, tmp_path: Path) -> None:
    first = a_build(tmp_path / "1", "index-aBcd3fgh.js")
    (first.folder / "about.html").write_text("about us")
    frontend.publish(target, first, "1", 2)
    frontend.publish(target, a_build(tmp_path / "2", "index-bBcd3fgh.js"), "2", 2)
    assert "about.html" in bucket.objects
    frontend.publish(target, a_build(tmp_path / "3", "index-cBcd3fgh.js"), "3", 2)

    assert "about.html" not in bucket.objects


def test_a_page_whose_bundler_did_not_know_the_path_publishes_nothing(
    bucket: Bucket, target: Target, tmp_path: Path
) -> None:
    site = replace(a_build(tmp_path / "admin", "index-aBcd3fgh.js"), name="admin", path="/admin/")
    (site.folder / "index.html").write_text('<script src="/assets/index-aBcd3fgh.js"></script>')

    with pytest.raises(
        ReleaseError, match=r"asks for /assets/index-aBcd3fgh\.js, but the site serves .* below /admin/"
    ):
        frontend.publish(target, site, "1", 5)
    assert not bucket.objects
