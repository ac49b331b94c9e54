"""No image that an environment runs, is about to run, or waits to run is deleted by its repository's lifecycle policy.

The policy is the synthesized one, evaluated as ECR documents it, and the handlers' own code puts the tags.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from functools import cache

import pytest
from aws_cdk.assertions import Template
from hypothesis import given, settings
from hypothesis import strategies as st

from products import names
from shared.registry import Image, protect
from stacks.registry import RegistryStack
from tests.support.fake_ecr import FakeEcr
from tests.support.manifests import product
from tests.support.synthesis import app

RELEASE_TAGS = ["v{version}-{sha7}", "release-{version}-{sha7}", "r.{version}", "prod_{version}"]
MAIN, BRANCHES = "allthrive/backend", "allthrive/branches/backend"
HOUR = 3600.0


@dataclass
class Registry:
    """The repositories of main's and of other branches' images, and what uses them."""

    policies: dict[str, str]
    repositories: dict[str, FakeEcr]
    hours: int = 0
    built: int = 0
    in_use: dict[str, str] = field(default_factory=dict)
    """The image of each use of each environment."""

    @classmethod
    def of(cls, release_tag: str) -> Registry:
        """Returns the repositories of AllThrive with this release tag."""
        policies, repositories = {}, {}
        for name, (policy, moving) in _declared(release_tag).items():
            policies[name] = policy
            repositories[name] = FakeEcr(name, moving)
        return cls(policies, repositories)

    def build(self, repository: str = MAIN, tag: str = "") -> str:
        """Pushes an image and returns its URI; after every tenth the policies are evaluated."""
        self.hours += 1
        self.built += 1
        tags = [f"commit-{self.built:040x}", *([tag] if tag else [])]
        uri = self.repositories[repository].push(f"image {self.built}", self.hours * HOUR, *tags)
        if self.built % 10 == 0:
            self.evaluate()
        return uri

    def use(self, uri: str, environment: str, use: str) -> None:
        """Does what the handlers do before an approval, before a deployment, and after it."""
        image = Image.parse(uri)
        tag = names.in_use_tag(environment, use)  # type: ignore[arg-type]  # a text from the list of uses
        protect(self.repositories[image.repository], [image], tag=tag, entered=names.ENTERED_TAG)
        self.in_use[f"{environment} {use}"] = uri

    def deploy(self, uri: str, environment: str) -> None:
        """Deploys an image to an environment."""
        self.use(uri, environment, "entering")
        self.use(uri, environment, "running")

    def evaluate(self) -> None:
        """Deletes what ECR would delete in the next two days."""
        for name, repository in self.repositories.items():
            repository.expire(self.policies[name], (self.hours + 48) * HOUR)

    def has(self, uri: str) -> bool:
        """True if the image exists."""
        return self.repositories[Image.parse(uri).repository].has(uri)


@cache
def _declared(release_tag: str) -> dict[str, tuple[str, list[str]]]:
    """Returns the lifecycle policy and the moving tags of each synthesized repository."""
    stack = RegistryStack(app(), "Registry", product=product({"pipeline.release_tag": release_tag}))
    declared = {}
    for resource in Template.from_stack(stack).find_resources("AWS::ECR::Repository").values():
        properties = resource["Properties"]
        filters = properties["ImageTagMutabilityExclusionFilters"]
        moving = [rule["ImageTagMutabilityExclusionFilterValue"] for rule in filters]
        declared[properties["RepositoryName"]] = (properties["LifecyclePolicy"]["LifecyclePolicyText"], moving)
    return declared


@pytest.mark.parametrize("release_tag", RELEASE_TAGS)
def test_production_keeps_its_image_while_300_branches_build(release_tag: str) -> None:
    registry = Registry.of(release_tag)
    running = registry.build()
    registry.deploy(running, "production")

    for _ in range(300):
        registry.build(BRANCHES)
        registry.build()

    assert registry.has(running)


def test_a_release_that_nothing_runs_any_more_stays() -> None:
    registry = Registry.of("release-{version}-{sha7}")
    released = registry.build(tag="release-1.2.0-abc1234")

    for _ in range(300):
        registry.deploy(registry.build(), "staging")

    assert registry.has(released)


def test_an_image_that_waits_for_an_approval_outlives_300_builds_that_enter_staging() -> None:
    registry = Registry.of("v{version}-{sha7}")
    waiting = registry.build()
    registry.deploy(waiting, "staging")
    registry.use(waiting, "production", "waiting")

    for _ in range(300):
        registry.deploy(registry.build(), "staging")

    assert registry.has(waiting)


def test_the_runs_that_queue_behind_an_approval_keep_their_images() -> None:
    registry = Registry.of("v{version}-{sha7}")
    queued = [registry.build() for _ in range(1)]
    registry.use(queued[0], "production", "waiting")
    for _ in range(50):
        queued.append(registry.build())
        registry.deploy(queued[-1], "staging")

    assert all(registry.has(uri) for uri in queued)


@pytest.mark.parametrize("repository", [MAIN, BRANCHES])
def test_staging_keeps_its_image_while_it_is_idle(repository: str) -> None:
    registry = Registry.of("v{version}-{sha7}")
    running = registry.build(repository)
    registry.deploy(running, "staging")

    for _ in range(200):
        registry.build(repository)

    assert registry.has(running)


def test_production_keeps_the_old_release_that_it_was_rolled_back_to() -> None:
    registry = Registry.of("v{version}-{sha7}")
    old = registry.build()
    registry.deploy(old, "production")
    for _ in range(60):
        registry.deploy(registry.build(), "production")
    registry.deploy(old, "production")

    for _ in range(200):
        registry.deploy(registry.build(), "staging")

    assert registry.has(old)


def test_production_keeps_what_runs_while_every_newer_deployment_fails() -> None:
    registry = Registry.of("v{version}-{sha7}")
    running = registry.build()
    registry.deploy(running, "production")

    for _ in range(200):
        registry.use(registry.build(), "production", "entering")

    assert registry.has(running)


def test_what_is_in_no_use_goes_in_the_end() -> None:
    registry = Registry.of("v{version}-{sha7}")
    for _ in range(400):
        registry.deploy(registry.build(), "staging")
        registry.build(BRANCHES)

    assert len(registry.repositories[MAIN].pushed) <= 101
    assert len(registry.repositories[BRANCHES].pushed) <= 31


STEPS = st.lists(
    st.tuples(
        st.sampled_from(["build", "branch", "burst", "wait", "enter", "deploy", "back"]),
        st.sampled_from(["staging", "production"]),
        st.integers(0, 200),
    ),
    min_size=1,
    max_size=25,
)


@pytest.mark.parametrize("release_tag", RELEASE_TAGS)
@settings(max_examples=20, deadline=None)
@given(steps=STEPS)
def test_whatever_happens_what_is_in_use_exists(release_tag: str, steps: list[tuple[str, str, int]]) -> None:
    registry = Registry.of(release_tag)
    known = [registry.build()]
    for step, environment, number in steps:
        alive = [uri for uri in known if registry.has(uri)] or [registry.build()]
        chosen = alive[number % len(alive)]
        match step:
            case "build":
                known.append(registry.build())
            case "branch":
                known.append(registry.build(BRANCHES))
            case "burst":
                for _ in range(number):
                    registry.build(BRANCHES if number % 2 else MAIN)
            case "wait":
                registry.use(alive[-1], "production", "waiting")
            case "enter":
                registry.use(chosen, environment, "entering")
            case _:
                registry.deploy(chosen, environment)
        missing = [use for use, uri in registry.in_use.items() if not registry.has(uri)]
        assert not missing


def test_each_rule_has_one_pattern_of_at_most_four_wildcards() -> None:
    for policy in Registry.of("release-{version}-{sha7}").policies.values():
        lists = [rule["selection"].get("tagPatternList", ["*"]) for rule in json.loads(policy)["rules"]]
        assert {len(patterns) for patterns in lists} == {1}
        assert all(pattern.count("*") <= 4 for (pattern,) in lists)
