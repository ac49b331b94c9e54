"""The pipelines of a product as data: what the Delivery stack builds and the documents draw, from this one place."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Literal

from products import names
from products.model import Product
from products.pipeline import Check, Flow, Pipeline

Mode = Literal["queued", "superseded", "parallel"]
# Tags that builds/image.yml always puts: an image by its commit's full name, and layers for later builds.
COMMIT_TAG, CACHE_TAG = "commit-", "layers-"
DEFAULT_MINUTES = {"test": 30, "publish": 30, "e2e": 30, "release": 15}
ENVIRONMENT_MINUTES = 60
FIXED_STAGES = frozenset(DEFAULT_MINUTES)
# Of an environment's minutes, what each of its actions may take; what is left is the deployment's.
PREPARE_MINUTES, FRONTEND_MINUTES, INVALIDATE_MINUTES, VERIFY_MINUTES = 2, 5, 3, 2
LEAST_DEPLOY_MINUTES = 5


class Kind(StrEnum):
    """What an action does, as the stage table says it."""

    SOURCE = "takes the commit from GitHub"
    CHECK = "runs a check"
    IMAGE = "builds and pushes an image"
    BUNDLE = "builds the frontend"
    SCAN = "refuses images with known vulnerabilities"
    APPROVAL = "waits for a person's yes"
    PREPARE = "gives the migration task the new image"
    MIGRATE = "runs the migrations, once"
    DEPLOY = "updates the services and waits until they are stable"
    FRONTEND = "uploads the frontend"
    INVALIDATE = "makes CloudFront forget the pages"
    VERIFY = "asks the product which release it runs"
    E2E = "drives the environment with a browser"
    PROMOTE = "gives the images their release tag"
    RELEASE = "writes the GitHub release"


@dataclass(frozen=True)
class Action:
    """One action of a stage."""

    name: str
    kind: Kind
    run_order: int = 1
    minutes: int = 0
    """How long it may take; 0 where CodePipeline's own limit holds."""
    subject: str = ""
    """The check, image or environment it is about."""


@dataclass(frozen=True)
class Stage:
    """One stage of a pipeline."""

    name: str
    actions: tuple[Action, ...]
    environment: str | None = None
    rolls_back: bool = False
    """Whether a failure takes the stage back to the last run that succeeded in it."""

    @property
    def minutes(self) -> int:
        """How long the stage may take."""
        longest: dict[int, int] = {}
        for action in self.actions:
            longest[action.run_order] = max(longest.get(action.run_order, 0), action.minutes)
        return sum(longest.values())


@dataclass(frozen=True)
class Delivery:
    """One pipeline."""

    flow: str
    pipeline: str
    """Its name in CodePipeline."""
    trigger: Flow
    mode: Mode
    stop_older: bool
    stages: tuple[Stage, ...]
    of_main: bool
    """True if it builds only the repository's branch: no other pipeline's images may reach a protected environment."""

    def stage(self, name: str) -> Stage | None:
        """The stage of that name."""
        return next((stage for stage in self.stages if stage.name == name), None)

    def environments(self) -> tuple[str, ...]:
        """The environments it deploys, in order."""
        return tuple(stage.environment for stage in self.stages if stage.environment)


def deliveries(product: Product) -> tuple[Delivery, ...]:
    """The pipelines of a product, in the manifest's order; none without a `pipeline:` section."""
    if product.pipeline is None:
        return ()
    return tuple(
        _Drawing(product, product.pipeline, name, flow).delivery() for name, flow in product.pipeline.flows.items()
    )


def startable(product: Product, environment: str) -> list[str]:
    """The pipelines that a job of GitHub's environment of that name may start.

    They end in the environment. One that passes a protected environment before an unprotected last one is left out:
    whoever may deploy the unprotected environment would deploy the protected one.
    """
    guarded = {name for name, settings in product.environments.items() if settings.protected}
    return [
        flow.pipeline
        for flow in deliveries(product)
        if flow.environments()[-1:] == (environment,)
        and (environment in guarded or guarded.isdisjoint(flow.environments()))
    ]


def of_main(product: Product, flow: Flow) -> bool:
    """True if a flow builds only the repository's branch, by its full name."""
    return tuple(flow.branches) == (product.repository.branch,)


def branches_publish(product: Product) -> bool:
    """True if any flow publishes images of other branches than the repository's."""
    flows = product.pipeline.flows.values() if product.pipeline else ()
    return any("publish" in flow.stages and not of_main(product, flow) for flow in flows)


def branches_reach(product: Product, environment: str) -> bool:
    """True if any flow deploys other branches than the repository's to an environment."""
    flows = product.pipeline.flows.values() if product.pipeline else ()
    return any(environment in flow.stages and not of_main(product, flow) for flow in flows)


def moving_tags(product: Product) -> list[str]:
    """The tags of main's repository that may change what they name, as ECR's exclusion filters write them.

    A tag of a build names it for ever; `latest` and the branch's name follow its newest build, and so do its layers.
    """
    if product.pipeline is None:
        return ["latest"]
    fixed = dict.fromkeys(tag for tag in ("latest", *product.pipeline.tags) if "{" not in tag)
    return [*(fixed | _branch_tags(product, main=True)), f"{CACHE_TAG}*"]


def release_prefix(pipeline: Pipeline) -> str:
    """The text that every release tag begins with."""
    return pipeline.release_tag.partition("{")[0]


def release_tags(product: Product) -> str:
    """The pattern of the tags that never expire, as ECR's lifecycle rules write it.

    The prefix alone, so that releases stay when the manifest changes what follows it.
    """
    if product.pipeline is None:
        return "v*"
    return f"{release_prefix(product.pipeline)}*"


def branch_moving_tags(product: Product) -> list[str]:
    """The tags that may change what they name in the repository of all other branches."""
    return [*_branch_tags(product, main=False), f"{CACHE_TAG}*"]


def _branch_tags(product: Product, *, main: bool) -> dict[str, None]:
    """Returns the tags that patterns with `{branch}` produce, for the repository's branch or for all others."""
    found: dict[str, None] = {}
    for tag in product.pipeline.tags if product.pipeline else ():
        if "{branch}" not in tag or "{sha" in tag:
            continue
        for flow in product.pipeline.flows.values() if product.pipeline else ():
            if of_main(product, flow) is main:
                for branch in flow.branches:
                    name = branch.replace("**", "*").replace("/", "-")
                    found[tag.replace("{branch}", name).replace("{version}", "*")] = None
    return found


def checks_of(pipeline: Pipeline, flow: str) -> dict[str, Check]:
    """The checks that run in a flow."""
    return {name: check for name, check in pipeline.checks.items() if not check.flows or flow in check.flows}


def minutes(pipeline: Pipeline, flow: Flow, stage: str) -> int:
    """How long a stage may take, by flow, pipeline, or default."""
    default = DEFAULT_MINUTES.get(stage, ENVIRONMENT_MINUTES)
    return flow.timeouts.get(stage) or pipeline.timeouts.get(stage) or default


def deploy_minutes(product: Product, stage_minutes: int) -> int:
    """What an environment's other actions leave for the deployment; may be too little, or negative."""
    left = stage_minutes - VERIFY_MINUTES
    if product.frontend:
        left -= FRONTEND_MINUTES + INVALIDATE_MINUTES
    if product.migration:
        left -= product.migration.timeout_minutes
        left -= PREPARE_MINUTES if product.migration.when == "before_deploy" else 0
    return left


@dataclass(frozen=True)
class _Drawing:
    """Draws one pipeline."""

    product: Product
    pipeline: Pipeline
    name: str
    flow: Flow

    def delivery(self) -> Delivery:
        reached = [each for each in self.flow.stages if each in self.product.environments]
        guarded = any(self.product.environments[each].protected for each in reached)
        mode: Mode = self.flow.mode or ("parallel" if self.flow.pull_requests_to else "queued")
        return Delivery(
            flow=self.name,
            pipeline=names.pipeline(self.product.name, self.name),
            trigger=self.flow,
            mode=mode,
            stop_older=not guarded if self.flow.stop_older is None else self.flow.stop_older,
            stages=(Stage("Source", (Action("GitHub", Kind.SOURCE),)), *self._stages(mode)),
            of_main=of_main(self.product, self.flow),
        )

    def _stages(self, mode: Mode) -> list[Stage]:
        stages = []
        for name in self.flow.stages:
            limit = minutes(self.pipeline, self.flow, name)
            if name in FIXED_STAGES:
                draw = {"test": self._test, "publish": self._publish, "e2e": self._e2e, "release": self._release}[name]
                stages.append(draw(limit))
            else:
                if self.product.environments[name].approval:
                    stages.append(self._approval(name))
                stages.append(self._environment(name, limit, rolls_back=mode != "parallel"))
        return stages

    def _test(self, limit: int) -> Stage:
        checks = checks_of(self.pipeline, self.name)
        each = limit // len({check.run_order for check in checks.values()})
        return Stage(
            "Test",
            tuple(
                Action(names.pascal(name), Kind.CHECK, check.run_order, each, name)
                for name, check in sorted(checks.items(), key=lambda item: item[1].run_order)
            ),
        )

    def _publish(self, limit: int) -> Stage:
        guarded = any(
            self.product.environments[each].protected for each in self.flow.stages if each in self.product.environments
        )
        scan = guarded and self.pipeline.scan is not None
        each = limit // 2 if scan else limit
        actions = [Action(names.pascal(image), Kind.IMAGE, 1, each, image) for image in self.product.images]
        if self.product.frontend:
            actions.append(Action("Bundle", Kind.BUNDLE, 1, each))
        if scan:
            actions += [Action(f"Scan{names.pascal(it)}", Kind.SCAN, 2, each, it) for it in self.product.images]
        return Stage("Publish", tuple(actions))

    def _e2e(self, limit: int) -> Stage:
        before = self.flow.stages[: self.flow.stages.index("e2e")]
        environment = [each for each in before if each in self.product.environments][-1]
        return Stage("E2E", (Action("Playwright", Kind.E2E, 1, limit, environment),))

    def _approval(self, environment: str) -> Stage:
        asked = [
            it for it in self.flow.stages if it in self.product.environments and self.product.environments[it].approval
        ]
        name = "Approval" if len(asked) == 1 else f"Approve{names.pascal(environment)}"
        return Stage(name, (Action("Approve", Kind.APPROVAL, subject=environment),))

    def _environment(self, environment: str, limit: int, *, rolls_back: bool) -> Stage:
        migration = self.product.migration
        steps = [("Deploy", Kind.DEPLOY, deploy_minutes(self.product, limit))]
        if migration:
            migrate = ("Migrate", Kind.MIGRATE, migration.timeout_minutes)
            if migration.when == "before_deploy":
                steps = [("Prepare", Kind.PREPARE, PREPARE_MINUTES), migrate, *steps]
            else:
                steps.append(migrate)
        if self.product.frontend:
            steps.append(("Frontend", Kind.FRONTEND, FRONTEND_MINUTES))
            steps.append(("Invalidate", Kind.INVALIDATE, INVALIDATE_MINUTES))
        steps.append(("Verify", Kind.VERIFY, VERIFY_MINUTES))
        actions = tuple(
            Action(name, kind, order, limit, environment) for order, (name, kind, limit) in enumerate(steps, start=1)
        )
        return Stage(names.pascal(environment), actions, environment, rolls_back)

    def _release(self, limit: int) -> Stage:
        each = limit // 2
        return Stage("Release", (Action("Promote", Kind.PROMOTE, 1, each), Action("GitHub", Kind.RELEASE, 2, each)))
