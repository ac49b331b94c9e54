"""The publish-frontend build: order of uploads, cache headers, and which old assets are kept; the bucket is a file."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.builds.programs import Desk, files

FOR_EVER, REVALIDATE = "public, max-age=31536000, immutable", "no-cache"
# The objects of the bucket, oldest first, each with its cache header and its text.
AWS = """
store = folder / "bucket.json"
bucket = json.loads(store.read_text()) if store.exists() else {}
def option(name, default=""):
    return words[words.index(name) + 1] if name in words else default
def put(key, path):
    bucket.pop(key, None)
    bucket[key] = {"cache": option("--cache-control"), "text": path.read_text()}
if (folder / "broken").exists() and words[:2] == ["s3", "cp"] and words[3].startswith("s3://"):
    sys.exit("upload failed")
if words[:2] == ["s3", "cp"]:
    source, target = words[2], words[3]
    if target.startswith("s3://"):
        key = target.partition("//")[2].partition("/")[2]
        if "--recursive" in words:
            for path in sorted(Path(source).rglob("*")):
                name = path.relative_to(source).as_posix()
                if path.is_file() and name != option("--exclude"):
                    put(f"{key}{name}", path)
        else:
            put(key, Path(source))
    elif "--recursive" in words:
        prefix = source.partition("//")[2].partition("/")[2]
        for key, found in bucket.items():
            if key.startswith(prefix):
                Path(target, key.removeprefix(prefix)).write_text(found["text"])
    else:
        Path(target).write_text(bucket[source.partition("//")[2].partition("/")[2]]["text"])
elif words[:2] == ["s3", "mv"]:
    old, new = (word.partition("//")[2].partition("/")[2] for word in words[2:4])
    bucket[new] = bucket.pop(old)
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
    arn = "arn:aws:cloudfront::111122223333:key-value-store/x"
    values = {"SiteFilesArn": arn, "SiteBucketName": "the-bucket-of-the-stack"}
    outputs = [{"OutputKey": key, "OutputValue": value} for key, value in values.items()]
    print(json.dumps({"Stacks": [{"Outputs": outputs}]}))
elif words[0] == "cloudfront-keyvaluestore":
    listed = folder / "store.json"
    pairs = json.loads(listed.read_text()) if listed.exists() else {}
    if words[1] == "list-keys":
        print(json.dumps({"Items": [{"Key": key, "Value": value} for key, value in pairs.items()]}))
    elif words[1] == "describe-key-value-store":
        print(json.dumps({"ETag": str(len(bucket))}))
    else:
        asked = json.loads(option("--cli-input-json"))
        if (folder / "conflict").exists():
            (folder / "conflict").unlink()
            sys.exit("An error occurred (ConflictException) when calling the UpdateKeys operation")
        if (folder / "no-crt").exists():
            sys.exit("Missing Dependency: This operation requires an additional dependency")
        assert len(asked["Puts"]) + len(asked["Deletes"]) <= 50
        pairs = {key: value for key, value in pairs.items() if {"Key": key} not in asked["Deletes"]}
        pairs.update((pair["Key"], pair["Value"]) for pair in asked["Puts"])
        listed.write_text(json.dumps(pairs))
        print(json.dumps({"ETag": asked["IfMatch"]}))
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
    listing(folder, f"assets/index-abcdef0{number}.js", "assets/style-abcdefgh.css")
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


def listing(folder: Path, *names: str) -> Path:
    """Adds the list of immutable files, as bundle.yml does."""
    (folder / ".slipway").mkdir(exist_ok=True)
    (folder / ".slipway" / "immutable.json").write_text(json.dumps(names))
    return folder


def publish(desk: Desk, source: Path, **values: str) -> dict[str, str]:
    result, printed = desk.run("publish-frontend", source, **{"BUCKET": "site"} | values)
    assert result.succeeded, printed
    return result.exported


def stored(desk: Desk) -> dict[str, dict[str, str]]:
    found: dict[str, dict[str, str]] = json.loads((desk.folder / "bucket.json").read_text())
    return found


def test_hashed_assets_come_first_and_the_page_last(desk: Desk, tmp_path: Path) -> None:
    publish(desk, bundle(tmp_path, 1))
    keys = [key for key in stored(desk) if not key.startswith(".slipway/")]
    assert keys[:2] == ["assets/index-abcdef01.js", "assets/style-abcdefgh.css"]
    assert keys[-1] == "index.html"


def test_only_hashed_assets_may_be_cached(desk: Desk, tmp_path: Path) -> None:
    publish(desk, bundle(tmp_path, 1))
    cached = {key for key, found in stored(desk).items() if found["cache"] == FOR_EVER}
    assert cached == {"assets/index-abcdef01.js", "assets/style-abcdefgh.css"}
    assert {found["cache"] for key, found in stored(desk).items() if key not in cached} == {REVALIDATE}


def test_the_page_is_exported_for_invalidation(desk: Desk, tmp_path: Path) -> None:
    assert publish(desk, bundle(tmp_path, 1))["PATHS"] == "/index.html"


def test_a_file_with_other_content_under_the_same_name_is_invalidated_and_no_longer_cached(
    desk: Desk, tmp_path: Path
) -> None:
    first, second = bundle(tmp_path, 1), bundle(tmp_path, 2)
    for folder, text in ((first, "old"), (second, "new")):
        (folder / "assets" / "runtime~main-aB3dE6gH.js").write_text(text)
        listing(folder, "assets/runtime~main-aB3dE6gH.js")
    publish(desk, first, RELEASE="1")
    assert stored(desk)["assets/runtime~main-aB3dE6gH.js"]["cache"] == FOR_EVER

    paths = publish(desk, second, RELEASE="2")["PATHS"]

    assert paths == "/assets/runtime%7Emain-aB3dE6gH.js /index.html"
    assert stored(desk)["assets/runtime~main-aB3dE6gH.js"] == {"cache": REVALIDATE, "text": "new"}


def test_a_bundle_without_a_list_is_not_cached_at_all(desk: Desk, tmp_path: Path) -> None:
    folder = bundle(tmp_path, 1)
    (folder / ".slipway" / "immutable.json").unlink()
    publish(desk, folder)

    assert {found["cache"] for found in stored(desk).values()} == {REVALIDATE}


def test_the_lists_of_the_first_version_are_moved_and_pages_beside_them_stay(desk: Desk, tmp_path: Path) -> None:
    pages = {"releases/index.json": '{"index.html": 1}', "releases/news.json": '["index.html"]'}
    lists = {"releases/1.0.0.json": '["assets/old-abcdef00.js"]', "releases/1.0.1.json": "[]"}
    bucket = {**lists, **pages, "assets/old-abcdef00.js": "js"}
    (desk.folder / "bucket.json").write_text(
        json.dumps({key: {"cache": REVALIDATE, "text": text} for key, text in bucket.items()})
    )

    publish(desk, bundle(tmp_path, 1), RELEASE="1.0.2", KEEP_RELEASES="2")

    assert {key for key in stored(desk) if key.startswith("releases/")} == set(pages)
    assert sorted(key for key in stored(desk) if key.startswith(".slipway/")) == [
        ".slipway/releases/1.0.1.json",
        ".slipway/releases/1.0.2.json",
    ]
    assert "assets/old-abcdef00.js" not in stored(desk)


def test_a_file_that_became_a_page_is_not_deleted_with_an_old_release(desk: Desk, tmp_path: Path) -> None:
    sources = [bundle(tmp_path, number) for number in (1, 2, 3)]
    for source in sources[1:]:
        (source / "assets" / "index-abcdef01.js").write_text("other")
    for number, source in enumerate(sources):
        publish(desk, source, RELEASE=str(number), KEEP_RELEASES="1")

    assert stored(desk)["assets/index-abcdef01.js"]["text"] == "other"


def test_names_with_blanks_and_signs_are_uploaded_as_they_are(desk: Desk, tmp_path: Path) -> None:
    folder = bundle(tmp_path, 1)
    names = ["a b.pdf", "50%.txt", "c++.txt", "#1.txt", "café.txt", "a'b.txt"]
    for name in names:
        (folder / name).write_text("x")
    publish(desk, folder)

    assert set(names) <= set(stored(desk))


def test_assets_of_the_newest_releases_stay_and_older_ones_go(desk: Desk, tmp_path: Path) -> None:
    for number in range(1, 5):
        publish(desk, bundle(tmp_path, number), RELEASE=f"1.0.{number}", KEEP_RELEASES="2")
    hashed = sorted(key for key in stored(desk) if key.startswith("assets/index-"))
    assert hashed == ["assets/index-abcdef03.js", "assets/index-abcdef04.js"]
    assert "assets/style-abcdefgh.css" in stored(desk)  # shared by all of them
    assert sorted(key for key in stored(desk) if key.startswith(".slipway/")) == [
        ".slipway/releases/1.0.3.json",
        ".slipway/releases/1.0.4.json",
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
    assert [call for call in desk.calls("aws", "s3", "cp") if "--cache-control" in call][1:] == []


def test_assets_that_cannot_be_deleted_fail(desk: Desk, tmp_path: Path) -> None:
    (desk.folder / "refusing").touch()
    publish(desk, bundle(tmp_path, 1), RELEASE="1", KEEP_RELEASES="1")
    result, printed = desk.run("publish-frontend", bundle(tmp_path, 2), BUCKET="site", RELEASE="2", KEEP_RELEASES="1")
    assert not result.succeeded
    assert "old assets cannot be deleted. The role needs s3:DeleteObject." in printed


def test_the_stack_names_the_bucket_and_a_profile_names_the_role(desk: Desk, tmp_path: Path) -> None:
    role = "arn:aws:iam::444455556666:role/publish"
    publish(desk, bundle(tmp_path, 1), BUCKET="", STACK="staging-allthrive-edge", ROLE_ARN=role)
    assert any("s3://the-bucket-of-the-stack/index.html" in call for call in desk.calls("aws", "s3", "cp"))
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


def below(tmp_path: Path, number: int) -> Path:
    """Writes a frontend that was built for /admin/."""
    (tmp_path / "below").mkdir(exist_ok=True)
    return bundle(tmp_path / "below", number)


def test_a_frontend_below_a_path_has_its_own_files_and_records(desk: Desk, tmp_path: Path) -> None:
    publish(desk, bundle(tmp_path, 1), RELEASE="1", KEEP_RELEASES="1")
    paths = [publish(desk, below(tmp_path, n), RELEASE=str(n), KEEP_RELEASES="1", BASE_PATH="/admin/") for n in (2, 3)]

    kept = {"index.html", "assets/index-abcdef01.js", ".slipway/releases/1.json"}
    assert kept | {f"admin/{name}" for name in ("index.html", "assets/index-abcdef03.js")} <= set(stored(desk))
    assert "admin/assets/index-abcdef02.js" not in stored(desk)
    assert [key for key in stored(desk) if key.startswith("admin/.slipway/")] == ["admin/.slipway/releases/3.json"]
    assert [path["PATHS"] for path in paths] == ["/admin/index.html"] * 2


def test_files_that_another_frontend_took_over_are_not_forgotten(desk: Desk, tmp_path: Path) -> None:
    whole = bundle(tmp_path, 1)
    files(whole, admin__index_dot_html="part of the shop")
    publish(desk, whole, RELEASE="1", KEEP_RELEASES="1")
    publish(desk, below(tmp_path, 2), RELEASE="2", BASE_PATH="/admin/")
    publish(desk, bundle(tmp_path, 3), RELEASE="3", KEEP_RELEASES="1", OTHER_PATHS="admin/")

    assert "index-abcdef02" in stored(desk)["admin/index.html"]["text"]
    assert "assets/index-abcdef01.js" not in stored(desk)


def test_a_page_that_no_kept_release_has_is_deleted(desk: Desk, tmp_path: Path) -> None:
    first = files(bundle(tmp_path, 1), about_dot_html="about us")
    for number, source in enumerate((first, bundle(tmp_path, 2))):
        publish(desk, source, RELEASE=str(number), KEEP_RELEASES="2")
    assert "about.html" in stored(desk)
    publish(desk, bundle(tmp_path, 3), RELEASE="3", KEEP_RELEASES="2")

    assert "about.html" not in stored(desk)


def test_paths_that_would_fill_the_variable_of_several_frontends_become_one(desk: Desk, tmp_path: Path) -> None:
    first, second = below(tmp_path, 1), below(tmp_path, 2)
    for folder, text in ((first, "old"), (second, "new")):
        (folder / "assets" / "runtime~main-aB3dE6gH.js").write_text(text)
        listing(folder, "assets/runtime~main-aB3dE6gH.js")
    values = {"BASE_PATH": "/admin/", "PATHS_CHARACTERS": "50"}
    publish(desk, first, RELEASE="1", **values)

    assert publish(desk, second, RELEASE="2", **values)["PATHS"] == "/admin/*"


FILES = {"FILES_ARN": "arn:aws:cloudfront::111122223333:key-value-store/x"}


def entries(desk: Desk) -> dict[str, str]:
    found: dict[str, str] = json.loads((desk.folder / "store.json").read_text())
    return found


def test_the_list_has_what_kept_releases_have_and_the_folder_of_hashed_names(desk: Desk, tmp_path: Path) -> None:
    first = files(bundle(tmp_path, 1), LICENSE="text")
    (first / "assets" / "plain.css").unlink()
    publish(desk, first, RELEASE="1", KEEP_RELEASES="1", **FILES)
    assert entries(desk) == {
        "/": "assets/",
        **dict.fromkeys(("/LICENSE", "/index.html", "/robots.txt"), "1"),
        **dict.fromkeys(("/assets/index-abcdef01.js", "/assets/style-abcdefgh.css"), "1"),
    }
    publish(desk, bundle(tmp_path, 2), RELEASE="2", KEEP_RELEASES="1", **FILES)

    assert "/LICENSE" not in entries(desk)
    assert {"/assets/index-abcdef02.js", "/assets/plain.css"} <= set(entries(desk))
    assert entries(desk)["/"] == ""  # a folder with a file without a hash may have pages too


def test_files_are_listed_before_pages_are_uploaded(desk: Desk, tmp_path: Path) -> None:
    publish(desk, bundle(tmp_path, 1), **FILES)
    calls = [" ".join(call) for call in desk.calls("aws")]
    listed = next(place for place, call in enumerate(calls) if "update-keys" in call)
    page = next(place for place, call in enumerate(calls) if "s3://site/index.html" in call)

    assert listed < page


def test_frontends_share_the_list_and_each_keeps_its_own(desk: Desk, tmp_path: Path) -> None:
    publish(desk, bundle(tmp_path, 1), RELEASE="1", KEEP_RELEASES="1", OTHER_PATHS="admin/", **FILES)
    publish(desk, below(tmp_path, 2), RELEASE="1", KEEP_RELEASES="1", BASE_PATH="/admin/", **FILES)
    publish(desk, bundle(tmp_path, 3), RELEASE="2", KEEP_RELEASES="1", OTHER_PATHS="admin/", **FILES)

    assert {"/admin/", "/admin/index.html", "/admin/assets/index-abcdef02.js", "/index.html"} <= set(entries(desk))
    assert "/assets/index-abcdef01.js" not in entries(desk)


def test_a_large_bundle_is_listed_in_several_requests_and_a_conflict_is_tried_again(desk: Desk, tmp_path: Path) -> None:
    (desk.folder / "conflict").touch()
    folder = bundle(tmp_path, 1)
    for number in range(120):
        (folder / f"page-{number}.txt").write_text("x")
    publish(desk, folder, **FILES)

    assert {f"/page-{number}.txt" for number in range(120)} <= set(entries(desk))
    assert len(desk.calls("aws", "cloudfront-keyvaluestore", "update-keys")) == 3 + 1


def test_an_aws_cli_that_cannot_sign_for_the_list_is_explained(desk: Desk, tmp_path: Path) -> None:
    (desk.folder / "no-crt").touch()
    result, printed = desk.run("publish-frontend", bundle(tmp_path, 1), BUCKET="site", **FILES)

    assert not result.succeeded
    assert "the AWS CLI must be version 2" in printed.replace("\n", " ")
    assert "index.html" not in stored(desk)


def test_without_a_list_in_the_stack_nothing_is_listed(desk: Desk, tmp_path: Path) -> None:
    publish(desk, bundle(tmp_path, 1))

    assert not desk.calls("aws", "cloudfront-keyvaluestore")
