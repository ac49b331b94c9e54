"""Tokens of GitHub's issuer, for jobs that should get a role and for all others.

A token is derived from a job, as GitHub does it, so that the token of a fork or a feature branch differs in all claims
that would differ. Each tampered token differs in one claim.
docs.github.com/en/actions/reference/security/oidc
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import cache

from products import Product, load, names
from products.flows import startable
from tests.support.manifests import product
from tests.support.synthesis import PRODUCTS, Synthesis, shipped
from tests.support.trust import Request

HOST = "token.actions.githubusercontent.com"
FORMATS = ("names", "ids")
# The claims that STS maps to condition keys, beside aud and sub: AWS, 2026-01, "STS supports validation of identity
# provider claims". A condition on any other claim is never true.
EXPOSED = (
    "actor",
    "actor_id",
    "environment",
    "enterprise_id",
    "job_workflow_ref",
    "ref",
    "repository",
    "repository_id",
)

Claims = dict[str, str | list[str]]


@dataclass(frozen=True)
class Job:
    """A job of GitHub Actions."""

    owner: str
    name: str
    owner_id: int
    repository_id: int
    event: str = "push"
    ref: str = "refs/heads/main"
    environment: str | None = None
    format: str = "names"
    """The format of the subject that the repository uses."""
    workflow: str = ""
    """The reusable workflow that the job runs, if any."""

    @property
    def subject(self) -> str:
        """Returns the `sub` claim: an environment has priority over an event, an event over a branch."""
        ids = self.format == "ids"
        whole = f"{self.owner}@{self.owner_id}/{self.name}@{self.repository_id}" if ids else f"{self.owner}/{self.name}"
        if self.environment is not None:
            return f"repo:{whole}:environment:{self.environment.replace(':', '%3A')}"
        return f"repo:{whole}:{'pull_request' if self.event.startswith('pull_request') else f'ref:{self.ref}'}"

    def claims(self, **changed: str | list[str] | None) -> Claims:
        """Returns the claims, some replaced; None removes a claim."""
        repository = f"{self.owner}/{self.name}"
        found: Mapping[str, str | list[str] | None] = {
            "aud": "sts.amazonaws.com",
            "sub": self.subject,
            "ref": self.ref,
            "repository": repository,
            "repository_id": str(self.repository_id),
            "repository_owner": self.owner,
            "repository_owner_id": str(self.owner_id),
            "event_name": self.event,
            "environment": self.environment,
            "actor": "somebody",
            "actor_id": "4711",
            "job_workflow_ref": self.workflow or f"{repository}/.github/workflows/ci.yml@{self.ref}",
            **changed,
        }
        return {key: value for key, value in found.items() if value is not None}


def request(claims: Claims, account: str, host: str = HOST) -> Request:
    """Returns the request of STS for a token whose issuer the account has as a provider."""
    keys = {f"{host}:{name}": value for name, value in claims.items() if name in ("aud", "sub", *EXPOSED)}
    return Request("sts:AssumeRoleWithWebIdentity", "Federated", f"arn:aws:iam::{account}:oidc-provider/{host}", keys)


def own(product: Product, form: str) -> Job:
    """Returns a push to the branch of a product's own repository."""
    source = product.repository
    ref = f"refs/heads/{source.branch}"
    return Job(source.owner, source.name, source.owner_id, source.id, ref=ref, format=form)


def pushing() -> Product:
    """Returns a product without a pipeline, whose jobs in GitHub's environment `tooling` push the images."""
    source = {"owner": "acme", "name": "shop", "owner_id": 90000009, "id": 700000009}
    return product({"name": "shop", "repository": source, "pipeline": None, "tooling.oidc_provider": "existing"})


def products() -> dict[str, Product]:
    """Returns the shipped products and the product without a pipeline, by name."""
    return {**{name: load(name) for name in PRODUCTS}, "shop": pushing()}


def synthesized(name: str) -> Synthesis:
    """Returns the synthesized stacks of one of these products."""
    return shipped(name) if name in PRODUCTS else _pushing()


@cache
def _pushing() -> Synthesis:
    return Synthesis(pushing())


def legitimate(product: Product, form: str) -> dict[str, tuple[Job, str]]:
    """Returns the jobs that get a role, each with the prefix of the role's name."""
    push = own(product, form)
    generated = names.stack("tooling", product.name, "identity")
    jobs = {f"pull request{what}": (job, f"{generated}-Diff") for what, job in _ways(_pull(push))}
    if product.pipeline is None:
        by_hand = replace(push, event="workflow_dispatch", environment="tooling")
        return {**jobs, **{f"images{what}": (job, f"{generated}-ImagePush") for what, job in _ways(by_hand)}}
    for name in product.environments:
        if not startable(product, name):  # its deployments are parts of others' pipelines, so no job starts one
            continue
        job = replace(push, event="workflow_dispatch", environment=name)
        role = names.github_role(name, product.name)
        jobs |= {f"environment {name}{what}": (variant, role) for what, variant in _ways(job) + _events(job)}
    return jobs


def _pull(push: Job) -> Job:
    return replace(push, event="pull_request", ref="refs/pull/17/merge")


def _ways(job: Job) -> list[tuple[str, Job]]:
    """Returns the same job, and the job with a foreign reusable workflow.

    Only a merged change can call one, so it is trusted. `job_workflow_ref` is not a condition: GitHub documents it only
    for jobs with a reusable workflow, so a condition on it could exclude all other jobs.
    """
    shared = replace(job, workflow="octo/shared/.github/workflows/x.yml@v1")
    return [("", job), (", reusable workflow of others", shared)]


def _events(job: Job) -> list[tuple[str, Job]]:
    """Returns the job, started by other events on the branch.

    STS has no condition key for the event. Only the protection rules of the GitHub environment, above all its
    reviewers, stop such a job (docs/deploying-to-aws.md).
    """
    events = ("push", "schedule", "issue_comment", "workflow_run", "repository_dispatch", "pull_request_target")
    return [(f", {event}", replace(job, event=event)) for event in events]


def hostile(product: Product, form: str) -> dict[str, Claims]:
    """Returns tokens of foreign or tampered jobs, which may not get any role."""
    push = own(product, form)
    pull = _pull(push)
    deploy = replace(push, environment="production")
    fork = replace(push, owner="mallory", owner_id=666, repository_id=6660001)
    return {
        **{name: job.claims() for name, job in _elsewhere(push, pull, deploy, fork).items()},
        **{name: job.claims() for name, job in _other_jobs(push, pull, deploy).items()},
        **{name: job.claims() for name, job in _without_environment(push).items()},
        **{name: job.claims() for name, job in _odd_names(push, deploy).items()},
        **_incomplete(pull, push, deploy),
        **_tampered(pull, push, deploy, fork),
    }


def _elsewhere(push: Job, pull: Job, deploy: Job, fork: Job) -> dict[str, Job]:
    """Returns jobs of other repositories, including those with a former or future name of ours."""
    name, owner = push.name, push.owner
    reborn, squatted = push.repository_id + 1, push.owner_id + 1
    return {
        "fork: push to main": fork,
        "fork: pull request within it": replace(fork, event="pull_request", ref="refs/pull/1/merge"),
        "fork: environment production": replace(fork, environment="production"),
        "another repository of ours: push to main": replace(push, name="website", repository_id=700000099),
        "another repository of ours: pull request": replace(pull, name="website", repository_id=700000099),
        "another repository of ours: production": replace(deploy, name="website", repository_id=700000099),
        "repository with a longer name": replace(push, name=f"{name}-tools", repository_id=700000098),
        "repository with a longer name: production": replace(deploy, name=f"{name}-tools", repository_id=700000098),
        "owner with a longer name": replace(push, owner=f"{owner}-labs", owner_id=667, repository_id=6670001),
        "owner with a longer name: production": replace(deploy, owner=f"{owner}-labs", owner_id=667, repository_id=6),
        "owner with a shorter name": replace(push, owner=owner[:-1], owner_id=668, repository_id=6680001),
        "ours after a renaming": replace(push, name=f"{name}-old"),
        "ours after a renaming: production": replace(deploy, name=f"{name}-old"),
        "ours after a transfer": replace(push, owner="buyer", owner_id=669),
        "ours after a transfer: production": replace(deploy, owner="buyer", owner_id=669),
        "our name, deleted and made again": replace(push, repository_id=reborn),
        "our name, deleted and made again: pull request": replace(pull, repository_id=reborn),
        "our name, deleted and made again: production": replace(deploy, repository_id=reborn),
        "our owner's name, given up and taken": replace(push, owner_id=squatted, repository_id=reborn),
        "our owner's name, given up and taken: production": replace(deploy, owner_id=squatted, repository_id=reborn),
        "name in another case": replace(push, name=name.upper(), repository_id=reborn),
    }


def _other_jobs(push: Job, pull: Job, deploy: Job) -> dict[str, Job]:
    """Returns jobs of our own repository that should get no role."""
    return {
        "push to a feature branch": replace(push, ref="refs/heads/feature/x"),
        "push to a branch with a longer name": replace(push, ref=f"{push.ref}-2"),
        "push to a branch below": replace(push, ref=f"{push.ref}/x"),
        "push to a branch in another case": replace(push, ref="refs/heads/Main"),
        "push of a tag": replace(push, ref="refs/tags/v1.0.0"),
        "push of a tag called like the branch": replace(push, ref="refs/tags/main"),
        "merge queue": replace(push, event="merge_group", ref="refs/heads/gh-readonly-queue/main/pr-17-0a1b2c"),
        "branch called like an environment": replace(push, ref="refs/heads/environment/production"),
        # It runs with the permissions of the base branch on a foreign request: zizmor's dangerous-triggers.
        "pull_request_target": replace(push, event="pull_request_target"),
        "pull_request_target of production, before a merge": replace(
            deploy, event="pull_request_target", ref="refs/pull/17/head"
        ),
        "pull request's head instead of its merge": replace(pull, ref="refs/pull/17/head"),
        "pull request that was merged": replace(pull, ref=push.ref),
        "production from a feature branch": replace(deploy, ref="refs/heads/feature/x"),
        "production from a tag": replace(deploy, ref="refs/tags/v1.0.0"),
        "production from a pull request": replace(deploy, event="pull_request", ref="refs/pull/17/merge"),
        "production from a branch with a longer name": replace(deploy, ref=f"{deploy.ref}-2"),
        "staging from a feature branch": replace(deploy, environment="staging", ref="refs/heads/feature/x"),
        "an environment nobody deploys to": replace(deploy, environment="preview"),
        "environment with a longer name": replace(deploy, environment="production-eu"),
        "environment in another case": replace(deploy, environment="Production"),
        "environment without a name": replace(deploy, environment=""),
        "environment called like a branch": replace(deploy, environment=f"production:ref:{deploy.ref}"),
    }


def _without_environment(push: Job) -> dict[str, Job]:
    """Returns jobs of the branch without an environment, which nobody reviews."""
    ref = push.ref.replace("refs/heads/", "")
    events = ("push", "schedule", "issue_comment", "workflow_run", "workflow_dispatch", "repository_dispatch")
    shared = f"octo/shared/.github/workflows/x.yml@refs/heads/{ref}"
    return {
        **{f"{event} on the branch, without environment": replace(push, event=event) for event in events},
        "reusable workflow of others, without environment": replace(push, workflow=shared),
    }


def _odd_names(push: Job, deploy: Job) -> dict[str, Job]:
    """Returns jobs with misleading names of branches and environments."""
    branches = ("environment:production", "main:environment:production", "ma?n", "*", "main%0A", "refs/heads/main")
    environments = ("*", "produc*", "productio?", "production ", " production", "production/", "PRODUCTION", "tooling*")
    return {
        **{f"branch {name}": replace(push, ref=f"refs/heads/{name}") for name in branches},
        **{f"production from the branch {name}": replace(deploy, ref=f"refs/heads/{name}") for name in branches},
        "tag environment:production": replace(push, ref="refs/tags/environment:production"),
        **{f"environment '{name}'": replace(deploy, environment=name) for name in environments},
    }


def _incomplete(pull: Job, push: Job, deploy: Job) -> dict[str, Claims]:
    missing = {
        f"{kind} without {claim}": job.claims(**{claim: None})
        for kind, job in {"pull request": pull, "push": push, "production": deploy}.items()
        for claim in ("aud", "sub", "repository_id", "ref")
    }
    return {**missing, "nothing but an audience": {"aud": "sts.amazonaws.com"}}


def _tampered(pull: Job, push: Job, deploy: Job, fork: Job) -> dict[str, Claims]:
    whole = push.subject.partition(":ref:")[0]
    return {
        "audience of GitHub's default": push.claims(aud=f"https://github.com/{push.owner}"),
        "audience of Sigstore": push.claims(aud="sigstore"),
        "audience with a suffix": push.claims(aud="sts.amazonaws.com.evil.example"),
        "audience in another case": push.claims(aud="STS.amazonaws.com"),
        "no audience": push.claims(aud=None),
        "several audiences": deploy.claims(aud=["sts.amazonaws.com", "sigstore"]),
        "several audiences, ours last": deploy.claims(aud=["sigstore", "sts.amazonaws.com"]),
        "subject of ours, id of a fork": push.claims(repository_id=str(fork.repository_id)),
        "subject of a fork, id of ours": fork.claims(repository_id=str(push.repository_id)),
        "subject of a pull request, of a fork": pull.claims(repository_id=str(fork.repository_id)),
        "subject of production, of a fork": deploy.claims(repository_id=str(fork.repository_id)),
        "subject with an id with a suffix": push.claims(sub=f"{whole}9:ref:{push.ref}"),
        "subject in another case": push.claims(sub=push.subject.upper()),
        "subject after a space": push.claims(sub=f" {push.subject}"),
        "subject before a line's end": push.claims(sub=f"{push.subject}\n"),
        "subject of a wildcard": push.claims(sub="repo:*"),
        "subject of wildcards for ours": push.claims(sub=f"{whole}:*"),
        "subject of another pattern": push.claims(sub=f"repository_id:{push.repository_id}"),
        "subject that is empty": push.claims(sub=""),
        "subject of production before a space": deploy.claims(sub=f"{deploy.subject} "),
        "subject of production before a null": deploy.claims(sub=f"{deploy.subject}\0"),
        "subject of production in capitals": deploy.claims(sub=deploy.subject.upper()),
        "reference of production before a line's end": deploy.claims(ref=f"{deploy.ref}\n"),
        "id of ours after zeros": deploy.claims(repository_id=f"00{deploy.repository_id}"),
        "subject twice": deploy.claims(sub=[fork.subject, deploy.subject]),
        "environment of ours after a fork's name": push.claims(sub=f"{fork.subject}:{deploy.subject}"),
        "id of a wildcard": push.claims(repository_id="*"),
        "reference of a wildcard": deploy.claims(ref="*"),
    }


# --- mistakes --------------------------------------------------------------------------------------------------------

Condition = dict[str, dict[str, str | list[str]]]


@dataclass(frozen=True)
class Mistake:
    """A common mistake in a trust policy, and the token that exploits it."""

    name: str
    token: str
    plant: Callable[[Condition], Condition]
    """Returns the wrong condition, from the correct one."""
    role: str = "production-allthrive-github-actions-role"
    form: str = "names"


def _renamed(operator: str) -> Callable[[Condition], Condition]:
    """Returns a function that moves all claims to another operator."""
    return lambda right: {operator: {key: value for block in right.values() for key, value in block.items()}}


def _without(*claims: str) -> Callable[[Condition], Condition]:
    keys = {f"{HOST}:{claim}" for claim in claims}
    return lambda right: {
        operator: {key: value for key, value in block.items() if key not in keys} for operator, block in right.items()
    }


def _with(
    operator: str, claim: str, value: str, *, instead_of: tuple[str, ...] = ()
) -> Callable[[Condition], Condition]:
    """Returns a function that moves one claim to another operator and removes others."""

    def planted(right: Condition) -> Condition:
        rest = _without(claim, *instead_of)(right)
        return {**rest, operator: {**rest.get(operator, {}), f"{HOST}:{claim}": value}}

    return planted


_OURS = "repo:allthrive-ai/allthrive"
_PINS = ("repository_id", "ref")
_DIFF = "tooling-allthrive-identity-Diff"

MISTAKES = (
    Mistake("no subject", "push without sub", _without("sub", *_PINS)),
    Mistake("no audience", "production without aud", _without("aud")),
    Mistake("no repository id", "our name, deleted and made again: production", _without("repository_id")),
    Mistake("no reference: environment only", "production from a feature branch", _without("ref")),
    Mistake("no reference for pull requests", "pull_request_target", _without("ref"), role=_DIFF),
    Mistake("ForAllValues", "nothing but an audience", _renamed("ForAllValues:StringEquals")),
    Mistake("IfExists", "nothing but an audience", _renamed("StringEqualsIfExists")),
    Mistake("case ignored", "environment in another case", _renamed("StringEqualsIgnoreCase")),
    Mistake("owner*", "owner with a longer name", _with("StringLike", "sub", "repo:allthrive-ai*", instead_of=_PINS)),
    Mistake(
        "owner/*",
        "another repository of ours: push to main",
        _with("StringLike", "sub", "repo:allthrive-ai/*", instead_of=_PINS),
    ),
    Mistake("repository*", "repository with a longer name", _with("StringLike", "sub", f"{_OURS}*", instead_of=_PINS)),
    Mistake("repository:*", "push to a feature branch", _with("StringLike", "sub", f"{_OURS}:*", instead_of=_PINS)),
    Mistake(
        "repository:* beside the id",
        "push to a feature branch",
        _with("StringLike", "sub", f"{_OURS}:*", instead_of=("ref",)),
    ),
    Mistake(
        "any id",
        "our owner's name, given up and taken: production",
        _with("StringLike", "sub", "repo:allthrive-ai@*/allthrive@*:environment:production", instead_of=_PINS),
        form="ids",
    ),
    Mistake("environment:*", "an environment nobody deploys to", _with("StringLike", "sub", f"{_OURS}:environment:*")),
    Mistake(
        "any environment that begins so",
        "environment with a longer name",
        _with("StringLike", "sub", f"{_OURS}:environment:production*"),
    ),
    Mistake(
        "any branch that begins so",
        "production from a branch with a longer name",
        _with("StringLike", "ref", "refs/heads/main*"),
    ),
    Mistake("any branch", "production from a feature branch", _with("StringLike", "ref", "refs/heads/*")),
    Mistake(
        "any reference of a pull request",
        "pull request's head instead of its merge",
        _with("StringLike", "ref", "refs/pull/*"),
        role=_DIFF,
    ),
    Mistake(
        "subject of the id alone",
        "fork: push to main",
        lambda _: {"StringEquals": {f"{HOST}:aud": "sts.amazonaws.com"}},
    ),
    Mistake(
        "one of many subjects",
        "subject twice",
        _with("ForAnyValue:StringEquals", "sub", f"{_OURS}:environment:production"),
    ),
)
