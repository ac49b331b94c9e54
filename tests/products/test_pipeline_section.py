"""The loader's messages about a `pipeline:` section that would fail or do harm on a push."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from products.flows import Delivery, Kind, branches_publish, branches_reach, deliveries, of_main, pull_requests_publish
from products.image_tags import branch_moving_tags, candidate_moving_tags, moving_tags
from products.pipeline import Flow
from tests.support.manifests import REMOVED, complaints, manifest, product

FEATURE, MAIN, PULL = "pipeline.flows.feature", "pipeline.flows.main", "pipeline.flows.pull-request"

LONG = "the parser of fonts is never reached: uploads are images"
# (name of the case, changes to AllThrive's manifest, key in the message, rest of the message)
BAD: list[tuple[str, dict[str, Any], str, str]] = [
    (
        "an accepted finding without a reason",
        {"pipeline.scan.accepted": [{"id": "CVE-2026-1", "until": "2026-12-31"}]},
        "pipeline.scan.accepted.0.reason",
        "missing",
    ),
    (
        "an accepted finding without a last day",
        {"pipeline.scan.accepted": [{"id": "CVE-2026-1", "reason": LONG}]},
        "pipeline.scan.accepted.0.until",
        "missing",
    ),
    (
        "an accepted finding with a reason of one word",
        {"pipeline.scan.accepted": [{"id": "CVE-2026-1", "reason": "no", "until": "2026-12-31"}]},
        "pipeline.scan.accepted.0.reason",
        "got 'no'; write it like the parser of fonts is never reached: uploads are images",
    ),
    (
        "an accepted finding until a day that does not exist",
        {"pipeline.scan.accepted": [{"id": "CVE-2026-1", "reason": LONG, "until": "2026-02-30"}]},
        "pipeline.scan.accepted.0.until",
        "'2026-02-30' is not a date; write the last day like 2026-12-31",
    ),
    (
        "a finding accepted twice",
        {
            "pipeline.scan.accepted": [
                {"id": "CVE-2026-1", "reason": LONG, "until": until} for until in ("2026-12-31", "2027-01-31")
            ]
        },
        "pipeline.scan.accepted.1.id",
        "'CVE-2026-1' is listed twice; remove one of them",
    ),
    (
        "a check with containers on Lambda compute",
        {"pipeline.checks.seo.docker": True, "pipeline.checks.seo.compute": "lambda"},
        "pipeline.checks.seo.compute",
        "'lambda' runs no containers; write docker: false, if the build needs none, or compute: small",
    ),
    (
        "a check with the name of an image's build",
        {"pipeline.checks.build-backend": {"build": "backend"}},
        "pipeline.checks.build-backend",
        "the stage Test has an action BuildBackend already; rename the check",
    ),
    (
        "an unknown stage, with the closest known one",
        {f"{FEATURE}.stages": ["test", "publsh"]},
        f"{FEATURE}.stages",
        "unknown stage 'publsh'; did you mean 'publish'?",
    ),
    (
        "a stage listed twice",
        {f"{FEATURE}.stages": ["test", "publish", "staging", "staging"]},
        f"{FEATURE}.stages",
        "'staging' is listed twice; remove one of them",
    ),
    (
        "an E2E stage before every environment",
        {f"{FEATURE}.stages": ["test", "publish", "e2e", "staging"]},
        f"{FEATURE}.stages",
        "'e2e' has no environment to test; write the environment before it",
    ),
    (
        "an E2E stage without tests",
        {"pipeline.e2e": REMOVED, f"{MAIN}.stages": ["test", "publish", "staging", "production"]},
        "pipeline.e2e",
        "missing; the stage 'e2e' needs it, e.g. e2e: {directory: e2e}",
    ),
    (
        "an environment without images",
        {f"{FEATURE}.stages": ["test", "staging"]},
        f"{FEATURE}.stages",
        "'staging' needs images; write 'publish' before it",
    ),
    (
        "an approval without anybody to notify",
        {"pipeline.notifications": {}},
        "environments.production.approval",
        (
            "nobody would be notified of the approval; write emails, slack_secret or discord_secret under "
            "pipeline.notifications"
        ),
    ),
    (
        "a tag pattern with an unknown field",
        {"pipeline.tags": ["{comit}"]},
        "pipeline.tags.0",
        "unknown field '{comit}'; write one of: branch, sha, sha7, version",
    ),
    (
        "a tag pattern with an unclosed brace",
        {"pipeline.tags": ["{sha"]},
        "pipeline.tags.0",
        "got '{sha', which is not a valid pattern (expected '}' before end of string); write e.g. {version}-{sha7}",
    ),
    (
        "a tag with a character that registries refuse",
        {"pipeline.tags": ["{branch}/{sha}"]},
        "pipeline.tags.0",
        "got '{branch}/{sha}'; a tag may contain letters, digits, '.', '_' and '-'",
    ),
    (
        "a tag that begins with a dot",
        {"pipeline.tags": [".{sha}"]},
        "pipeline.tags.0",
        "got '.{sha}'; a tag must begin with a letter, a digit, '_' or a field",
    ),
    (
        "a field with a format",
        {"pipeline.tags": ["{sha:.7}"]},
        "pipeline.tags.0",
        "got '{sha:.7}'; write only the field's name in braces, e.g. {sha7}",
    ),
    (
        "a release of a feature branch",
        {f"{FEATURE}.stages": ["test", "publish", "release"]},
        f"{FEATURE}.stages",
        (
            "'release' publishes images of main, under tags that cannot be used again; remove 'release' here, only the "
            "flow with branches: [main] may have it"
        ),
    ),
    (
        "branches whose tags would make every tag mutable",
        {f"{FEATURE}.branches": ["*/**"], "pipeline.tags": ["{branch}"]},
        "pipeline.tags",
        (
            "the branches' tags match ECR's pattern '*-*', which would make every tag mutable, including the one that "
            "names a commit's image; narrow the branches, e.g. feature/**, or leave {branch} out"
        ),
    ),
    *(
        (
            f"builds whose tag {tag} may begin with {prefix}",
            {"pipeline.tags": ["{sha}", tag], **({f"{FEATURE}.branches": [branch]} if branch else {})},
            "pipeline.tags.1",
            (
                f"got '{tag}', which may begin with '{prefix}': Slipway puts such tags on images in use, and the "
                "registry keeps them; write a tag that begins with another text, e.g. {version}-{sha7}"
            ),
        )
        for tag, prefix, branch in (
            ("in-use-{sha}", "in-use-", ""),
            ("entered-{version}", "entered-", ""),
            ("{branch}", "in-use-", "in-use-*/**"),
            ("in-use-{branch}", "in-use-", ""),
        )
    ),
    (
        "release tags like those of images in use",
        {"pipeline.release_tag": "in-use-{version}"},
        "pipeline.release_tag",
        (
            "got 'in-use-{version}', which may begin with 'in-use-': Slipway puts such tags on images in use, and the "
            "registry keeps them; write a tag that begins with another text, e.g. {version}-{sha7}"
        ),
    ),
    (
        "one release tag for all releases",
        {"pipeline.release_tag": "released"},
        "pipeline.release_tag",
        "got 'released', which is the same for every release; write e.g. v{version}",
    ),
    (
        "release tags that the registry cannot distinguish from other tags",
        {"pipeline.release_tag": "{version}-{sha7}"},
        "pipeline.release_tag",
        (
            "got '{version}-{sha7}'; the registry recognizes releases by the text that their tags begin with, so begin "
            "with a fixed text, e.g. v{version}"
        ),
    ),
    *(
        (
            f"builds whose tag {tag} may begin like a release tag",
            {"pipeline.release_tag": release, "pipeline.tags": [tag]},
            "pipeline.release_tag",
            (
                f"got '{release}'; the registry keeps '{prefix}*' forever, and the tag '{tag}' of each build may begin "
                "with the same text: no image would expire. Begin release tags with another text, e.g. release-"
            ),
        )
        for release, prefix, tag in (
            ("v{version}", "v", "v{sha}"),
            ("b{version}", "b", "{sha}"),
            ("1.{sha}", "1.", "{version}-{sha7}"),
            ("ma{version}", "ma", "{branch}"),
            ("nightly-{version}", "nightly-", "nightly-{sha7}"),
        )
    ),
    (
        "a feature branch pattern that matches main",
        {f"{FEATURE}.branches": ["**"]},
        f"{FEATURE}.branches",
        "'**' matches main, but flow 'main' builds it; narrow the pattern, e.g. feature/**",
    ),
    (
        "a branch filter that can reach production",
        {f"{MAIN}.branches": ["release/*"]},
        f"{MAIN}.branches",
        (
            "got release/*, which could reach production (deletion_protection or approval: true); write branches: "
            "[main], or remove production from stages"
        ),
    ),
    (
        "git tags that reach production",
        {f"{MAIN}.branches": [], f"{MAIN}.tags": ["v*"]},
        f"{MAIN}.tags",
        (
            "got v*, which could reach production (deletion_protection or approval: true); write branches: [main], "
            "or remove production from stages"
        ),
    ),
    (
        "a pull request that is deployed",
        {f"{PULL}.stages": ["test", "publish", "staging"]},
        f"{PULL}.stages",
        (
            "the code of a pull request is not trusted until it is merged; remove 'staging', only test and publish may "
            "be there"
        ),
    ),
    (
        "a flow that nothing starts",
        {f"{FEATURE}.branches": []},
        FEATURE,
        "nothing starts this flow; write one of branches, tags, pull_requests_to",
    ),
    (
        "a flow with two kinds of triggers",
        {f"{FEATURE}.tags": ["x*"]},
        FEATURE,
        "got branches and tags; write one of branches, tags, pull_requests_to",
    ),
    (
        "a file filter for tags",
        {f"{FEATURE}.branches": [], f"{FEATURE}.tags": ["x*"], f"{FEATURE}.paths": ["backend/**"]},
        f"{FEATURE}.paths",
        "CodePipeline does not filter pushes of tags by file; remove it",
    ),
    (
        "parallel deployments",
        {f"{FEATURE}.mode": "parallel"},
        f"{FEATURE}.mode",
        "CodePipeline cannot roll back parallel runs; write queued",
    ),
    (
        "a check without a build and a buildspec",
        {"pipeline.checks.seo": {"variables": {}}},
        "pipeline.checks.seo",
        "write either build (one of Slipway's) or buildspec (a file of the repository)",
    ),
    (
        "a check of an unknown flow",
        {"pipeline.checks.browser.flows": ["pull-requests"]},
        "pipeline.checks.browser.flows",
        "no such flow 'pull-requests'; did you mean 'pull-request'?",
    ),
    (
        "a Test stage without a check",
        {"pipeline.checks": {"backend": {"build": "backend", "flows": ["main"]}}},
        f"{FEATURE}.stages",
        "'test' has no check that runs in flow 'feature'; add 'feature' to the flows of a check under pipeline.checks",
    ),
    (
        "a timeout of an unknown stage",
        {"pipeline.timeouts": {"stagign": 20}},
        "pipeline.timeouts.stagign",
        "unknown stage; did you mean 'staging'?",
    ),
    (
        "too few minutes for a deployment",
        {"pipeline.timeouts": {"staging": 20}},
        "pipeline.timeouts.staging",
        (
            "20 minutes leave -18 for the deployment itself, which needs at least 5: raise it to 43, or lower "
            "migration.timeout_minutes"
        ),
    ),
    (
        "too few minutes for two builds",
        {"pipeline.timeouts": {"publish": 8}},
        "pipeline.timeouts.publish",
        "got 8 minutes for 2 builds, one after the other; a build needs at least 5: write 10 or more",
    ),
    (
        "environments with two architectures",
        {"environments.staging.architecture": "x86_64"},
        "environments",
        (
            "got architectures staging x86_64, production arm64; images are built once, so write the same architecture "
            "for all environments"
        ),
    ),
    (
        "an unknown key",
        {"pipeline.notifications.email": ["ops@allthrive.ai"]},
        "pipeline.notifications.email",
        "unknown key; did you mean 'emails'?",
    ),
    (
        "a connection that is not an ARN",
        {"pipeline.connection": "github"},
        "pipeline.connection",
        (
            "got 'github'; write it like arn:aws:codeconnections:us-east-1:111122223333:connection/"
            "0f1e2d3c-0000-4000-8000-000000000000"
        ),
    ),
    (
        "an environment with the name of a stage",
        {"environments.test": manifest()["environments"]["staging"]},
        "environments.test",
        "the pipeline has a stage with this name; give the environment another",
    ),
]


def messages(folder: Path, changes: dict[str, Any]) -> list[str]:
    lines = complaints(folder, yaml.safe_dump(manifest(changes), sort_keys=False))
    return [line.partition(" ")[2] for line in lines]


@pytest.mark.parametrize(("changes", "key", "message"), [case[1:] for case in BAD], ids=[case[0] for case in BAD])
def test_a_message_names_the_key_what_was_found_and_what_to_write(
    tmp_path: Path, changes: dict[str, Any], key: str, message: str
) -> None:
    assert f"{key}: {message}" in messages(tmp_path, changes)


def test_too_many_mutable_tags_are_refused(tmp_path: Path) -> None:
    changes = {"pipeline.tags": ["{sha}", "{branch}"], f"{FEATURE}.branches": [f"{letter}/*" for letter in "abcde"]}

    (message,) = messages(tmp_path, changes)

    assert message.startswith("pipeline.tags: a-*, b-*, c-*, d-*, e-*, layers-*, in-use-* would be mutable;")


def test_more_images_than_an_action_can_be_passed_are_refused(tmp_path: Path) -> None:
    images: dict[str, Any] = {f"image-{letter}": {} for letter in "abcdefgh"}

    assert messages(tmp_path, {"images": {"backend": {}, **images}}) == [
        "images: got 9, more than CodePipeline can pass to one deployment action; merge some of them"
    ]


def main_delivery(changes: dict[str, Any]) -> Delivery:
    return next(delivery for delivery in deliveries(product(changes)) if delivery.flow_name == "main")


def test_with_before_deploy_the_new_image_migrates_before_any_service_changes() -> None:
    production = main_delivery({"migration.when": "before_deploy"}).stage("Production")

    assert production is not None
    assert [action.name for action in production.actions][:3] == ["Prepare", "Migrate", "Deploy"]


def test_each_of_two_approvals_has_its_own_stage() -> None:
    main = main_delivery({"environments.staging.approval": True, f"{FEATURE}.stages": ["test"]})

    assert [stage.name for stage in main.stages if stage.name.startswith("Approv")] == [
        "ApproveStaging",
        "ApproveProduction",
    ]


def test_only_tags_that_follow_the_newest_build_are_mutable() -> None:
    changed = {"pipeline.tags": ["{version}", "{version}-{sha7}", "latest", "{branch}", "nightly"]}

    assert moving_tags(product(changed)) == ["latest", "nightly", "main", "layers-*", "in-use-*"]
    assert branch_moving_tags(product(changed)) == ["feature-*", "layers-*", "in-use-*"]
    assert moving_tags(product({"pipeline": REMOVED})) == ["latest", "in-use-*"]


def test_a_tag_with_a_branch_and_a_version_is_mutable() -> None:
    changed = {"pipeline.tags": ["{branch}-{version}", "{branch}-{sha7}"]}

    assert moving_tags(product(changed)) == ["latest", "main-*", "layers-*", "in-use-*"]
    assert branch_moving_tags(product(changed)) == ["feature-*-*", "layers-*", "in-use-*"]


@pytest.mark.parametrize(
    ("trigger", "expected"),
    [
        ({"branches": ["main"]}, True),
        ({"branches": ["main", "feature/**"]}, False),
        ({"branches": ["m*n"]}, False),
        ({"tags": ["v*"]}, False),
        ({"pull_requests_to": ["main"]}, False),
    ],
)
def test_only_a_flow_of_the_repositorys_branch_by_its_full_name_builds_main(
    trigger: dict[str, list[str]], expected: bool
) -> None:
    flow = Flow.model_validate({**trigger, "stages": ["publish"]}, strict=False)

    assert of_main(product(), flow) is expected


def test_an_environment_that_only_main_reaches_needs_no_images_of_other_branches() -> None:
    without = product({f"{FEATURE}.stages": ["test"]})

    assert (branches_publish(product()), branches_publish(without)) == (True, False)
    assert [name for name in ("staging", "production") if branches_reach(product(), name)] == ["staging"]
    assert [name for name in ("staging", "production") if branches_reach(without, name)] == []


def test_images_of_pull_requests_are_candidates_and_no_images_of_branches() -> None:
    changed = product({f"{PULL}.stages": ["publish"], f"{FEATURE}.stages": ["test"]})
    (pull, *_) = deliveries(changed)

    assert (pull_requests_publish(product()), pull_requests_publish(changed)) == (False, True)
    assert not branches_publish(changed)
    assert (pull.origin, [action.kind for action in pull.stages[1].actions]) == ("candidates", [Kind.IMAGE])
    assert candidate_moving_tags() == ["layers-*"]
