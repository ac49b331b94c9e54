"""Rules about the `pipeline:` section: error messages, as in checks.py, for pipelines that would fail or do harm."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date
from fnmatch import fnmatchcase
from string import Formatter

from products import environment_steps, flows, image_tags, names, promotion_checks
from products.errors import nearest
from products.globs import matches
from products.model import Product
from products.pipeline import Flow, Pipeline

TAG_FIELDS = frozenset({"version", "sha", "sha7", "branch"})
# What the value of a tag's field looks like; versions follow PEP 440 or semver.
_FIELD = {"version": r"\d[\w.-]*", "sha": r"[0-9a-f]{1,40}", "sha7": r"[0-9a-f]{1,7}"}
_TAG_TEXT = re.compile(r"^[A-Za-z0-9_.-]*$")  # a registry tag's characters: OCI distribution spec
_STAGES = flows.FIXED_STAGES
_OF_PULL_REQUESTS = ("test", "publish")  # published images are candidates, which no environment may pull
_TRIGGERS = ("branches", "tags", "pull_requests_to", "merged_pull_requests_to")
_PARAMETERS = 1000  # limit for a Lambda action's UserParameters, in characters: CodePipeline, Lambda action reference
_EXCLUSIONS = 5  # limit for the filters of a repository: ECR, tag mutability exclusion filters
_TRUST_POLICY = 1900  # of the 2048 characters that IAM allows by default: IAM and STS quotas
_ARN = len('"arn:aws:iam::111122223333:role/",')
_DIGEST = len("@sha256:") + 64


def problems(product: Product) -> Iterator[str]:
    """Yields an error message for every mistake in the pipelines of a product."""
    pipeline = product.pipeline
    if pipeline is None:
        return
    yield from _names(product)
    yield from _accounts(product)
    yield from _tags(pipeline)
    yield from _kept_tags(product, pipeline)
    yield from _release_tag(product, pipeline)
    yield from _checks(pipeline)
    yield from _computes(pipeline)
    yield from _built_beside(product, pipeline)
    yield from _scan(pipeline)
    for environment in pipeline.smoke.environments if pipeline.smoke else ():
        if environment not in product.environments:
            close = nearest(environment, list(product.environments))
            yield f"pipeline.smoke.environments: no such environment '{environment}'{close}"
    if pipeline.verify_path and pipeline.verify.path:
        yield "pipeline.verify_path: verify.path defines the same; remove one of the two"
    for name, flow in pipeline.flows.items():
        yield from _flow(product, pipeline, name, flow)
    yield from _main(product, pipeline)
    yield from promotion_checks.problems(product, pipeline)
    yield from _stage_names(product, "pipeline.timeouts", pipeline.timeouts)


def _scan(pipeline: Pipeline) -> Iterator[str]:
    seen = set()
    for index, finding in enumerate(pipeline.scan.accepted if pipeline.scan else ()):
        where = f"pipeline.scan.accepted.{index}"
        try:
            date.fromisoformat(finding.until)
        except ValueError:
            yield f"{where}.until: '{finding.until}' is not a date; write the last day like 2026-12-31"
        if finding.id in seen:
            yield f"{where}.id: '{finding.id}' is listed twice; remove one of them"
        seen.add(finding.id)


def _names(product: Product) -> Iterator[str]:
    sites = list(product.sites()) or [""]
    for environment in product.environments:
        if environment in (*_STAGES, "snapshot", "source", "approval"):
            yield f"environments.{environment}: the pipeline has a stage with this name; give the environment another"
    for flow in product.pipeline.flows if product.pipeline else ():
        for environment in product.environments:
            role = max((names.build_role(product.name, flow, environment, site) for site in sites), key=len)
            if len(role) > names.ROLE_LIMIT:
                over = len(role) - names.ROLE_LIMIT
                where = f"the name of the flow{' or the frontend' if product.frontends else ''}"
                yield f"pipeline.flows.{flow}: role '{role}' is {over} characters too long; shorten {where}"
    for environment in product.environments:
        roles = [
            names.build_role(product.name, flow, environment, site)
            for flow, settings in (product.pipeline.flows if product.pipeline else {}).items()
            if environment in settings.stages
            for site in product.frontends
        ]
        if sum(len(role) + _ARN for role in roles) > _TRUST_POLICY:
            yield (
                f"frontends: {len(roles)} builds would publish to {environment}, and the trust policy of their role "
                f"would be longer than AWS's {_TRUST_POLICY} characters; build some frontends into one folder"
            )


def _accounts(product: Product) -> Iterator[str]:
    architectures = {name: environment.architecture for name, environment in product.environments.items()}
    if len(set(architectures.values())) > 1:
        shown = ", ".join(f"{name} {architecture}" for name, architecture in architectures.items())
        yield (
            f"environments: got architectures {shown}; images are built once, so write the same architecture for all "
            "environments"
        )

    for moving in (image_tags.moving_tags(product), image_tags.branch_moving_tags(product)):
        yield from _moving(moving)
    lengths = [_parameter_length(product, image) for image in product.images]
    longest = sum(lengths) + max(lengths, default=0)  # the migration's image is passed a second time
    if longest > _PARAMETERS - 100:
        yield (
            f"images: got {len(product.images)}, more than CodePipeline can pass to one deployment action; merge some "
            "of them"
        )


def _moving(moving: list[str]) -> Iterator[str]:
    """Yields an error message for each mistake in the mutable tags of one ECR repository."""
    if len(moving) > _EXCLUSIONS:
        yield (
            f"pipeline.tags: {', '.join(moving)} would be mutable; ECR allows {_EXCLUSIONS} mutable tags or patterns, "
            "so use fewer branches or patterns"
        )
    commit = f"{image_tags.COMMIT_TAG}{'0' * 40}"
    for tag in moving:
        if fnmatchcase(commit, tag):
            yield (
                f"pipeline.tags: the branches' tags match ECR's pattern '{tag}', which would make every tag mutable, "
                "including the one that names a commit's image; narrow the branches, e.g. feature/**, or leave "
                "{branch} out"
            )


def _parameter_length(product: Product, image: str) -> int:
    """Returns the number of characters that an image takes in the deployment action's UserParameters."""
    tooling = product.tooling
    repository = names.branch_repository(product.name, image)  # an image has two repositories; this name is longer
    uri = names.repository_uri(tooling.account, tooling.region, repository)
    return len(names.image_parameter(image)) + len(uri) + _DIGEST + len('"":"",')


def _tags(pipeline: Pipeline) -> Iterator[str]:
    for index, tag in enumerate(pipeline.tags):
        yield from _tag(f"pipeline.tags.{index}", tag)
    yield from _tag("pipeline.release_tag", pipeline.release_tag)
    if "{" not in pipeline.release_tag:
        yield (
            f"pipeline.release_tag: got '{pipeline.release_tag}', which is the same for every release; write e.g. "
            "v{version}"
        )


def _release_tag(product: Product, pipeline: Pipeline) -> Iterator[str]:
    """Yields an error message if other tags may begin like a release tag: the registry would then never expire them."""
    prefix = image_tags.release_prefix(pipeline)
    if not prefix:
        yield (
            f"pipeline.release_tag: got '{pipeline.release_tag}'; the registry recognizes releases by the text that "
            "their tags begin with, so begin with a fixed text, e.g. v{version}"
        )
        return
    own = (f"{image_tags.COMMIT_TAG}{{sha}}", f"{image_tags.CACHE_TAG}{{branch}}", "latest")
    for tag in dict.fromkeys((*own, *pipeline.tags)):
        if _may_begin(tag.replace("{branch}", product.repository.branch.replace("/", "-")), prefix):
            yield (
                f"pipeline.release_tag: got '{pipeline.release_tag}'; the registry keeps '{prefix}*' forever, and the "
                f"tag '{tag}' of each build may begin with the same text: no image would expire. Begin release tags "
                "with another text, e.g. release-"
            )


def _kept_tags(product: Product, pipeline: Pipeline) -> Iterator[str]:
    """Yields an error message for each tag that may begin like the tags by which Slipway keeps images."""
    branches = [product.repository.branch, *(branch for flow in pipeline.flows.values() for branch in flow.branches)]
    places = {f"pipeline.tags.{index}": tag for index, tag in enumerate(pipeline.tags)}
    for place, tag in {**places, "pipeline.release_tag": pipeline.release_tag}.items():
        patterns = dict.fromkeys(
            tag.replace("{branch}", branch.replace("**", "*").replace("/", "-")) for branch in branches
        )
        for prefix in (names.IN_USE_TAG, names.ENTERED_TAG):
            if any(_may_begin(pattern, prefix) for pattern in patterns):
                yield (
                    f"{place}: got '{tag}', which may begin with '{prefix}': Slipway puts such tags on images in use, "
                    "and the registry keeps them; write a tag that begins with another text, e.g. {version}-{sha7}"
                )


def _may_begin(tag: str, prefix: str) -> bool:
    """True if a tag of this pattern may begin with the prefix; `*` in it matches any text."""
    text, _, rest = tag.partition("{")
    if "*" in text:
        text = text.partition("*")[0]
        return text.startswith(prefix) or prefix.startswith(text)
    if text.startswith(prefix):
        return True
    field = _FIELD.get(rest.partition("}")[0])
    return bool(field and prefix.startswith(text) and re.fullmatch(field, prefix.removeprefix(text)))


def _tag(place: str, pattern: str) -> Iterator[str]:
    try:
        parts = list(Formatter().parse(pattern))
    except ValueError as error:
        yield f"{place}: got '{pattern}', which is not a valid pattern ({error}); write e.g. {{version}}-{{sha7}}"
        return
    for text, field, form, conversion in parts:
        if field is not None and field not in TAG_FIELDS:
            yield f"{place}: unknown field '{{{field}}}'{nearest(field, sorted(TAG_FIELDS))}"
        elif form or conversion:
            yield f"{place}: got '{pattern}'; write only the field's name in braces, e.g. {{sha7}}"
        if not _TAG_TEXT.match(text):
            yield f"{place}: got '{pattern}'; a tag may contain letters, digits, '.', '_' and '-'"
    if pattern[:1] in ("", ".", "-"):
        yield f"{place}: got '{pattern}'; a tag must begin with a letter, a digit, '_' or a field"


def _checks(pipeline: Pipeline) -> Iterator[str]:
    for name, check in pipeline.checks.items():
        place = f"pipeline.checks.{name}"
        if (check.build is None) == (check.buildspec is None):
            yield f"{place}: write either build (one of Slipway's) or buildspec (a file of the repository)"
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
        yield f"{place}.stages: '{stage}' is listed twice; remove one of them"
    if not unknown:
        yield from _order(product, pipeline, place, flow)
        yield from _reach(product, place, flow)
        yield from _minutes(product, pipeline, name, flow)
    if "test" in flow.stages and not flows.checks_of(pipeline, name):
        yield (
            f"{place}.stages: 'test' has no check that runs in flow '{name}'; add '{name}' to the flows of a check "
            "under pipeline.checks"
        )
    yield from _stage_names(product, f"{place}.timeouts", flow.timeouts)


def _trigger(place: str, flow: Flow) -> Iterator[str]:
    given = [key for key in _TRIGGERS if getattr(flow, key)]
    if len(given) != 1:
        got = f"got {' and '.join(given)}" if given else "nothing starts this flow"
        yield f"{place}: {got}; write one of {', '.join(_TRIGGERS[:3])}"
    if flow.merged_pull_requests_to and not flow.images_from:
        yield (
            f"{place}.merged_pull_requests_to: CodePipeline takes the newest commit of the merged branch, so such a "
            "flow can only release what another one built; write images_from too, or branches instead"
        )
    if flow.tags and (flow.paths or flow.ignore_paths):
        yield f"{place}.paths: CodePipeline does not filter pushes of tags by file; remove it"
    if flow.mode == "parallel" and not flow.pull_requests_to:
        yield f"{place}.mode: CodePipeline cannot roll back parallel runs; write queued"


def _order(product: Product, pipeline: Pipeline, place: str, flow: Flow) -> Iterator[str]:
    """Yields an error message for each stage that needs another stage or setting, which is missing before it."""
    done: set[str] = set()
    deployed = False
    for stage in flow.stages:
        deploys = stage in product.environments
        if (deploys or stage == "release") and "publish" not in done and not flow.images_from:
            yield f"{place}.stages: '{stage}' needs images; write 'publish' before it"
        if stage == "e2e":
            if pipeline.e2e is None:
                yield "pipeline.e2e: missing; the stage 'e2e' needs it, e.g. e2e: {directory: e2e}"
            if not deployed:
                yield f"{place}.stages: 'e2e' has no environment to test; write the environment before it"
        if deploys and product.environments[stage].approval and not _notifies(pipeline):
            yield (
                f"environments.{stage}.approval: nobody would be notified of the approval; write emails, slack_secret "
                "or discord_secret under pipeline.notifications"
            )
        done.add(stage)
        deployed = deployed or deploys


def _notifies(pipeline: Pipeline) -> bool:
    notifications = pipeline.notifications
    return bool(notifications.emails or notifications.slack_secret or notifications.discord_secret)


def _reach(product: Product, place: str, flow: Flow) -> Iterator[str]:
    """Yields an error message for each stage that only the repository's branch, by its full name, may reach."""
    guarded = [
        stage for stage in flow.stages if stage in product.environments and product.environments[stage].protected
    ]
    branch = product.repository.branch
    if "release" in flow.stages and not flows.of_main(product, flow):
        yield (
            f"{place}.stages: 'release' publishes images of {branch}, under tags that cannot be used again; remove "
            f"'release' here, only the flow with branches: [{branch}] may have it"
        )
    if guarded and not flows.of_main(product, flow):
        key = next((key for key in _TRIGGERS[1:] if getattr(flow, key)), "branches")
        got = ", ".join(getattr(flow, key)) or "nothing"
        yield (
            f"{place}.{key}: got {got}, which could reach {guarded[0]} (deletion_protection or approval: true); "
            f"write branches: [{branch}], or remove {guarded[0]} from stages"
        )
    refused = [stage for stage in flow.stages if stage not in _OF_PULL_REQUESTS]
    if flow.pull_requests_to and refused:
        yield (
            f"{place}.stages: the code of a pull request is not trusted until it is merged; remove '{refused[0]}', "
            "only test and publish may be there"
        )


def _computes(pipeline: Pipeline) -> Iterator[str]:
    for name, check in pipeline.checks.items():
        if check.compute == "lambda" and check.docker:
            yield (
                f"pipeline.checks.{name}.compute: 'lambda' runs no containers; write docker: false, if the build needs "
                "none, or compute: small"
            )


def _built_beside(product: Product, pipeline: Pipeline) -> Iterator[str]:
    """Yields the checks whose actions would have the name of another action of the stage Test."""
    if not any(flows.built_beside_tests(flow) for flow in pipeline.flows.values()):
        return
    images = {flows.build_action(image) for image in product.images}
    taken = {"Compose", "Manifests", *images, *(f"Bundle{names.pascal(site)}" for site in product.sites())}
    for name in pipeline.checks:
        if names.pascal(name) in taken:
            yield f"pipeline.checks.{name}: the stage Test has an action {names.pascal(name)} already; rename the check"


def _minutes(product: Product, pipeline: Pipeline, name: str, flow: Flow) -> Iterator[str]:
    for stage in flow.stages:
        limit = flows.minutes(pipeline, flow, stage)
        if stage in product.environments:
            left = environment_steps.deploy_minutes(product, stage, limit)
            if left < environment_steps.LEAST_DEPLOY_MINUTES:
                least = environment_steps.LEAST_DEPLOY_MINUTES
                yield (
                    f"pipeline.timeouts.{stage}: {limit} minutes leave {left} for the deployment itself, which needs "
                    f"at least {least}: raise it to {limit - left + least}, or lower migration.timeout_minutes"
                )
        steps = len({check.run_order for check in flows.checks_of(pipeline, name).values()}) if stage == "test" else 2
        if stage in ("test", "publish") and steps and limit // steps < 5:  # noqa: PLR2004 - CodeBuild's shortest
            yield (
                f"pipeline.timeouts.{stage}: got {limit} minutes for {steps} builds, one after the other; a build "
                f"needs at least 5: write {5 * steps} or more"
            )


def _main(product: Product, pipeline: Pipeline) -> Iterator[str]:
    """Yields an error message for each further flow that builds the repository's branch: only one flow may."""
    branch = product.repository.branch
    named = [name for name, flow in pipeline.flows.items() if branch in flow.branches]
    for name, flow in pipeline.flows.items():
        if name in named[:1]:
            continue
        for pattern in flow.branches:
            if matches(pattern, branch):
                builder = f"flow '{named[0]}' builds it" if named else f"a flow with branches: [{branch}] must build it"
                yield (
                    f"pipeline.flows.{name}.branches: '{pattern}' matches {branch}, but {builder}; narrow the pattern, "
                    "e.g. feature/**"
                )


def _stage_names(product: Product, place: str, timeouts: dict[str, int]) -> Iterator[str]:
    known = [*flows.DEFAULT_MINUTES, *product.environments]
    for stage in timeouts:
        if stage not in known:
            yield f"{place}.{stage}: unknown stage{nearest(stage, known)}"
