"""The publish-frontend build: order of uploads, cache headers, and which old assets are kept; the bucket is a file."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.builds.programs import Desk, files

FOR_EVER, REVALIDATE = "public, max-age=31536000, immutable", "no-cache"
# The objects of the bucket, oldest first, each with its cache header and its text.
AWS = """
import fnmatch
store = folder / "bucket.json"
bucket = json.loads(store.read_text()) if store.exists() else {}
def option(name, default=""):
    return words[words.index(name) + 1] if name in words else default
def put(key, path):
    bucket.pop(key, None)
    bucket[key] = {"cache": option("--cache-control"), "text": path.read_text()}
if (folder / "broken").exists() and words[:2] == ["s3", "cp"]:
    sys.exit("upload failed")
if words[:2] == ["s3", "cp"]:
    source, target = words[2], words[3]
    if target.startswith("s3://"):
        key = target.partition("//")[2].partition("/")[2]
        if "--recursive" in words:
            for path in sorted(Path(source).rglob("*")):
                name = path.relative_to(source).as_posix()
                if path.is_file() and name != option("--exclude"):
                    put(name, path)
        else:
            put(key, Path(source))
    else:
        for key, found in bucket.items():
            if key.startswith("releases/"):
                Path(target, key.removeprefix("releases/")).write_text(found["text"])
elif words[1] == "list-objects-v2":
    prefix = option("--prefix")
    found = [{"Key": key, "LastModified": f"{place:04}"} for place, key in enumerate(bucket) if key.startswith(prefix)]
    print(json.dumps({"Contents": found}))
elif words[1] == "delete-objects":
    for deleted in json.loads(Path(option("--delete").removeprefix("file://")).read_text())["Objects"]:
        bucket.pop(deleted["Key"], None)
    if (folder / "refusing").exists():
        print(json.dumps({"Errors": [{"Key": "x", "Code": "AccessDenied"}]}))
elif words[1] == "describe-stacks":
    print("the-bucket-of-the-stack")
store.write_text(json.dumps(bucket))
"""


@pytest.fixture(autouse=True)
def programs(desk: Desk) -> None:
    desk.install("aws", AWS)


def bundle(tmp_path: Path, number: int) -> Path:
    """Writes a built frontend: the script depends on the number, the style sheet does not."""
    folder = tmp_path / f"bundle-{number}"
    folder.mkdir()
    page = f'<script src="/assets/index-abcdef0{number}.js">'
    return files(
        folder,
        **{
            "index_dot_html": page,
            "robots_dot_txt": "User-agent: *",
            f"assets__index-abcdef0{number}_dot_js": "js",
            "assets__style-abcdefgh_dot_css": "css",
            "assets__plain_dot_css": "unhashed",
        },
    )


def publish(desk: Desk, source: Path, **values: str) -> dict[str, str]:
    result, printed = desk.run("publish-frontend", source, **{"BUCKET": "site"} | values)
    assert result.succeeded, printed
    return result.exported


def stored(desk: Desk) -> dict[str, dict[str, str]]:
    found: dict[str, dict[str, str]] = json.loads((desk.folder / "bucket.json").read_text())
    return found


def test_hashed_assets_come_first_and_the_page_last(desk: Desk, tmp_path: Path) -> None:
    publish(desk, bundle(tmp_path, 1))
    keys = [key for key in stored(desk) if not key.startswith("releases/")]
    assert keys[:2] == ["assets/index-abcdef01.js", "assets/style-abcdefgh.css"]
    assert keys[-1] == "index.html"


def test_only_hashed_assets_may_be_cached(desk: Desk, tmp_path: Path) -> None:
    publish(desk, bundle(tmp_path, 1))
    cached = {key for key, found in stored(desk).items() if found["cache"] == FOR_EVER}
    assert cached == {"assets/index-abcdef01.js", "assets/style-abcdefgh.css"}
    assert {found["cache"] for key, found in stored(desk).items() if key not in cached} == {REVALIDATE}


def test_the_paths_without_a_hash_are_exported_for_invalidation(desk: Desk, tmp_path: Path) -> None:
    assert publish(desk, bundle(tmp_path, 1))["PATHS"] == "/assets/plain.css /index.html /robots.txt"


def test_assets_of_the_newest_releases_stay_and_older_ones_go(desk: Desk, tmp_path: Path) -> None:
    for number in range(1, 5):
        publish(desk, bundle(tmp_path, number), RELEASE=f"1.0.{number}", KEEP_RELEASES="2")
    hashed = sorted(key for key in stored(desk) if key.startswith("assets/index-"))
    assert hashed == ["assets/index-abcdef03.js", "assets/index-abcdef04.js"]
    assert "assets/style-abcdefgh.css" in stored(desk)  # shared by all of them
    assert sorted(key for key in stored(desk) if key.startswith("releases/")) == [
        "releases/1.0.3.json",
        "releases/1.0.4.json",
    ]


def test_a_release_that_is_published_again_counts_once_and_as_the_newest(desk: Desk, tmp_path: Path) -> None:
    sources = [bundle(tmp_path, number) for number in (1, 2, 3)]
    for source, release in ((sources[0], "a"), (sources[1], "b"), (sources[0], "a"), (sources[2], "c")):
        publish(desk, source, RELEASE=release, KEEP_RELEASES="2")
    assert [key for key in stored(desk) if key.startswith("assets/index-")] == [
        "assets/index-abcdef01.js",
        "assets/index-abcdef03.js",
    ]


def test_a_broken_upload_leaves_the_old_page_and_is_explained(desk: Desk, tmp_path: Path) -> None:
    (desk.folder / "broken").touch()
    result, printed = desk.run("publish-frontend", bundle(tmp_path, 1), BUCKET="site")
    assert not result.succeeded
    assert "Pages are uploaded last, so visitors see the old site. Run it again." in printed
    assert len(desk.calls("aws", "s3", "cp")) == 1


def test_assets_that_cannot_be_deleted_fail(desk: Desk, tmp_path: Path) -> None:
    (desk.folder / "refusing").touch()
    publish(desk, bundle(tmp_path, 1), RELEASE="1", KEEP_RELEASES="1")
    result, printed = desk.run("publish-frontend", bundle(tmp_path, 2), BUCKET="site", RELEASE="2", KEEP_RELEASES="1")
    assert not result.succeeded
    assert "old assets cannot be deleted. The role needs s3:DeleteObject." in printed


def test_the_stack_names_the_bucket_and_a_profile_names_the_role(desk: Desk, tmp_path: Path) -> None:
    role = "arn:aws:iam::444455556666:role/publish"
    publish(desk, bundle(tmp_path, 1), BUCKET="", STACK="staging-allthrive-edge", ROLE_ARN=role)
    assert "s3://the-bucket-of-the-stack/index.html" in desk.calls("aws", "s3", "cp")[2]
    assert all(call[-2:] == ["--profile", "environment"] for call in desk.calls("aws"))


@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        ({"BUCKET": ""}, "no bucket: give BUCKET, or STACK with an output SiteBucketName."),
        ({"KEEP_RELEASES": "0"}, "KEEP_RELEASES is '0'; give a number from 1."),
    ],
)
def test_bad_input_is_refused_before_anything_is_uploaded(
    desk: Desk, tmp_path: Path, values: dict[str, str], sentence: str
) -> None:
    result, printed = desk.run("publish-frontend", bundle(tmp_path, 1), **{"BUCKET": "site"} | values)
    assert not result.succeeded
    assert sentence in printed
    assert not desk.calls("aws", "s3")


def test_a_source_without_a_page_is_refused(desk: Desk, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    result, printed = desk.run("publish-frontend", tmp_path / "empty", BUCKET="site")
    assert not result.succeeded
    assert "no index.html here. The source must be the artifact of bundle.yml." in printed
