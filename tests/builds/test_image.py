"""The image build: tags are chosen before anything is built; then its calls of docker and of the registry."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.builds.programs import AWS, BUILT, DOCKER, URI, Desk

COMMIT = "0123456789abcdef0123456789abcdef01234567"
COMMIT_TAG = f"commit-{COMMIT}"
OTHER = "sha256:" + "0" * 64


@pytest.fixture
def source(tmp_path: Path, desk: Desk) -> Path:
    """A product of version 1.2.0; the fake registry is installed."""
    desk.install("aws", AWS)
    desk.install("docker", DOCKER)
    folder = tmp_path / "source"
    folder.mkdir()
    (folder / "Dockerfile").write_text("FROM scratch\n")
    (folder / "pyproject.toml").write_text('[project]\nname = "x"\nversion = "1.2.0"\n')
    return folder


def build(desk: Desk, source: Path, **values: str) -> dict[str, str]:
    """Runs the build, which must succeed; returns the exported variables."""
    result, printed = desk.run("image", source, **{"REPOSITORY_URI": URI, "COMMIT": COMMIT, "BRANCH": "main"} | values)
    assert result.succeeded, printed
    return result.exported


def refused(desk: Desk, source: Path, **values: str) -> str:
    """Runs the build, which must fail; returns its output."""
    result, printed = desk.run("image", source, **{"REPOSITORY_URI": URI, "COMMIT": COMMIT, "BRANCH": "main"} | values)
    assert not result.succeeded, printed
    assert "FAILED: " in printed
    return printed


def labels(tags: dict[str, str]) -> set[str]:
    """Returns the tags for people: neither layer caches nor the tag that the build looks an image up by."""
    return {tag for tag in tags if not tag.startswith(("layers-", "commit-"))}


@pytest.mark.parametrize(
    ("file", "content", "version"),
    [
        ("pyproject.toml", '[project]\nname = "x"\nversion = "1.2.0"  # raised by hand\n', "1.2.0"),
        ("pyproject.toml", "[tool.poetry]\nversion = '2.0.0'\n", "2.0.0"),
        ("pyproject.toml", '[tool.x]\nversion = "9"\n[project]\nversion = "1.2.1"\n', "1.2.1"),
        ("config/__init__.py", '"""Settings."""\n__version__ = "3.4.5"\n', "3.4.5"),
        ("config/__init__.py", "__version__: str = '3.4.6'\n", "3.4.6"),
        ("package.json", '{"name": "x", "version": "0.1.0"}', "0.1.0"),
        ("pyproject.toml", '[project]\nversion = "1.2.0+local"\n', "1.2.0-local"),
    ],
)
def test_the_version_is_read_from_the_file_that_the_manifest_names(
    desk: Desk, source: Path, file: str, content: str, version: str
) -> None:
    (source / file).parent.mkdir(exist_ok=True)
    (source / file).write_text(content)
    exported = build(desk, source, VERSION_FILE=file)
    assert exported == {
        "IMAGE": f"{URI}@{BUILT}",
        "RELEASE_VERSION": f"{version}-0123456",
        "RELEASE_TAG": f"v{version}-0123456",
        "PUBLISHED_TAGS": f"label:commit-{COMMIT} label:{COMMIT} ",
    }


@pytest.mark.parametrize(
    ("tags", "values", "expected"),
    [
        ("{sha} latest", {}, {COMMIT, "latest"}),
        ("{sha} latest", {"BRANCH": "feature/x"}, {COMMIT}),
        ("{sha} latest", {"BRANCH": "main", "REPOSITORY_OF": "branches"}, {COMMIT}),
        ("{version}-SNAPSHOT-{sha7}", {}, {"1.2.0-SNAPSHOT-0123456"}),
        ("{version} {version}-{sha7} {branch}", {}, {"1.2.0", "1.2.0-0123456", "main"}),
        ("{version} {version}-{sha7} {branch}", {"BRANCH": "feature/x"}, {"1.2.0-0123456", "feature-x"}),
        ("{branch}", {"BRANCH": ".odd/na me"}, {"odd-na-me"}),
        ("{branch}-{version}", {}, {"main-1.2.0"}),
    ],
)
def test_an_image_gets_the_tags_of_the_patterns(
    desk: Desk, source: Path, tags: str, values: dict[str, str], expected: set[str]
) -> None:
    build(desk, source, TAGS=tags, **values)
    assert labels(desk.tags) == expected
    assert desk.tags[COMMIT_TAG] == BUILT


@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        ({"TAGS": "{version}-{build}"}, "'{version}-{build}' has an unknown field. Known are {version}, {sha}, {sha7}"),
        (
            {"RELEASE_TAG": "release/{version}"},
            "'release/{version}' gives 'release/1.2.0', which is no tag",
        ),
        ({"COMMIT": "main"}, "COMMIT is 'main'; give the commit's full hexadecimal name"),
        ({"COMMIT": COMMIT[:7]}, "COMMIT is '0123456'; give the commit's full hexadecimal name"),
        ({"BRANCH": ""}, "BRANCH is empty; give the branch that is built"),
        ({"REPOSITORY_OF": "yes"}, "REPOSITORY_OF is 'yes'; give main, snapshots, branches or candidates."),
        ({"REPOSITORY_OF": "main", "BRANCH": "feature/x"}, "holds what main built, and BRANCH is 'feature/x'."),
        ({"REPOSITORY_URI": ""}, "REPOSITORY_URI is ''; give <registry>/<repository>."),
        ({"VERSION_FILE": "setup.py"}, "no setup.py. Set VERSION_FILE"),
        ({"VERSION_FILE": "Dockerfile"}, "VERSION_FILE is Dockerfile; known are *.toml"),
        ({"DOCKERFILE": "Dockerfile.prod"}, "no ./Dockerfile.prod. Set CONTEXT"),
        ({"BUILD_SECRETS": "npm_token"}, "NPM_TOKEN is empty, the value of build secret 'npm_token'."),
    ],
)
def test_bad_input_is_refused_before_anything_is_built(
    desk: Desk, source: Path, values: dict[str, str], sentence: str
) -> None:
    assert sentence in refused(desk, source, **values)
    assert not desk.calls("docker", "buildx", "build")


def test_a_file_without_a_version_is_refused(desk: Desk, source: Path) -> None:
    (source / "pyproject.toml").write_text('[tool.x]\nversion = "1"\n')
    assert "no version in pyproject.toml. Write one" in refused(desk, source)


def test_existing_layer_caches_are_used_in_the_documented_order(desk: Desk, source: Path) -> None:
    order = ["layers-1.2.0-feature-x", "layers-1.2.0-main", "layers-feature-x", "layers-main", "layers-general"]
    desk.tags = dict.fromkeys(reversed(order), OTHER)
    build(desk, source, BRANCH="feature/x")
    (call,) = desk.calls("docker", "buildx", "build")
    used = [call[index + 1] for index, word in enumerate(call) if word == "--cache-from"]
    assert used == [f"type=registry,ref={URI}:{tag}" for tag in order]
    assert "type=inline" in call


def test_a_first_build_reads_no_layer_cache_and_leaves_one(desk: Desk, source: Path) -> None:
    build(desk, source)
    assert "--cache-from" not in desk.calls("docker", "buildx", "build")[0]
    assert set(desk.tags) - labels(desk.tags) == {COMMIT_TAG, "layers-1.2.0-main", "layers-main", "layers-general"}


def test_layer_caches_with_the_old_tags_are_not_used(desk: Desk, source: Path) -> None:
    desk.tags = dict.fromkeys(["cache-1.2.0-main", "cache-main", "cache-general"], OTHER)
    build(desk, source)
    assert "--cache-from" not in desk.calls("docker", "buildx", "build")[0]


def test_a_commit_is_built_once_and_its_moving_tags_come_back(desk: Desk, source: Path) -> None:
    desk.tags = {COMMIT_TAG: BUILT, "latest": OTHER}
    assert build(desk, source, TAGS="{sha} latest")["IMAGE"] == f"{URI}@{BUILT}"
    assert not desk.calls("docker", "buildx", "build")
    assert not desk.calls("docker", "push")
    assert desk.tags["latest"] == BUILT


@pytest.mark.parametrize(
    "tag", [COMMIT, "1.2.0-0123456", "v1.2.0-0123456", "commit-0123456", f"commit-{'0123456'.ljust(40, 'f')}"]
)
def test_an_image_is_looked_up_by_nothing_but_the_full_name_of_its_commit(desk: Desk, source: Path, tag: str) -> None:
    desk.tags = {tag: OTHER}
    exported = build(desk, source, TAGS="{sha} {version}-{sha7}")
    assert exported["IMAGE"] == f"{URI}@{BUILT}"
    assert (desk.tags[tag], desk.tags[COMMIT_TAG]) == (OTHER, BUILT)


def test_a_commit_tag_of_another_image_stays_and_the_log_names_the_tag_of_this_image(desk: Desk, source: Path) -> None:
    desk.tags = {"1.2.0-0123456": OTHER}
    result, printed = desk.run(
        "image", source, REPOSITORY_URI=URI, COMMIT=COMMIT, BRANCH="main", TAGS="{version}-{sha7}"
    )
    assert result.succeeded, printed
    assert f"1.2.0-0123456 stays {OTHER}, the image of another build. This one is {COMMIT_TAG}." in printed
    assert desk.tags["1.2.0-0123456"] == OTHER


@pytest.mark.parametrize("taken", ["v1.2.0-0123456", f"commit-{'0123456'.ljust(40, 'f')}"])
def test_a_release_whose_short_name_may_name_another_image_gets_the_full_name(
    desk: Desk, source: Path, taken: str
) -> None:
    desk.tags = {taken: OTHER}
    exported = build(desk, source)
    assert (exported["RELEASE_TAG"], exported["RELEASE_VERSION"]) == (f"v1.2.0-{COMMIT}", "1.2.0-0123456")


def test_a_release_keeps_its_short_name_when_its_commit_is_run_again(desk: Desk, source: Path) -> None:
    desk.tags = {COMMIT_TAG: BUILT, "v1.2.0-0123456": BUILT, f"commit-{'0123456'.ljust(40, 'f')}": OTHER}
    assert build(desk, source)["RELEASE_TAG"] == "v1.2.0-0123456"


def test_a_run_that_pushes_second_uses_the_image_of_the_first(desk: Desk, source: Path) -> None:
    (desk.folder / "race").write_text(OTHER)
    assert build(desk, source)["IMAGE"] == f"{URI}@{OTHER}"


def test_a_version_names_its_first_image(desk: Desk, source: Path) -> None:
    desk.tags = {"1.2.0": OTHER}
    _, printed = desk.run("image", source, REPOSITORY_URI=URI, COMMIT=COMMIT, BRANCH="main", TAGS="{version} {sha}")
    assert f"1.2.0 stays {OTHER}: a version names one image. Raise it in pyproject.toml." in printed
    assert (desk.tags["1.2.0"], desk.tags[COMMIT], desk.tags[COMMIT_TAG]) == (OTHER, BUILT, BUILT)


def test_a_released_version_is_not_built_again_for_the_main_branch(desk: Desk, source: Path) -> None:
    desk.tags = {"v1.2.0": OTHER}
    assert f"v1.2.0 is released already, as {OTHER}; raise the version in pyproject.toml" in refused(
        desk, source, RELEASE_TAG="v{version}"
    )
    assert not desk.calls("docker", "buildx", "build")


@pytest.mark.parametrize("values", [{"BRANCH": "feature/x"}, {"COMMIT": "f" * 40}])
def test_a_released_version_may_be_built_on_a_branch_and_run_again(
    desk: Desk, source: Path, values: dict[str, str]
) -> None:
    desk.tags = {"v1.2.0": OTHER, f"commit-{'f' * 40}": OTHER}
    build(desk, source, RELEASE_TAG="v{version}", **values)


def test_an_immutable_branch_tag_does_not_fail_the_build(desk: Desk, source: Path) -> None:
    desk.only_these_move("layers-*")
    desk.tags = {"main": OTHER}
    build(desk, source, TAGS="{branch}", REPOSITORY_OF="branches")
    assert desk.tags["main"] == OTHER


def test_an_immutable_tag_that_should_move_is_explained(desk: Desk, source: Path) -> None:
    desk.only_these_move("layers-*")
    desk.tags = {"latest": OTHER}
    printed = refused(desk, source, TAGS="{sha} latest")
    assert "cannot move the tag latest. If the repository's tags are immutable, except this one" in printed


def test_a_secret_appears_in_no_argument_and_no_line_of_the_log(
    desk: Desk, source: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NPM_TOKEN", "the-value-of-the-secret")
    _, printed = desk.run("image", source, REPOSITORY_URI=URI, COMMIT=COMMIT, BRANCH="main", BUILD_SECRETS="npm_token")
    assert "the-value-of-the-secret" not in printed + (desk.folder / "calls").read_text()
    assert "id=npm_token,env=NPM_TOKEN" in desk.calls("docker", "buildx", "build")[0]


def test_a_secret_that_a_dockerfile_prints_is_not_in_the_log(
    desk: Desk, source: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NPM_TOKEN", "the-value-of-the-secret")
    desk.install("docker", "if words[:2] == ['buildx', 'build']: print('token', os.environ['NPM_TOKEN'])\n" + DOCKER)
    _, printed = desk.run("image", source, REPOSITORY_URI=URI, COMMIT=COMMIT, BRANCH="main", BUILD_SECRETS="npm_token")
    assert "token ***" in printed
    assert "the-value-of-the-secret" not in printed


@pytest.mark.parametrize(
    ("said", "advice"),
    [
        (
            "toomanyrequests: You have reached your unauthenticated pull rate limit.",
            "The image registry's rate limit is",
        ),
        ("ERROR: failed to reach build target production in Dockerfile", "The Dockerfile has no stage production."),
        ("write /var/lib/docker/tmp: no space left on device", "The disk of the build machine is full."),
        ("the builder fails", "docker says why above. At your desk: docker build --file ./Dockerfile ."),
    ],
)
def test_a_failed_build_names_the_cause_that_docker_gives(desk: Desk, source: Path, said: str, advice: str) -> None:
    desk.install("docker", f"if words[:2] == ['buildx', 'build']: sys.exit({said!r})\n" + DOCKER)
    printed = refused(desk, source)
    assert said in printed
    assert f"FAILED: ./Dockerfile cannot be built. {advice}" in printed


def test_a_dockerfile_may_be_in_another_folder_than_what_it_builds(desk: Desk, source: Path) -> None:
    (source / "compose" / "production" / "django").mkdir(parents=True)
    (source / "compose" / "production" / "django" / "Dockerfile").write_text("FROM scratch\n")
    given = {"CONTEXT": ".", "DOCKERFILE": "./compose/production/django/Dockerfile"}
    build(desk, source, **given, BUILD_ARGS="BUILD_ENVIRONMENT=production")
    (call,) = desk.calls("docker", "buildx", "build")
    assert call[call.index("--file") + 1] == "././compose/production/django/Dockerfile"
    assert call[-1] == "."
    assert "BUILD_ENVIRONMENT=production" in call


@pytest.mark.parametrize("arguments", ["A=1 B=2", "A=1\nB=two words"])
def test_build_arguments_are_words_or_lines(desk: Desk, source: Path, arguments: str) -> None:
    build(desk, source, BUILD_ARGS=arguments, TARGET="production", PLATFORM="linux/arm64")
    (call,) = desk.calls("docker", "buildx", "build")
    used = [call[index + 1] for index, word in enumerate(call) if word == "--build-arg"]
    assert used == ["A=1", arguments[4:]]
    assert call[call.index("--target") + 1] == "production"
    assert call[call.index("--platform") + 1] == "linux/arm64"


def test_fields_of_build_arguments_are_filled_and_other_braces_stay(desk: Desk, source: Path) -> None:
    given = 'VERSION={version}\nCOMMIT={sha} {sha7} {branch}\nFLAGS={"dark": {}}\n'
    build(desk, source, BUILD_ARGS=given, BRANCH="feature/x")
    (call,) = desk.calls("docker", "buildx", "build")
    used = [call[index + 1] for index, word in enumerate(call) if word == "--build-arg"]
    assert used == ["VERSION=1.2.0", f"COMMIT={COMMIT} {COMMIT[:7]} feature-x", 'FLAGS={"dark": {}}']


def test_a_candidate_gets_only_tags_with_its_commit(desk: Desk, source: Path) -> None:
    tags = "{version} {version}-{sha7} latest {branch}"
    build(desk, source, REPOSITORY_OF="candidates", TAGS=tags, BRANCH="main")
    assert labels(desk.tags) == {f"1.2.0-{COMMIT[:7]}"}


def test_without_buildx_the_old_builder_is_used_and_the_log_says_so(desk: Desk, source: Path) -> None:
    (desk.folder / "no-buildx").touch()
    result, printed = desk.run("image", source, REPOSITORY_URI=URI, COMMIT=COMMIT, BRANCH="main")
    assert result.succeeded
    assert "No docker buildx here: built by the old builder" in printed
    assert desk.calls("docker", "build")


def test_the_region_is_that_of_the_registry(desk: Desk, source: Path) -> None:
    build(desk, source)
    calls = desk.calls("aws", "ecr")
    assert calls
    assert all(call[call.index("--region") + 1] == "us-east-1" for call in calls)


PACKAGES = {
    "var/lib/dpkg/status": "Package: libc6\nArchitecture: arm64\nVersion: 2.41-12\n\nPackage: zlib1g\nVersion: 1:1.3\n",
    "lib/apk/db/installed": "P:musl\nV:1.2.5-r0\n\n",
    "venv/lib/python3.13/site-packages/Django-5.2.dist-info/METADATA": (
        "Metadata-Version: 2.1\nName: Django\nVersion: 5.2\n\nVersion: not this\n"
    ),
    "app/node_modules/@scope/tool/package.json": '{"name": "@scope/tool", "version": "1.0.0"}',
    "app/package.json": '{"name": "mine", "version": "9"}',
}


def packages(desk: Desk, source: Path) -> dict[str, Any]:
    """Runs the build; returns its list of packages."""
    build(desk, source)
    found: dict[str, Any] = json.loads((desk.folder / "output" / "sbom.cdx.json").read_text())
    return found


def test_the_packages_in_the_image_are_listed_as_cyclonedx(desk: Desk, source: Path) -> None:
    for path, text in PACKAGES.items():
        file = desk.folder / "root" / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)

    found = packages(desk, source)

    assert (found["bomFormat"], found["specVersion"]) == ("CycloneDX", "1.6")
    assert found["metadata"]["component"] == {"type": "container", "name": URI, "version": BUILT}
    assert found["metadata"]["properties"] == []
    assert {component["purl"] for component in found["components"]} == {
        "pkg:deb/debian/libc6@2.41-12",
        "pkg:deb/debian/zlib1g@1%3A1.3",
        "pkg:apk/alpine/musl@1.2.5-r0",
        "pkg:pypi/django@5.2",
        "pkg:npm/%40scope/tool@1.0.0",
    }


def test_an_incomplete_list_of_packages_says_so_and_does_not_fail_the_build(desk: Desk, source: Path) -> None:
    (desk.folder / "no-image").touch()

    found = packages(desk, source)

    assert found["components"] == []
    assert found["metadata"]["properties"] == [{"name": "slipway:incomplete", "value": "docker create failed"}]


def test_a_snapshot_of_a_released_version_is_built_and_keeps_its_own_names(desk: Desk, source: Path) -> None:
    """Another pipeline releases it, and refuses the version there."""
    desk.tags = {"v1.2.0": OTHER}
    given = {"REPOSITORY_OF": "snapshots", "BRANCH": "dev", "MAIN_BRANCH": "dev", "RELEASE_TAG": "v{version}"}

    exported = build(desk, source, TAGS="{version}-SNAPSHOT-{sha7}", **given)

    assert exported["IMAGE"].endswith(BUILT)
    assert (desk.tags["v1.2.0"], desk.tags[f"1.2.0-SNAPSHOT-{COMMIT[:7]}"]) == (OTHER, BUILT)


def test_only_its_branch_builds_snapshots(desk: Desk, source: Path) -> None:
    given = {"REPOSITORY_OF": "snapshots", "BRANCH": "feature/x", "MAIN_BRANCH": "dev"}

    assert "holds what dev built, and BRANCH is 'feature/x'" in refused(desk, source, **given)


WAITING = "111122223333.dkr.ecr.us-east-1.amazonaws.com/allthrive/builds/backend"
"""Where images are pushed whose tests still run."""


def waiting(desk: Desk, source: Path, **values: str) -> dict[str, str]:
    """Runs the build beside the tests; returns the exported variables."""
    return build(desk, source, **{"REPOSITORY_URI": WAITING, "PUBLISHED_URI": URI} | values)


def test_an_image_whose_tests_still_run_gets_no_tag_where_releases_come_from(desk: Desk, source: Path) -> None:
    desk.tags = {"latest": OTHER}

    exported = waiting(desk, source, TAGS="{version} {version}-{sha7} latest {branch}")

    assert desk.tags == {"latest": OTHER}
    assert labels(desk.repositories["allthrive/builds/backend"]) == set()
    assert desk.repositories["allthrive/builds/backend"][COMMIT_TAG] == BUILT
    assert exported["IMAGE"] == f"{WAITING}@{BUILT}"
    assert exported["PUBLISHED_TAGS"].split() == [
        f"label:{COMMIT_TAG}",
        "label:1.2.0-0123456",
        "first:1.2.0",
        "moved:latest",
        "moved:main",
    ]


def test_a_branchs_own_tag_is_tried_and_never_required(desk: Desk, source: Path) -> None:
    exported = waiting(desk, source, TAGS="{branch} latest", BRANCH="feature/x", REPOSITORY_OF="branches")

    assert exported["PUBLISHED_TAGS"].split() == [f"label:{COMMIT_TAG}", "tried:feature-x"]


def test_a_commit_that_was_published_is_not_built_again(desk: Desk, source: Path) -> None:
    desk.tags = {COMMIT_TAG: OTHER}

    exported = waiting(desk, source)

    assert exported["IMAGE"] == f"{URI}@{OTHER}"
    assert desk.calls("docker", "push") == []
    assert "allthrive/builds/backend" not in desk.repositories


def test_an_image_that_waited_for_failed_tests_is_not_built_again(desk: Desk, source: Path) -> None:
    desk.tags = {}
    (desk.folder / "tags.json").write_text(json.dumps({"allthrive/builds/backend": {COMMIT_TAG: OTHER}}))

    exported = waiting(desk, source)

    assert exported["IMAGE"] == f"{WAITING}@{OTHER}"
    assert desk.calls("docker", "push") == []


def test_a_version_that_was_released_stops_the_build_beside_the_tests(desk: Desk, source: Path) -> None:
    desk.tags = {"v1.2.0": OTHER}

    printed = refused(
        desk, source, REPOSITORY_URI=WAITING, PUBLISHED_URI=URI, RELEASE_TAG="v{version}", REPOSITORY_OF="main"
    )

    assert "v1.2.0 is released already" in printed
