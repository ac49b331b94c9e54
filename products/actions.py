"""The actions and stages of pipelines as data."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Kind(StrEnum):
    """The kind of an action; its value is the description in docs/pipelines.md and in the build project."""

    SOURCE = "takes the commit from GitHub"
    CHECK = "runs a check"
    IMAGE = "builds and pushes an image"
    BUNDLE = "builds the frontend"
    COMPOSE = "collects what hosts need, and checks the compose files"
    MANIFESTS = "collects the Kubernetes manifests, and checks them"
    FIND = "finds the images that were built and tested of the same files"
    PUBLISH = "copies the tested image to where releases come from, and sets its tags"
    SCAN = "refuses images with known vulnerabilities"
    PROTECT = "keeps the images while a person decides"
    APPROVAL = "waits for a person's yes"
    PREPARE = "gives the migration task the new image"
    MIGRATE = "runs the migrations, once"
    DEPLOY = "updates the services and waits until they are stable"
    MIGRATE_ON_HOST = "runs the migrations, once, on one host"
    DEPLOY_TO_HOSTS = "puts the release onto one host after the other"
    MIGRATE_ON_KUBERNETES = "runs the migrations, once, as a Job"
    DEPLOY_TO_KUBERNETES = "applies the manifests with the release's images and waits for the rollout"
    FRONTEND = "uploads the frontend"
    INVALIDATE = "makes CloudFront forget the pages"
    VERIFY = "compares what runs with the release"
    VERIFY_HOSTS = "compares what each host runs with the release"
    VERIFY_KUBERNETES = "compares what the pods run with the release"
    SMOKE = "uses what was deployed as a visitor does"
    E2E = "drives the environment with a browser"
    PROMOTE = "gives the images their release tag"
    PUBLIC = "copies the released images to ECR Public"
    RELEASE = "writes the GitHub release"
    SYNTH = "writes the templates, once"
    POLICY = "refuses unsafe templates and permissions"
    REVIEW = "compares the templates with the deployed stacks"
    COMMENT = "writes the review as a comment on the commit"
    DEPLOY_STACKS = "deploys the stacks, and verifies that they are stable and run the same release"


@dataclass(frozen=True)
class Action:
    """One action of a stage."""

    name: str
    kind: Kind
    run_order: int = 1
    minutes: int = 0
    """The timeout; 0 for CodePipeline's default."""
    subject: str = ""
    """The name of the check, image or environment that the action works on."""
    site: str = ""
    """The name of the frontend that the action builds or publishes; empty for the single one."""


@dataclass(frozen=True)
class Stage:
    """One stage of a pipeline."""

    name: str
    actions: tuple[Action, ...]
    environment: str | None = None
    rolls_back: bool = False
    """True if CodePipeline rolls a failed stage back to the last successful run of it."""

    @property
    def minutes(self) -> int:
        """The timeout of the stage: the sum, over all run orders, of the longest action."""
        longest: dict[int, int] = {}
        for action in self.actions:
            longest[action.run_order] = max(longest.get(action.run_order, 0), action.minutes)
        return sum(longest.values())
