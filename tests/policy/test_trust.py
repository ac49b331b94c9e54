"""Tries each kind of token, service and role on each synthesized role."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from typing import Any

import pytest

from products import load, names
from products.flows import deliveries
from tests.support.github_tokens import (
    FORMATS,
    HOST,
    MISTAKES,
    Claims,
    hostile,
    legitimate,
    products,
    request,
    synthesized,
)
from tests.support.synthesis import PRODUCTS, Json, listed, shipped
from tests.support.trust import Request, admits, met, roles

ACCOUNT = "111122223333"


@pytest.fixture(scope="module")
def trusts() -> dict[str, Json]:
    """Returns the roles of all products, which may share an account: no product may assume a role of another."""
    return {arn: document for product in products() for arn, document in roles(synthesized(product)).items()}


ACCOUNTS = sorted({product.tooling.account for product in products().values()})


def assumed_with(trusts: dict[str, Json], claims: Claims, host: str = HOST) -> set[str]:
    """Returns the roles that a token of GitHub gets in all accounts, which trust the same issuer."""
    return set().union(*(assumed(trusts, request(claims, account, host)) for account in ACCOUNTS))


def assumed(trusts: dict[str, Json], request: Request) -> set[str]:
    return {arn.partition(":role/")[2] for arn, document in trusts.items() if admits(document, request)}


# --- GitHub's tokens -------------------------------------------------------------------------------------------------


def _legitimate() -> Iterator[Any]:
    for name, product in products().items():
        for form in FORMATS:
            for what, (job, role) in legitimate(product, form).items():
                yield pytest.param(job.claims(), role, id=f"{name}, {form}: {what}")


def _hostile() -> Iterator[Any]:
    for name, product in products().items():
        for form in FORMATS:
            for what, claims in hostile(product, form).items():
                yield pytest.param(claims, id=f"{name}, {form}: {what}")


def test_the_matrix_has_many_tokens_of_each_format() -> None:
    for product in products().values():
        for form in FORMATS:
            tokens = [str(job.claims()) for job, _ in legitimate(product, form).values()]
            tokens += [str(claims) for claims in hostile(product, form).values()]
            assert len(set(tokens)) > 100


@pytest.mark.parametrize(("claims", "role"), list(_legitimate()))
def test_a_legitimate_job_gets_exactly_one_role(trusts: dict[str, Json], claims: Claims, role: str) -> None:
    (found,) = assumed_with(trusts, claims)

    assert found.startswith(role)


@pytest.mark.parametrize("claims", list(_hostile()))
def test_a_hostile_token_gets_no_role(trusts: dict[str, Json], claims: Claims) -> None:
    assert assumed_with(trusts, claims) == set()


@pytest.mark.parametrize("host", ["gitlab.com", f"{HOST}/acme", f"{HOST}.evil.example"])
def test_a_token_of_another_issuer_gets_no_role(trusts: dict[str, Json], host: str) -> None:
    """A GitHub enterprise may have its own issuer, below the same host name."""
    for job, _ in legitimate(load("allthrive"), "names").values():
        assert assumed_with(trusts, job.claims(), host) == set()


def test_a_provider_of_another_account_gets_no_role(trusts: dict[str, Json]) -> None:
    for job, _ in legitimate(load("allthrive"), "ids").values():
        assert assumed(trusts, request(job.claims(), "999900001111")) == set()


@pytest.mark.parametrize("mistake", MISTAKES, ids=lambda mistake: mistake.name)
def test_a_token_exploits_each_common_mistake(trusts: dict[str, Json], mistake: Any) -> None:
    (arn,) = [arn for arn in trusts if arn.partition(":role/")[2].startswith(mistake.role)]
    planted = copy.deepcopy(trusts[arn])
    (statement,) = planted["Statement"]
    statement["Condition"] = mistake.plant(statement["Condition"])
    token = hostile(load("allthrive"), mistake.form)[mistake.token]

    assert not admits(trusts[arn], request(token, ACCOUNT))
    assert admits(planted, request(token, ACCOUNT)), f"{mistake.token} does not exploit: {mistake.name}"


def test_a_subject_that_two_roles_trust_is_found(trusts: dict[str, Json]) -> None:
    doubled = {
        **trusts,
        "arn:aws:iam::111122223333:role/second": next(
            document for arn, document in trusts.items() if ":role/production-allthrive-github" in arn
        ),
    }
    job, _ = legitimate(load("allthrive"), "names")["environment production"]

    assert len(assumed(doubled, request(job.claims(), ACCOUNT))) == 2


# --- services --------------------------------------------------------------------------------------------------------


def by_service(service: str, source: str | None, account: str = ACCOUNT) -> Request:
    keys = {"aws:SourceArn": source, "aws:SourceAccount": account} if source else {}
    return Request("sts:AssumeRole", "Service", service, keys)


def _sources(kind: str, service: str) -> list[str]:
    kinds = {"codebuild": "project/", "codepipeline": ""}
    return [
        f"arn:aws:{service}:us-east-1:{load(product).tooling.account}:{kinds[service]}{resource['Properties']['Name']}"
        for product in PRODUCTS
        for resource in shipped(product).resources(kind).values()
    ]


@pytest.mark.parametrize(
    ("service", "kind"), [("codebuild", "AWS::CodeBuild::Project"), ("codepipeline", "AWS::CodePipeline::Pipeline")]
)
def test_each_build_project_and_pipeline_assumes_its_own_role(trusts: dict[str, Json], service: str, kind: str) -> None:
    sources = _sources(kind, service)
    found = [
        assumed(trusts, by_service(f"{service}.amazonaws.com", source, source.split(":")[4])) for source in sources
    ]

    assert sources
    assert [len(assumed_roles) for assumed_roles in found] == [1] * len(sources)
    assert len(set.union(*found)) == len(sources)


@pytest.mark.parametrize(
    "source",
    [
        "arn:aws:codebuild:us-east-1:999900001111:project/allthrive-main-publish-backend",
        f"arn:aws:codebuild:us-west-2:{ACCOUNT}:project/allthrive-main-publish-backend",
        f"arn:aws:codebuild:us-east-1:{ACCOUNT}:project/allthrive-main-publish-backend-2",
        f"arn:aws:codebuild:us-east-1:{ACCOUNT}:project/*",
        None,
    ],
)
def test_a_foreign_build_project_assumes_no_role(trusts: dict[str, Json], source: str | None) -> None:
    account = source.split(":")[4] if source else ACCOUNT
    assert assumed(trusts, by_service("codebuild.amazonaws.com", source, account)) == set()


def test_only_these_services_assume_roles_without_a_condition(trusts: dict[str, Json]) -> None:
    """Passing such a role requires iam:PassRole, which no role of ours has, except for a migration's roles."""
    found = {
        service
        for document in trusts.values()
        for statement in document["Statement"]
        if "Condition" not in statement
        for service in [statement["Principal"].get("Service")]
        if service
    }

    services = {"backup", "ec2", "lambda"}  # EC2: the NAT instance, and hosts
    assert found == {f"{service}.amazonaws.com" for service in services}


# --- roles that assume roles -----------------------------------------------------------------------------------------


def expected_callers(product: str) -> dict[str, set[str]]:
    """Returns the access roles of a product's environments, each with the roles that may assume it."""
    manifest = load(product)
    found: dict[str, set[str]] = {}
    for environment in manifest.environments:
        on_hosts = environment not in manifest.on_fargate()  # one function does all steps there
        for task in ("deploy",) if on_hosts else ("deploy", "verify", "migrate", "invalidate"):
            handler = names.handler_role(product, environment, task)
            found[names.access_role(environment, product, task)] = {handler}
        if manifest.pipeline and manifest.pipeline.drift:
            found[names.access_role(environment, product, "drift")] = {names.drift_role(product)}
        if not manifest.migration:
            found.pop(names.access_role(environment, product, "migrate"), None)
        if not manifest.sites():
            found.pop(names.access_role(environment, product, "invalidate"), None)
        if manifest.pipeline and manifest.pipeline.infrastructure:
            found[names.access_role(environment, product, "review")] = {names.infrastructure_role(product, "review")}
        flows = [delivery.flow_name for delivery in deliveries(manifest) if environment in delivery.environments()]
        if not manifest.sites():
            continue
        publishing = {names.build_role(product, flow, environment) for flow in flows}
        found[names.access_role(environment, product, "publish")] = publishing
    return found


def by_role(arn: str) -> Request:
    return Request("sts:AssumeRole", "AWS", arn, {"aws:PrincipalArn": arn})


def test_a_role_is_assumed_only_by_the_roles_it_is_made_for(trusts: dict[str, Json]) -> None:
    found: dict[str, set[str]] = {}
    for caller in trusts:
        for role in assumed(trusts, by_role(caller)):
            found.setdefault(role, set()).add(caller.partition(":role/")[2])
    access = {role: callers for role, callers in found.items() if "-pipeline-" in role}
    actions = {role: callers for role, callers in found.items() if role not in access}

    assert access == {role: callers for product in PRODUCTS for role, callers in expected_callers(product).items()}
    for role, callers in actions.items():  # the pipeline's own role assumes the roles of its actions
        (caller,) = callers
        flow = caller.rpartition("-delivery-")[2].partition("Role")[0]
        assert role.startswith(f"{caller.partition('-delivery-')[0]}-delivery-{flow}"), role


@pytest.mark.parametrize(
    "caller",
    [
        f"arn:aws:iam::{ACCOUNT}:root",
        f"arn:aws:iam::{ACCOUNT}:user/tooling-allthrive-production-deploy",
        f"arn:aws:iam::{ACCOUNT}:role/cdk-hnb659fds-deploy-role-{ACCOUNT}-us-east-1",
        f"arn:aws:iam::{ACCOUNT}:role/tooling-allthrive-production-deploy-2",
        f"arn:aws:iam::{ACCOUNT}:role/path/tooling-allthrive-production-deploy",
        f"arn:aws:iam::{ACCOUNT}:role/Tooling-Allthrive-Production-Deploy",
        f"arn:aws:iam::{ACCOUNT}:role/*",
        "arn:aws:iam::999900001111:role/tooling-allthrive-production-deploy",
        "arn:aws:iam::999900001111:root",
    ],
)
def test_no_other_principal_assumes_a_role(trusts: dict[str, Json], caller: str) -> None:
    assert assumed(trusts, by_role(caller)) == set()


# --- the evaluator itself --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("operator", "wanted", "given", "expected"),
    [
        ("StringEquals", "a", "a", True),
        ("StringEquals", ["b", "a"], "a", True),
        ("StringEquals", "a", "A", False),
        ("StringEquals", "a*", "ab", False),
        ("StringEquals", "a", None, False),
        ("StringEquals", [], "a", False),
        ("StringEquals", "a", ["a"], False),
        ("StringEqualsIfExists", "a", None, True),
        ("StringEqualsIfExists", "a", "b", False),
        ("StringEqualsIgnoreCase", "a", "A", True),
        ("StringNotEquals", "a", "b", True),
        ("StringNotEquals", ["a", "b"], "b", False),
        ("StringNotEquals", "a", None, True),
        ("StringLike", "a*", "a", True),
        ("StringLike", "a?", "a", False),
        ("StringLike", "a?c", "abc", True),
        ("StringLike", "A*", "abc", False),
        ("StringLike", "a[bc]", "ab", False),
        ("StringLike", "a*", "a\nb", True),
        ("StringNotLike", "a*", "b", True),
        ("ForAllValues:StringEquals", ["a", "b"], ["a"], True),
        ("ForAllValues:StringEquals", ["a", "b"], ["a", "c"], False),
        ("ForAllValues:StringEquals", "a", None, True),
        ("ForAllValues:StringEquals", "a", [], True),
        ("ForAllValues:StringEquals", "a", "b", False),
        ("ForAnyValue:StringEquals", "a", ["c", "a"], True),
        ("ForAnyValue:StringEquals", "a", ["c"], False),
        ("ForAnyValue:StringEquals", "a", None, False),
        ("ForAnyValue:StringLike", "a*", ["c", "ab"], True),
        ("ArnEquals", "arn:aws:iam::1:role/a*", "arn:aws:iam::1:role/ab", True),
        ("ArnLike", "arn:aws:iam::*:role/a", "arn:aws:iam::1:role/a", True),
        ("ArnLike", "arn:aws:*:role/a", "arn:aws:iam::1:role/a", False),
        ("Null", "true", None, True),
        ("Null", "false", None, False),
        ("Null", "false", "a", True),
    ],
)
def test_a_condition_is_evaluated_as_iam_documents_it(operator: str, wanted: Any, given: Any, expected: bool) -> None:
    assert met(operator, wanted, given) is expected


def test_an_unsupported_operator_raises() -> None:
    with pytest.raises(NotImplementedError, match="NumericEquals"):
        met("NumericEquals", "1", "1")


def test_keys_ignore_case_and_a_denial_has_priority() -> None:
    allow = {"Effect": "Allow", "Action": "STS:Assume*", "Principal": {"AWS": ACCOUNT}}
    deny = {
        **allow,
        "Effect": "Deny",
        "Condition": {"StringEquals": {"AWS:principalarn": f"arn:aws:iam::{ACCOUNT}:role/a"}},
    }
    document = {"Statement": [allow, deny]}

    assert admits(document, by_role(f"arn:aws:iam::{ACCOUNT}:role/b"))
    assert not admits(document, by_role(f"arn:aws:iam::{ACCOUNT}:role/a"))
    assert not admits({"Statement": allow}, by_role("arn:aws:iam::999900001111:role/b"))


# --- services --------------------------------------------------------------------------------------------------------

# Services that send a source account or ARN when they assume a role, each with its documentation.
CONFINED = {
    # docs.aws.amazon.com/codebuild/latest/userguide/cross-service-confused-deputy-prevention.html
    "codebuild.amazonaws.com": {"aws:SourceAccount", "aws:SourceArn"},
    # docs.aws.amazon.com/codepipeline/latest/userguide/cross-service-confused-deputy-prevention.html
    "codepipeline.amazonaws.com": {"aws:SourceAccount", "aws:SourceArn"},
    # docs.aws.amazon.com/AmazonECS/latest/developerguide/task-iam-roles.html; it does not mention execution
    # roles, but AWS restricts them by account: github.com/aws/agent-toolkit-for-aws, scripts/ecs-trust-policy.json
    "ecs-tasks.amazonaws.com": {"aws:SourceAccount"},
    # docs.aws.amazon.com/scheduler/latest/UserGuide/cross-service-confused-deputy-prevention.html
    "scheduler.amazonaws.com": {"aws:SourceAccount", "aws:SourceArn"},
    # docs.aws.amazon.com/vpc/latest/userguide/flow-logs-iam-role.html
    "vpc-flow-logs.amazonaws.com": {"aws:SourceAccount", "aws:SourceArn"},
}
# Only products with schedules have such a role; tests/stacks/test_schedules.py tests its conditions.
UNUSED = {"scheduler.amazonaws.com"}
# Services that send neither, as far as documented. Creating their resources requires passing the role, and a role
# cannot be passed to another account: docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_use_passrole.html
UNCONFINED = {"backup.amazonaws.com", "ec2.amazonaws.com", "lambda.amazonaws.com"}


def service_statements(trusts: dict[str, Json]) -> Iterator[tuple[str, str, Json]]:
    for arn, document in trusts.items():
        for statement in document["Statement"]:
            for service in listed(statement["Principal"].get("Service", [])):
                yield arn, service, statement


def test_every_service_assumes_roles_only_for_this_account(trusts: dict[str, Json]) -> None:
    found = list(service_statements(trusts))
    for arn, service, statement in found:
        if service in UNCONFINED:
            continue
        condition = statement.get("Condition", {})
        keys = {key for block in condition.values() for key in block}
        assert CONFINED[service] <= keys, arn
        account = arn.split(":")[4]
        assert condition["StringEquals"]["aws:SourceAccount"] == account, arn
        sources = [str(block["aws:SourceArn"]) for block in condition.values() if "aws:SourceArn" in block]
        assert all(f":{account}:" in source for source in sources), arn

    assert {service for _, service, _ in found} | UNUSED == CONFINED.keys() | UNCONFINED


def test_a_task_role_is_assumed_only_for_tasks_of_ecs(trusts: dict[str, Json]) -> None:
    roles_of_tasks = [
        statement
        for arn, service, statement in service_statements(trusts)
        if service == "ecs-tasks.amazonaws.com" and "TaskTaskRole" in arn
    ]

    assert roles_of_tasks
    assert {str(statement["Condition"]["ArnLike"]["aws:SourceArn"]) for statement in roles_of_tasks} == {
        f"arn:aws:ecs:us-east-1:{account}:*" for account in (ACCOUNT, load("showcase").tooling.account)
    }
