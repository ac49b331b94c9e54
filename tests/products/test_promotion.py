"""A flow that releases what another flow built: its stages, its repository, and the messages about mistakes."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import pytest
import yaml

from products.flows import Delivery, Kind, branches_publish, branches_reach, deliveries
from products.image_tags import branch_moving_tags, moving_tags
from tests.support.manifests import REMOVED, complaints, manifest, product

DEV, MAIN = "pipeline.flows.dev", "pipeline.flows.main"
PROMOTED: dict[str, Any] = {
    "pipeline.release_tag": "v{version}",
    "pipeline.git_tag": "{version}",
    "pipeline.tags": ["{version}-SNAPSHOT-{sha7}", "{branch}"],
    "pipeline.flows": {
        "dev": {"branches": ["dev"], "stages": ["test", "publish", "staging"]},
        "main": {"branches": ["main"], "images_from": "dev", "stages": ["test", "release", "production"]},
    },
    "pipeline.checks.browser.flows": ["main"],
}


def with_changes(changes: dict[str, Any]) -> dict[str, Any]:
    return {**copy.deepcopy(PROMOTED), **changes}


def flow(name: str, **changes: Any) -> Delivery:
    (found,) = [found for found in deliveries(product(with_changes(changes))) if found.flow_name == name]
    return found


def test_the_documented_order_is_release_promotion_deployment() -> None:
    main = flow("main")

    assert [stage.name for stage in main.stages] == ["Source", "Test", "Snapshot", "Release", "Approval", "Production"]
    assert [(action.name, action.run_order) for action in main.stages[3].actions] == [("GitHub", 1), ("Promote", 2)]


def test_a_flow_that_takes_images_builds_none_and_collects_everything_else_of_the_commit() -> None:
    snapshot = flow("main").stage("Snapshot")

    assert snapshot is not None
    assert [(action.kind, action.run_order) for action in snapshot.actions] == [
        (Kind.FIND, 1),
        (Kind.BUNDLE, 1),
        (Kind.SCAN, 2),
    ]
    assert snapshot.actions[0].subject == "dev"


def test_images_that_are_released_are_not_among_those_of_branches() -> None:
    promoted = product(with_changes({}))

    assert [(found.flow_name, found.origin) for found in deliveries(promoted)] == [("dev", "main"), ("main", "main")]
    assert (branches_publish(promoted), branches_reach(promoted, "staging")) == (False, False)
    assert moving_tags(promoted) == ["latest", "dev", "layers-*", "in-use-*"]
    assert branch_moving_tags(promoted) == ["layers-*", "in-use-*"]


def test_a_feature_branch_beside_it_still_has_its_own_repository() -> None:
    flows = {**PROMOTED["pipeline.flows"], "feature": {"branches": ["feature/**"], "stages": ["publish", "staging"]}}
    promoted = product(with_changes({"pipeline.flows": flows}))

    assert {found.flow_name: found.origin for found in deliveries(promoted)}["feature"] == "branches"
    assert branches_reach(promoted, "staging")


def test_a_merged_pull_request_may_start_it_instead() -> None:
    main = flow("main", **{f"{MAIN}.branches": REMOVED, f"{MAIN}.merged_pull_requests_to": ["main"]})

    assert (main.of_main, main.mode) == (True, "queued")


BAD: list[tuple[str, dict[str, Any], str]] = [
    (
        "no such flow",
        {f"{MAIN}.images_from": "dve"},
        f"{MAIN}.images_from: no other flow 'dve'; did you mean 'dev'?",
    ),
    (
        "images of itself",
        {f"{MAIN}.images_from": "main"},
        f"{MAIN}.images_from: no other flow 'main'; write one of: dev",
    ),
    (
        "images twice",
        {f"{MAIN}.stages": ["publish", "release"]},
        f"{MAIN}.stages: the images are those of flow 'dev'; remove 'publish'",
    ),
    (
        "a source that builds nothing",
        {f"{DEV}.stages": ["test"]},
        f"{DEV}.stages: another flow takes its images from here; write 'publish', and no images_from",
    ),
    (
        "a source of many branches",
        {f"{DEV}.branches": ["dev/*"]},
        (
            f"{DEV}.branches: another flow releases the images of this one, so one branch by its full name must start "
            "it, which you protect like the repository's; write e.g. branches: [dev]"
        ),
    ),
    (
        "a source of pull requests",
        {f"{DEV}.branches": REMOVED, f"{DEV}.pull_requests_to": ["main"], f"{DEV}.stages": ["test", "publish"]},
        (
            f"{DEV}.branches: another flow releases the images of this one, so one branch by its full name must start "
            "it, which you protect like the repository's; write e.g. branches: [dev]"
        ),
    ),
    (
        "a release of a branch",
        {f"{MAIN}.branches": ["next"]},
        (
            f"{MAIN}.images_from: only what main contains is released; write branches: [main], or "
            "merged_pull_requests_to: [main]"
        ),
    ),
    (
        "a release's tag with a commit",
        {"pipeline.release_tag": "v{version}-{sha7}"},
        (
            "pipeline.release_tag: got 'v{version}-{sha7}'; flow 'dev' built the image of another commit than is "
            "released, so the version alone names a release: write v{version}"
        ),
    ),
    (
        "a git tag without a version",
        {"pipeline.git_tag": "release"},
        "pipeline.git_tag: got 'release'; write a text with {version}, e.g. {version}",
    ),
    (
        "public images in another region",
        {"images.backend": {"public": True}, "tooling": {"region": "eu-west-1"}},
        (
            "images.backend.public: ECR Public takes images in us-east-1 only, and the product's registry is in "
            "eu-west-1; remove it"
        ),
    ),
    (
        "public images without a release",
        {"images.backend": {"public": True}, f"{MAIN}.stages": ["production"]},
        "images.backend.public: no flow has the stage 'release', so nothing would be public; remove it",
    ),
    (
        "a merged pull request that would build",
        {
            f"{MAIN}.images_from": REMOVED,
            f"{MAIN}.branches": REMOVED,
            f"{MAIN}.merged_pull_requests_to": ["main"],
            f"{MAIN}.stages": ["publish", "release"],
        },
        (
            f"{MAIN}.merged_pull_requests_to: CodePipeline takes the newest commit of the merged branch, so such a "
            "flow can only release what another one built; write images_from too, or branches instead"
        ),
    ),
]


@pytest.mark.parametrize(("changes", "message"), [case[1:] for case in BAD], ids=[case[0] for case in BAD])
def test_a_message_says_what_to_write_instead(tmp_path: Path, changes: dict[str, Any], message: str) -> None:
    text = yaml.safe_dump(manifest(with_changes(changes)), sort_keys=False)

    assert message in [line.partition(" ")[2] for line in complaints(tmp_path, text)]
