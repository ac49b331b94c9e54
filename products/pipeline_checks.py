"""Rules about the `pipeline:` section: what would fail, or harm, when a push comes. Sentences, as in checks.py."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date
from fnmatch import fnmatchcase
from string import Formatter

from products import flows, names
from products.errors import nearest
from products.globs import matches
from products.model import Product
from products.pipeline import Flow, Pipeline

TAG_FIELDS = frozenset({"version", "sha", "sha7", "branch"})
# What a field of a tag may begin with, where its whole value is not known: versions are PEP 440's or semver's.
_FIELD = {"version": r"\d[\w.-]*", "sha": r"[0-9a-f]{1,40}", "sha7": r"[0-9a-f]{1,7}"}
_TAG_TEXT = re.compile(r"^[A-Za-z0-9_.-]*$")  # a registry tag's characters: OCI distribution spec
_STAGES = ("test", "publish", "e2e", "release")
_PARAMETERS = 1000  # characters of a Lambda action's user parameters: CodePipeline, action reference for Lambda
_EXCLUSIONS = 5  # filters of a repository: ECR, tag mutability exclusion
_DIGEST = len("@sha256:") + 64


def problems(product: Product) -> Iterator[str]:
    """Yields a sentence for every mistake in the pipelines of a product."""
    pipeline = product.pipeline
    if pipeline is None:
        return
    yield from _names(product)
    yield from _accounts(product)
    yield from _tags(pipeline)
    yield from _release_tag(product, pipeline)
    yield from _checks(pipeline)
    yield from _scan(pipeline)
    for name, flow in pipeline.flows.items():
        yield from _flow(product, pipeline, name, flow)
    yield from _main(product, pipeline)
    yield from _stage_names(product, "pipeline.timeouts", pipeline.timeouts)


def _scan(pipeline: Pipeline) -> Iterator[str]:
    seen = set()
    for index, each in enumerate(pipeline.scan.accepted if pipeline.scan else ()):
        where = f"pipeline.scan.accepted.{index}"
        try:
            date.fromisoformat(each.until)
        except ValueError:
            yield f"{where}.until: '{each.until}' is no day; write the last one as 2026-12-31"
        if each.id in seen:
            yield f"{where}.id: '{each.id}' stands twice; keep the one that is right"
        seen.add(each.id)


def _names(product: Product) -> Iterator[str]:
    for environment in product.environments:
        if environment in (*_STAGES, "source", "approval"):
            yield f"environments.{environment}: the name is a stage of the pipeline; give the environment another"
    for flow in product.pipeline.flows if product.pipeline else ():
        for environment in product.environments:
            role = names.build_role(product.name, flow, environment)
            if len(role) > names.ROLE_LIMIT:
                over = len(role) - names.ROLE_LIMIT
                yield f"pipeline.flows.{flow}: role '{role}' is {over} characters too long; shorten the flow's name"


def _accounts(product: Product) -> Iterator[str]:
    architectures = {name: each.architecture for name, each in product.environments.items()}
    if len(set(architectures.values())) > 1:
        shown = ", ".join(f"{name} {architecture}" for name, architecture in architectures.items())
        yield f"environments: images are built once, for one architecture, but they differ: {shown}"

    for moving in (flows.moving_tags(product), flows.branch_moving_tags(product)):
        yield from _moving(moving)
    longest = sum(_parameter(product, image) for image in product.images)
    longest += max((_parameter(product, image) for image in product.images), default=0)  # the migration's image again
    if longest > _PARAMETERS - 100:
        yield f"images: {len(product.images)} are more than CodePipeline carries to one deployment; merge some of them"


def _moving(moving: list[str]) -> Iterator[str]:
    """Yields the errors in the tags that may move in one repository."""
    if len(moving) > _EXCLUSIONS:
        yield (
            f"pipeline.tags: {', '.join(moving)} would all move; ECR lets {_EXCLUSIONS} tags or patterns move, so use "
            "fewer branches or patterns"
        )
    commit = f"{flows.COMMIT_TAG}{'0' * 40}"
    for tag in moving:
        if fnmatchcase(commit, tag):
            yield (
                f"pipeline.tags: the tags of branches, '{tag}' to ECR, would let every tag move, also the one that "
                "names a commit's image for ever; narrow the branches, e.g. feature/**, or leave {branch} out"
            )


def _parameter(product: Product, image: str) -> int:
    tooling = product.tooling
    repository = names.branch_repository(product.name, image)  # the longer of an image's two
    uri = names.repository_uri(tooling.account, tooling.region, repository)
    return len(names.image_parameter(image)) + len(uri) + _DIGEST + len('"":"",')


def _tags(pipeline: Pipeline) -> Iterator[str]:
    for index, tag in enumerate(pipeline.tags):
        yield from _tag(f"pipeline.tags.{index}", tag)
    yield from _tag("pipeline.release_tag", pipeline.release_tag)
    if "{" not in pipeline.release_tag:
        yield f"pipeline.release_tag: got '{pipeline.release_tag}', the same for every release; write e.g. v{{version}}"


def _release_tag(product: Product, pipeline: Pipeline) -> Iterator[str]:
    """The registry keeps whatever begins as a release tag does: no other tag may, or nothing would ever expire."""
    prefix = flows.release_prefix(pipeline)
    if not prefix:
        yield (
            f"pipeline.release_tag: got '{pipeline.release_tag}'; the registry keeps releases for ever by the text "
            "that their tags begin with, so begin with one, e.g. v{version}"
        )
        return
    for tag in dict.fromkeys((f"{flows.COMMIT_TAG}{{sha}}", f"{flows.CACHE_TAG}{{branch}}", "latest", *pipeline.tags)):
        if _may_begin(tag.replace("{branch}", product.repository.branch.replace("/", "-")), prefix):
            yield (
                f"pipeline.release_tag: got '{pipeline.release_tag}'; the registry keeps '{prefix}*' for ever, and "
                f"each build's tag '{tag}' may begin so, too: nothing would expire. Begin releases with another text, "
                "e.g. release-"
            )


def _may_begin(tag: str, prefix: str) -> bool:
    """True if a tag of this pattern may begin with the prefix."""
    text, _, rest = tag.partition("{")
    if text.startswith(prefix):
        return True
    field = _FIELD.get(rest.partition("}")[0])
    return bool(field and prefix.startswith(text) and re.fullmatch(field, prefix.removeprefix(text)))


def _tag(place: str, pattern: str) -> Iterator[str]:
    try:
        parts = list(Formatter().parse(pattern))
    except ValueError as error:
        yield f"{place}: got '{pattern}', which is no pattern ({error}); write e.g. {{version}}-{{sha7}}"
        return
    for text, field, form, conversion in parts:
        if field is not None and field not in TAG_FIELDS:
            yield f"{place}: unknown field '{{{field}}}'{nearest(field, sorted(TAG_FIELDS))}"
        elif form or conversion:
            yield f"{place}: got '{pattern}'; a field stands alone in its braces, e.g. {{sha7}}"
        if not _TAG_TEXT.match(text):
            yield f"{place}: got '{pattern}'; a tag holds letters, digits, '.', '_' and '-'"
    if pattern[:1] in ("", ".", "-"):
        yield f"{place}: got '{pattern}'; a tag begins with a letter, a digit, '_' or a field"


def _checks(pipeline: Pipeline) -> Iterator[str]:
    for name, check in pipeline.checks.items():
        place = f"pipeline.checks.{name}"
        if (check.build is None) == (check.buildspec is None):
            yield f"{place}: name one of build (a build of Slipway) and buildspec (a file of the repository)"
        for flow in check.flows:
            if flow not in pipeline.flows:
                yield f"{place}.flows: no such flow '{flow}'{nearest(flow, list(pipeline.flows))}"


def _flow(product: Product, pipeline: Pipeline, name: str, flow: Flow) -> Iterator[str]:
    place = f"pipeline.flows.{name}"
    yield from _trigger(place, flow)
    known = [*_STAGES, *product.environments]
    unknown = [stage for stage in flow.stages if stage not in known]
    for stage in unknown:
        yield f"{place}.stages: unknown stage '{stage}'{nearest(stage, known)}"
    for stage in sorted({stage for stage in flow.stages if flow.stages.count(stage) > 1}):
        yield f"{place}.stages: '{stage}' stands twice"
    if not unknown:
        yield from _order(product, pipeline, place, flow)
        yield from _reach(product, place, flow)
        yield from _minutes(product, pipeline, name, flow)
    if "test" in flow.stages and not any(not c.flows or name in c.flows for c in pipeline.checks.values()):
        yield f"{place}.stages: 'test' has no check that runs in flow '{name}'; see pipeline.checks.*.flows"
    yield from _stage_names(product, f"{place}.timeouts", flow.timeouts)


def _trigger(place: str, flow: Flow) -> Iterator[str]:
    given = [key for key in ("branches", "tags", "pull_requests_to") if getattr(flow, key)]
    if len(given) != 1:
        got = f"got {' and '.join(given)}" if given else "nothing starts it"
        yield f"{place}: {got}; write one of branches, tags, pull_requests_to"
    if flow.tags and (flow.paths or flow.ignore_paths):
        yield f"{place}.paths: CodePipeline does not look at files when a tag is pushed; remove it"
    if flow.mode == "parallel" and not flow.pull_requests_to:
        yield f"{place}.mode: parallel runs cannot be rolled back; write queued"


def _order(product: Product, pipeline: Pipeline, place: str, flow: Flow) -> Iterator[str]:
    """What a stage needs to have happened before."""
    done: set[str] = set()
    reached: list[str] = []
    for stage in flow.stages:
        deploys = stage in product.environments
        if (deploys or stage == "release") and "publish" not in done:
            yield f"{place}.stages: '{stage}' needs images; put 'publish' before it"
        if stage == "e2e":
            if pipeline.e2e is None:
                yield "pipeline.e2e: missing; the stage 'e2e' needs it, e.g. e2e: {directory: e2e}"
            if not reached:
                yield f"{place}.stages: 'e2e' has no address; put the environment it drives before it"
        if deploys and product.environments[stage].approval and not _told(pipeline):
            yield (
                f"environments.{stage}.approval: nobody would be asked; write whom to tell under "
                "pipeline.notifications: emails, slack_secret or discord_secret"
            )
        done.add(stage)
        reached += [stage] if deploys else []


def _told(pipeline: Pipeline) -> bool:
    told = pipeline.notifications
    return bool(told.emails or told.slack_secret or told.discord_secret)


def _reach(product: Product, place: str, flow: Flow) -> Iterator[str]:
    """Only the repository's branch, by its full name, reaches a protected environment."""
    guarded = [it for it in flow.stages if it in product.environments and product.environments[it].protected]
    branch = product.repository.branch
    if "release" in flow.stages and not flows.of_main(product, flow):
        yield (
            f"{place}.stages: 'release' gives out what {branch} built, and its tags are taken for ever; only the flow "
            f"with branches: [{branch}] may, so remove 'release' here"
        )
    if guarded and not flows.of_main(product, flow):
        key = next((each for each in ("pull_requests_to", "tags") if getattr(flow, each)), "branches")
        got = ", ".join(getattr(flow, key)) or "nothing"
        yield (
            f"{place}.{key}: got {got}, which could reach {guarded[0]} (deletion_protection or approval: true); "
            f"only branches: [{branch}] may, or take {guarded[0]} out of stages"
        )
    if flow.pull_requests_to and set(flow.stages) - {"test"}:
        first = next(stage for stage in flow.stages if stage != "test")
        yield f"{place}.stages: a pull request is a stranger's code until it is merged; remove '{first}'"


def _minutes(product: Product, pipeline: Pipeline, name: str, flow: Flow) -> Iterator[str]:
    for stage in flow.stages:
        limit = flows.minutes(pipeline, flow, stage)
        if stage in product.environments:
            left = flows.deploy_minutes(product, limit)
            if left < flows.LEAST_DEPLOY_MINUTES:
                least = flows.LEAST_DEPLOY_MINUTES
                yield (
                    f"pipeline.timeouts.{stage}: {limit} minutes leave {left} for the deployment itself; {least} are "
                    f"needed at least: raise it to {limit - left + least}, or lower migration.timeout_minutes"
                )
        steps = len({check.run_order for check in flows.checks_of(pipeline, name).values()}) if stage == "test" else 2
        if stage in ("test", "publish") and steps and limit // steps < 5:  # noqa: PLR2004 - CodeBuild's shortest
            yield f"pipeline.timeouts.{stage}: {limit} minutes for {steps} steps; a build needs 5 at least"


def _main(product: Product, pipeline: Pipeline) -> Iterator[str]:
    """Exactly one flow of pushes builds the repository's branch."""
    branch = product.repository.branch
    named = [name for name, flow in pipeline.flows.items() if branch in flow.branches]
    for name, flow in pipeline.flows.items():
        if name in named[:1]:
            continue
        for pattern in flow.branches:
            if matches(pattern, branch):
                other = f"flow '{named[0]}'" if named else "nothing else"
                yield (
                    f"pipeline.flows.{name}.branches: '{pattern}' matches {branch}, which {other} builds; "
                    "narrow it, e.g. feature/**"
                )


def _stage_names(product: Product, place: str, timeouts: dict[str, int]) -> Iterator[str]:
    known = [*_STAGES, *product.environments]
    for stage in timeouts:
        if stage not in known:
            yield f"{place}.{stage}: unknown stage{nearest(stage, known)}"
