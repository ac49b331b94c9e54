"""What is said about a `pipeline:` section that would fail, or harm, when a push comes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from products.flows import branch_moving_tags, branches_publish, branches_reach, deliveries, moving_tags, of_main
from products.pipeline import Flow
from tests.support.manifests import REMOVED, complaints, manifest, product

FEATURE, MAIN, PULL = "pipeline.flows.feature", "pipeline.flows.main", "pipeline.flows.pull-request"

LONG = "the parser of fonts is never reached: uploads are images"
# (what is wrong, as the reader of the report sees it; the change; where; the beginning of what is said; its end)
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
        "an accepted finding with a label for a reason",
        {"pipeline.scan.accepted": [{"id": "CVE-2026-1", "reason": "no", "until": "2026-12-31"}]},
        "pipeline.scan.accepted.0.reason",
        "got 'no'; write it like the parser of fonts is never reached: uploads are images",
    ),
    (
        "an accepted finding until a day that there is not",
        {"pipeline.scan.accepted": [{"id": "CVE-2026-1", "reason": LONG, "until": "2026-02-30"}]},
        "pipeline.scan.accepted.0.until",
        "'2026-02-30' is no day; write the last one as 2026-12-31",
    ),
    (
        "a finding accepted twice",
        {
            "pipeline.scan.accepted": [
                {"id": "CVE-2026-1", "reason": LONG, "until": until} for until in ("2026-12-31", "2027-01-31")
            ]
        },
        "pipeline.scan.accepted.1.id",
        "'CVE-2026-1' stands twice; keep the one that is right",
    ),
    (
        "an unknown stage, with the nearest right one",
        {f"{FEATURE}.stages": ["test", "publsh"]},
        f"{FEATURE}.stages",
        "unknown stage 'publsh'; did you mean 'publish'?",
    ),
    (
        "a stage twice",
        {f"{FEATURE}.stages": ["test", "publish", "staging", "staging"]},
        f"{FEATURE}.stages",
        "'staging' stands twice",
    ),
    (
        "an E2E stage with no address",
        {f"{FEATURE}.stages": ["test", "publish", "e2e", "staging"]},
        f"{FEATURE}.stages",
        "'e2e' has no address; put the environment it drives before it",
    ),
    (
        "an E2E stage with no tests",
        {"pipeline.e2e": REMOVED, f"{MAIN}.stages": ["test", "publish", "staging", "production"]},
        "pipeline.e2e",
        "missing; the stage 'e2e' needs it, e.g. e2e: {directory: e2e}",
    ),
    (
        "an environment without images",
        {f"{FEATURE}.stages": ["test", "staging"]},
        f"{FEATURE}.stages",
        "'staging' needs images; put 'publish' before it",
    ),
    (
        "an approval with nobody to tell",
        {"pipeline.notifications": {}},
        "environments.production.approval",
        (
            "nobody would be asked; write whom to tell under pipeline.notifications: emails, slack_secret or "
            "discord_secret"
        ),
    ),
    (
        "a tag pattern with an unknown field",
        {"pipeline.tags": ["{comit}"]},
        "pipeline.tags.0",
        "unknown field '{comit}'; write one of: branch, sha, sha7, version",
    ),
    (
        "a tag pattern that is none",
        {"pipeline.tags": ["{sha"]},
        "pipeline.tags.0",
        "got '{sha', which is no pattern (expected '}' before end of string); write e.g. {version}-{sha7}",
    ),
    (
        "a tag with a character that no registry takes",
        {"pipeline.tags": ["{branch}/{sha}"]},
        "pipeline.tags.0",
        "got '{branch}/{sha}'; a tag holds letters, digits, '.', '_' and '-'",
    ),
    (
        "a tag that begins with a dot",
        {"pipeline.tags": [".{sha}"]},
        "pipeline.tags.0",
        "got '.{sha}'; a tag begins with a letter, a digit, '_' or a field",
    ),
    (
        "a field with a format",
        {"pipeline.tags": ["{sha:.7}"]},
        "pipeline.tags.0",
        "got '{sha:.7}'; a field stands alone in its braces, e.g. {sha7}",
    ),
    (
        "a release of a feature branch",
        {f"{FEATURE}.stages": ["test", "publish", "release"]},
        f"{FEATURE}.stages",
        (
            "'release' gives out what main built, and its tags are taken for ever; only the flow with branches: [main] "
            "may, so remove 'release' here"
        ),
    ),
    (
        "branches whose tags would let every tag move",
        {f"{FEATURE}.branches": ["*/**"], "pipeline.tags": ["{branch}"]},
        "pipeline.tags",
        (
            "the tags of branches, '*-*' to ECR, would let every tag move, also the one that names a commit's image "
            "for ever; narrow the branches, e.g. feature/**, or leave {branch} out"
        ),
    ),
    (
        "one release tag for all releases",
        {"pipeline.release_tag": "released"},
        "pipeline.release_tag",
        "got 'released', the same for every release; write e.g. v{version}",
    ),
    (
        "releases that the registry cannot tell from other tags",
        {"pipeline.release_tag": "{version}-{sha7}"},
        "pipeline.release_tag",
        (
            "got '{version}-{sha7}'; the registry keeps releases for ever by the text that their tags begin with, so "
            "begin with one, e.g. v{version}"
        ),
    ),
    *(
        (
            f"builds whose tag {tag} may begin as a release's",
            {"pipeline.release_tag": release, "pipeline.tags": [tag]},
            "pipeline.release_tag",
            (
                f"got '{release}'; the registry keeps '{prefix}*' for ever, and each build's tag '{tag}' may begin so, "
                "too: nothing would expire. Begin releases with another text, e.g. release-"
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
        "'**' matches main, which flow 'main' builds; narrow it, e.g. feature/**",
    ),
    (
        "a branch filter that can reach production",
        {f"{MAIN}.branches": ["release/*"]},
        f"{MAIN}.branches",
        (
            "got release/*, which could reach production (deletion_protection or approval: true); only branches: "
            "[main] may, or take production out of stages"
        ),
    ),
    (
        "git tags that reach production",
        {f"{MAIN}.branches": [], f"{MAIN}.tags": ["v*"]},
        f"{MAIN}.tags",
        (
            "got v*, which could reach production (deletion_protection or approval: true); only branches: [main] may, "
            "or take production out of stages"
        ),
    ),
    (
        "a pull request that publishes",
        {f"{PULL}.stages": ["test", "publish"]},
        f"{PULL}.stages",
        "a pull request is a stranger's code until it is merged; remove 'publish'",
    ),
    (
        "a flow that nothing starts",
        {f"{FEATURE}.branches": []},
        FEATURE,
        "nothing starts it; write one of branches, tags, pull_requests_to",
    ),
    (
        "a flow with two kinds of start",
        {f"{FEATURE}.tags": ["x*"]},
        FEATURE,
        "got branches and tags; write one of branches, tags, pull_requests_to",
    ),
    (
        "files of a tag",
        {f"{FEATURE}.branches": [], f"{FEATURE}.tags": ["x*"], f"{FEATURE}.paths": ["backend/**"]},
        f"{FEATURE}.paths",
        "CodePipeline does not look at files when a tag is pushed; remove it",
    ),
    (
        "parallel deployments",
        {f"{FEATURE}.mode": "parallel"},
        f"{FEATURE}.mode",
        "parallel runs cannot be rolled back; write queued",
    ),
    (
        "a check that is neither ours nor the product's",
        {"pipeline.checks.seo": {"variables": {}}},
        "pipeline.checks.seo",
        "name one of build (a build of Slipway) and buildspec (a file of the repository)",
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
        "'test' has no check that runs in flow 'feature'; see pipeline.checks.*.flows",
    ),
    (
        "minutes of an unknown stage",
        {"pipeline.timeouts": {"stagign": 20}},
        "pipeline.timeouts.stagign",
        "unknown stage; did you mean 'staging'?",
    ),
    (
        "too few minutes for a deployment",
        {"pipeline.timeouts": {"staging": 20}},
        "pipeline.timeouts.staging",
        (
            "20 minutes leave -20 for the deployment itself; 5 are needed at least: raise it to 45, or lower "
            "migration.timeout_minutes"
        ),
    ),
    (
        "too few minutes for two steps",
        {"pipeline.timeouts": {"publish": 8}},
        "pipeline.timeouts.publish",
        "8 minutes for 2 steps; a build needs 5 at least",
    ),
    (
        "environments of two architectures",
        {"environments.staging.architecture": "x86_64"},
        "environments",
        "images are built once, for one architecture, but they differ: staging x86_64, production arm64",
    ),
    (
        "an unknown key",
        {"pipeline.notifications.email": ["ops@allthrive.ai"]},
        "pipeline.notifications.email",
        "unknown key; did you mean 'emails'?",
    ),
    (
        "no ARN of a connection",
        {"pipeline.connection": "github"},
        "pipeline.connection",
        (
            "got 'github'; write it like arn:aws:codeconnections:us-east-1:111122223333:connection/"
            "0f1e2d3c-0000-4000-8000-000000000000"
        ),
    ),
    (
        "an environment with a stage's name",
        {"environments.test": manifest()["environments"]["staging"]},
        "environments.test",
        "the name is a stage of the pipeline; give the environment another",
    ),
]


def said(folder: Path, changes: dict[str, Any]) -> list[str]:
    lines = complaints(folder, yaml.safe_dump(manifest(changes), sort_keys=False))
    return [line.partition(" ")[2] for line in lines]


@pytest.mark.parametrize(("changes", "key", "message"), [case[1:] for case in BAD], ids=[case[0] for case in BAD])
def test_it_says_where_what_was_got_and_what_to_write(
    tmp_path: Path, changes: dict[str, Any], key: str, message: str
) -> None:
    assert f"{key}: {message}" in said(tmp_path, changes)


def test_too_many_moving_tags_are_refused(tmp_path: Path) -> None:
    changes = {"pipeline.tags": ["{sha}", "{branch}"], f"{FEATURE}.branches": [f"{letter}/*" for letter in "abcde"]}

    (sentence,) = said(tmp_path, changes)

    assert sentence.startswith("pipeline.tags: a-*, b-*, c-*, d-*, e-*, layers-* would all move;")


def test_more_images_than_an_action_can_be_told_are_refused(tmp_path: Path) -> None:
    images: dict[str, Any] = {f"image-{letter}": {} for letter in "abcdefgh"}

    assert said(tmp_path, {"images": {"backend": {}, **images}}) == [
        "images: 9 are more than CodePipeline carries to one deployment; merge some of them"
    ]


def test_before_deploy_migrates_with_the_new_image_before_any_service_changes() -> None:
    (main,) = [it for it in deliveries(product({"migration.when": "before_deploy"})) if it.flow == "main"]
    production = main.stage("Production")

    assert production is not None
    assert [action.name for action in production.actions][:3] == ["Prepare", "Migrate", "Deploy"]


def test_two_approvals_have_stages_of_their_own() -> None:
    (main,) = [it for it in deliveries(product({"environments.staging.approval": True, f"{FEATURE}.stages": ["test"]}))
               if it.flow == "main"]  # fmt: skip

    assert [stage.name for stage in main.stages if stage.name.startswith("Approv")] == [
        "ApproveStaging",
        "ApproveProduction",
    ]


def test_only_tags_that_follow_the_newest_build_may_move() -> None:
    changed = {"pipeline.tags": ["{version}", "{version}-{sha7}", "latest", "{branch}", "nightly"]}

    assert moving_tags(product(changed)) == ["latest", "nightly", "main", "layers-*"]
    assert branch_moving_tags(product(changed)) == ["feature-*", "layers-*"]
    assert moving_tags(product({"pipeline": REMOVED})) == ["latest"]


def test_a_tag_with_a_branch_and_more_moves_as_a_whole() -> None:
    changed = {"pipeline.tags": ["{branch}-{version}", "{branch}-{sha7}"]}

    assert moving_tags(product(changed)) == ["latest", "main-*", "layers-*"]
    assert branch_moving_tags(product(changed)) == ["feature-*-*", "layers-*"]


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


def test_an_environment_that_no_other_branch_reaches_needs_none_of_their_images() -> None:
    without = product({f"{FEATURE}.stages": ["test"]})

    assert (branches_publish(product()), branches_publish(without)) == (True, False)
    assert [name for name in ("staging", "production") if branches_reach(product(), name)] == ["staging"]
    assert [name for name in ("staging", "production") if branches_reach(without, name)] == []
