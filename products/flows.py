"""The pipelines of a product as data. The Delivery stack builds them and the documents draw them from this data."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from products import environment_steps, names
from products.actions import Action, Kind, Stage
from products.environment_steps import deploy_minutes, ordered, smoke_tested
from products.model import Product
from products.pipeline import Check, Flow, Pipeline

__all__ = ["Action", "Kind", "Stage", "smoke_tested"]  # parts of other modules that belong to a flow

Mode = Literal["queued", "superseded", "parallel"]
Origin = Literal["main", "branches", "candidates"]
DEFAULT_MINUTES = {"test": 30, "publish": 30, "snapshot": 60, "e2e": 30, "release": 15}
ENVIRONMENT_MINUTES = 60
FIXED_STAGES = ("test", "publish", "e2e", "release")
PROTECT_MINUTES = 5


@dataclass(frozen=True)
class Delivery:
    """One pipeline, derived from a flow of the manifest."""

    flow_name: str
    pipeline: str
    """The pipeline's name in CodePipeline."""
    flow: Flow
    mode: Mode
    stop_older: bool
    stages: tuple[Stage, ...]
    branch: str
    """The branch whose newest commit a start by hand builds."""
    of_main: bool
    """True if it builds only the repository's branch: no other pipeline's images may reach a protected environment."""
    promoted: bool
    """True if another flow releases the images that this one builds."""

    @property
    def origin(self) -> Origin:
        """The origin of the commits, which decides the repository of the images."""
        if self.of_main or self.promoted:
            return "main"
        return "candidates" if self.flow.pull_requests_to else "branches"

    @property
    def built_beside_tests(self) -> bool:
        """True if the images and all else of the commit are built in the stage Test, and published after it."""
        return built_beside_tests(self.flow)

    @property
    def collected_stage(self) -> str:
        """The name of the stage that builds or collects what the flow deploys of the commit beside the images."""
        if self.flow.images_from:
            return "Snapshot"
        return "Test" if self.built_beside_tests else "Publish"

    def stage(self, name: str) -> Stage | None:
        """Returns the stage with this name, or None."""
        return next((stage for stage in self.stages if stage.name == name), None)

    def environments(self) -> tuple[str, ...]:
        """Returns the environments that this pipeline deploys to, in order."""
        return tuple(stage.environment for stage in self.stages if stage.environment)


def deliveries(product: Product) -> tuple[Delivery, ...]:
    """Returns the pipelines of a product, in the manifest's order; none without a `pipeline:` section."""
    if product.pipeline is None:
        return ()
    return tuple(
        _DeliveryBuilder(product, product.pipeline, name, flow).delivery()
        for name, flow in product.pipeline.flows.items()
    )


def startable(product: Product, environment: str) -> list[str]:
    """Returns the names of the pipelines that a job in the GitHub environment of this name may start.

    These pipelines end in the environment. A pipeline that ends in an unprotected environment, but passes a protected
    one, is left out: who may deploy to the unprotected environment could otherwise deploy to the protected one.
    """
    guarded = {name for name, settings in product.environments.items() if settings.protected}
    return [
        delivery.pipeline
        for delivery in deliveries(product)
        if delivery.environments()[-1:] == (environment,)
        and (environment in guarded or guarded.isdisjoint(delivery.environments()))
    ]


def needs_url(product: Product, environment: str) -> bool:
    """True if the verification of an environment reads its URL: for the report, a browser's tests or an approval."""
    if product.pipeline and (product.pipeline.report_path or smoke_tested(product, environment)):
        return True
    for delivery in deliveries(product):
        deployed = ""
        for stage in delivery.stages:
            kinds = {action.kind for action in stage.actions}
            if deployed == environment and kinds & {Kind.E2E, Kind.APPROVAL}:
                return True
            deployed = stage.environment or deployed
    return False


def built_beside_tests(flow: Flow) -> bool:
    """True if a flow builds images while its tests run: it publishes them after the tests, and is no pull request's."""
    stages = list(flow.stages)
    both = "test" in stages and "publish" in stages and not (flow.pull_requests_to or flow.images_from)
    return both and stages.index("test") < stages.index("publish")


def waiting_repositories(product: Product, image: str) -> list[str]:
    """Returns the repositories of an image whose builds wait elsewhere for their tests: main's, other branches'."""
    flows = product.pipeline.flows.values() if product.pipeline else ()
    apart = [of_branches(product, flow) for flow in flows if built_beside_tests(flow)]
    repositories = {False: names.repository(product.name, image), True: names.branch_repository(product.name, image)}
    return [repositories[other] for other in sorted(set(apart))]


def build_action(image: str) -> str:
    """Returns the name of the action of the stage Test that builds an image: BuildBackend."""
    return f"Build{names.pascal(image)}"


def of_main(product: Product, flow: Flow) -> bool:
    """True if the repository's branch, by its full name, is the only branch that starts a flow."""
    return (*flow.branches, *flow.merged_pull_requests_to) == (product.repository.branch,)


def promoted(product: Product, flow: Flow) -> bool:
    """True if another flow releases the images that a flow builds: the manifest says that its branch is trusted."""
    flows = product.pipeline.flows if product.pipeline else {}
    return any(flow is flows.get(other.images_from or "") for other in flows.values())


def of_branches(product: Product, flow: Flow) -> bool:
    """True if the images of a flow are apart from those that are released."""
    return not of_main(product, flow) and not promoted(product, flow)


def branches_publish(product: Product) -> bool:
    """True if any flow publishes images of other branches than the repository's."""
    flows = product.pipeline.flows.values() if product.pipeline else ()
    return any("publish" in flow.stages and of_branches(product, flow) and not flow.pull_requests_to for flow in flows)


def pull_requests_publish(product: Product) -> bool:
    """True if any flow publishes images of pull requests, which no environment may run."""
    flows = product.pipeline.flows.values() if product.pipeline else ()
    return any("publish" in flow.stages and flow.pull_requests_to for flow in flows)


def branches_reach(product: Product, environment: str) -> bool:
    """True if any flow deploys other branches than the repository's to an environment."""
    flows = product.pipeline.flows.values() if product.pipeline else ()
    return any(environment in flow.stages and of_branches(product, flow) for flow in flows)


def checks_of(pipeline: Pipeline, flow: str) -> dict[str, Check]:
    """Returns the checks that run in a flow."""
    return {name: check for name, check in pipeline.checks.items() if not check.flows or flow in check.flows}


def minutes(pipeline: Pipeline, flow: Flow, stage: str) -> int:
    """Returns the timeout of a stage: the flow's, else the pipeline's, else the default."""
    default = DEFAULT_MINUTES.get(stage, ENVIRONMENT_MINUTES)
    return flow.timeouts.get(stage) or pipeline.timeouts.get(stage) or default


@dataclass(frozen=True)
class _DeliveryBuilder:
    """Builds the `Delivery` of one flow."""

    product: Product
    pipeline: Pipeline
    name: str
    flow: Flow

    def delivery(self) -> Delivery:
        mode: Mode = self.flow.mode or ("parallel" if self.flow.pull_requests_to else "queued")
        return Delivery(
            flow_name=self.name,
            pipeline=names.pipeline(self.product.name, self.name),
            flow=self.flow,
            mode=mode,
            stop_older=not self._guarded() if self.flow.stop_older is None else self.flow.stop_older,
            stages=(Stage("Source", (Action("GitHub", Kind.SOURCE),)), *self._stages(mode)),
            branch=self._branch(),
            of_main=of_main(self.product, self.flow),
            promoted=promoted(self.product, self.flow),
        )

    def _branch(self) -> str:
        """Returns the only branch that starts the pipeline, if it is named in full; else the repository's."""
        only = self.flow.branches[0] if len(self.flow.branches) == 1 else "*"
        return self.product.repository.branch if set("*?[") & set(only) else only

    def _stages(self, mode: Mode) -> list[Stage]:
        stages: list[Stage] = []
        for name in self.flow.stages:
            if self.flow.images_from and name != "test" and not any(stage.name == "Snapshot" for stage in stages):
                stages.append(self._snapshot(minutes(self.pipeline, self.flow, "snapshot")))
            limit = minutes(self.pipeline, self.flow, name)
            if name in FIXED_STAGES:
                build = {"test": self._test, "publish": self._publish, "e2e": self._e2e, "release": self._release}[name]
                stages.append(build(limit))
            else:
                if self.product.environments[name].approval:
                    stages.append(self._approval(name))
                stages.append(self._environment(name, limit, rolls_back=mode != "parallel"))
        return stages

    def _environments(self) -> list[str]:
        return [stage for stage in self.flow.stages if stage in self.product.environments]

    def _guarded(self) -> bool:
        return any(self.product.environments[name].protected for name in self._environments())

    def _test(self, limit: int) -> Stage:
        checks = checks_of(self.pipeline, self.name)
        action_limit = limit // len({check.run_order for check in checks.values()})
        tests = [
            Action(names.pascal(name), Kind.CHECK, check.run_order, action_limit, name)
            for name, check in sorted(checks.items(), key=lambda item: item[1].run_order)
        ]
        if not built_beside_tests(self.flow):
            return Stage("Test", tuple(tests))
        images = [Action(build_action(image), Kind.IMAGE, 1, action_limit, image) for image in self.product.images]
        built = [*images, *self._collected(action_limit)]
        return Stage("Test", tuple(sorted([*tests, *built], key=lambda action: action.run_order)))

    def _publish(self, limit: int) -> Stage:
        images, scan = self.product.images, self._guarded() and self.pipeline.scan is not None
        if built_beside_tests(self.flow):  # the scan reads the image where its build pushed it
            published = [Action(names.pascal(image), Kind.PUBLISH, 1, limit, image) for image in images]
            return Stage("Publish", (*published, *self._scans(limit if scan else 0, order=1)))
        action_limit = limit // 2 if scan else limit
        actions = [Action(names.pascal(image), Kind.IMAGE, 1, action_limit, image) for image in images]
        if self.flow.pull_requests_to:  # only images are kept: nothing of a pull request is ever deployed
            return Stage("Publish", tuple(actions))
        return Stage("Publish", (*actions, *self._collected(action_limit), *self._scans(action_limit if scan else 0)))

    def _snapshot(self, limit: int) -> Stage:
        """Returns the stage that takes the images of another flow, and collects everything else of the commit."""
        scan = self._guarded() and self.pipeline.scan is not None
        action_limit = limit // 2 if scan else limit
        find = Action("Find", Kind.FIND, 1, action_limit, self.flow.images_from or "")
        return Stage("Snapshot", (find, *self._collected(action_limit), *self._scans(action_limit if scan else 0)))

    def _collected(self, limit: int) -> list[Action]:
        """Returns the actions that collect what the flow deploys of a commit beside the images."""
        actions = [
            Action(f"Bundle{names.pascal(site)}", Kind.BUNDLE, 1, limit, site=site) for site in self.product.sites()
        ]
        reached = {self.product.environments[name].target for name in self._environments()}
        if "hosts" in reached:
            actions.append(Action("Compose", Kind.COMPOSE, 1, limit))
        if "kubernetes" in reached:
            actions.append(Action("Manifests", Kind.MANIFESTS, 1, limit))
        return actions

    def _scans(self, limit: int, order: int = 2) -> list[Action]:
        """Returns an action for each image that refuses it for its vulnerabilities; none with a limit of 0."""
        images = self.product.images if limit else ()
        return [Action(f"Scan{names.pascal(image)}", Kind.SCAN, order, limit, image) for image in images]

    def _e2e(self, limit: int) -> Stage:
        before = self.flow.stages[: self.flow.stages.index("e2e")]
        environment = [stage for stage in before if stage in self.product.environments][-1]
        return Stage("E2E", (Action("Playwright", Kind.E2E, 1, limit, environment),))

    def _approval(self, environment: str) -> Stage:
        approvals = [name for name in self._environments() if self.product.environments[name].approval]
        name = "Approval" if len(approvals) == 1 else f"Approve{names.pascal(environment)}"
        protect = Action("Protect", Kind.PROTECT, 1, PROTECT_MINUTES, environment)
        return Stage(name, (protect, Action("Approve", Kind.APPROVAL, 2, subject=environment)))

    def _environment(self, environment: str, limit: int, *, rolls_back: bool) -> Stage:
        found = environment_steps.steps(self.product, environment)
        left = deploy_minutes(self.product, environment, limit)
        actions = tuple(
            Action(f"{step.name}{names.pascal(site)}", step.kind, order, step.minutes or left, environment, site)
            for order, step in ordered(found)
            for site in (self.product.sites() if step.kind is Kind.FRONTEND else ("",))
        )
        return Stage(names.pascal(environment), actions, environment, rolls_back)

    def _release(self, limit: int) -> Stage:
        public = [("Public", Kind.PUBLIC)] if self.product.public_images() else []
        first, second = ("GitHub", Kind.RELEASE), ("Promote", Kind.PROMOTE)
        if not self.flow.images_from:  # their short tag may be another commit's, which the registry decides
            first, second = second, first
        steps = [first, second, *public]
        return Stage(
            "Release", tuple(Action(*step, order, limit // len(steps)) for order, step in enumerate(steps, start=1))
        )
