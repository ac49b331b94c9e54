"""The local cloud decides about tokens like tests/support/trust.py: two independent implementations agree."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable, Iterator
from typing import Any

import boto3
import pytest
from botocore import UNSIGNED
from botocore.config import Config
from botocore.exceptions import ClientError
from ministack.core import iam_evaluator

from localcloud.iam.issuer import Issuer
from localcloud.testing.plain import ACCOUNT, REGION, Plain, plain
from products import names
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
from tests.support.synthesis import Json
from tests.support.trust import Request, admits, roles

__all__ = ["plain"]

pytestmark = pytest.mark.local

PRODUCT = "allthrive"
DEPLOYED = (PRODUCT, "shop")
"""One product whose pipelines publish its images, and one whose GitHub jobs push them."""
OF_THE_PROVIDER = "InvalidIdentityToken"
"""The provider checks the audience before any trust policy is evaluated, here as on AWS."""


def wanted() -> dict[str, Claims]:
    return {
        f"{product}, {form}: {name}": job.claims()
        for product in DEPLOYED
        for form in FORMATS
        for name, (job, _) in legitimate(products()[product], form).items()
    }


def unwanted() -> dict[str, Claims]:
    return {
        f"{product}, {form}: {name}": claims
        for product in DEPLOYED
        for form in FORMATS
        for name, claims in hostile(products()[product], form).items()
    }


def _github_roles() -> dict[str, Json]:
    """Returns the trust policies of the roles for GitHub, by the prefix of the role's name."""
    return {
        arn.rpartition("/")[2]: document
        for product in DEPLOYED
        for arn, document in roles(synthesized(product)).items()
        if "Federated" in str(document)
    }


def _planted(mistake: Any, trusts: dict[str, Json]) -> tuple[str, Json]:
    (name,) = [name for name in trusts if name.startswith(mistake.role)]
    document = copy.deepcopy(trusts[name])
    document["Statement"][0]["Condition"] = mistake.plant(document["Statement"][0]["Condition"])
    return name, document


# --- the evaluators --------------------------------------------------------------------------------------------------


def ministack(document: Json, requested: Request) -> bool:
    """Returns the decision of MiniStack's evaluator, called like its STS calls it."""
    context = iam_evaluator.EvalContext(
        principal_arn=requested.principal,
        principal_type="FederatedUser",
        principal_account=ACCOUNT,
        action=requested.action,
        resource_arn="*",
        region=REGION,
        service_context={key.lower(): value for key, value in requested.keys.items()},
    )
    return bool(iam_evaluator.evaluate_trust_policy(document, requested.principal, context))


def test_both_evaluators_decide_the_same_for_every_token_and_every_mistake() -> None:
    trusts = _github_roles()
    policies = {**trusts, **{mistake.name: _planted(mistake, trusts)[1] for mistake in MISTAKES}}
    requested = {name: request(claims, ACCOUNT) for name, claims in {**wanted(), **unwanted()}.items()}
    ours = {
        (policy, name): admits(document, attempt)
        for policy, document in policies.items()
        for name, attempt in requested.items()
    }
    theirs = {
        (policy, name): ministack(document, attempt)
        for policy, document in policies.items()
        for name, attempt in requested.items()
    }

    assert len(ours) > 3000
    assert ours == theirs
    assert sum(ours[role, name] for role in trusts for name in requested) == len(wanted())


# --- over the wire ---------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def deployed(plain: Plain) -> dict[str, str]:
    """The ARNs of the Identity stack's roles, by the prefix of their names, since generated names end at random."""
    plain.make_policy(names.BOUNDARY)
    for product in DEPLOYED:
        stack = f"tooling-{product}-identity"
        template = copy.deepcopy(synthesized(product)[stack])
        for section in ("Parameters", "Rules"):  # they require a bootstrap, which this cloud does not have
            template.pop(section, None)
        plain.deploy(template, stack)
    arns = [str(role["Arn"]) for role in plain.client("iam").list_roles()["Roles"]]
    found = {name: [arn for arn in arns if f":role/{name}" in arn] for name in _github_roles()}
    return {name: arn for name, (arn,) in found.items()}


Ask = Callable[[str, Claims], str]


@pytest.fixture(scope="module")
def ask(plain: Plain) -> Iterator[Ask]:
    """Asks the cloud's STS for a role with a token of the claims. Returns the error code; empty if it succeeds."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LOCALCLOUD_STATE", str(plain.state))
        issuer = Issuer(HOST)
        settings = Config(signature_version=UNSIGNED, retries={"max_attempts": 0})
        sts = boto3.client("sts", endpoint_url=plain.url, region_name=REGION, config=settings)

        def refusal(role: str, claims: Claims) -> str:
            signed: dict[str, Any] = {"aud": None, **claims}
            try:
                sts.assume_role_with_web_identity(
                    RoleArn=role, RoleSessionName="matrix", WebIdentityToken=issuer.token(**signed)
                )
            except ClientError as error:
                return str(error.response["Error"]["Code"])
            return ""

        yield refusal


@pytest.mark.slow
def test_every_role_accepts_exactly_its_own_tokens(deployed: dict[str, str], ask: Ask) -> None:
    tokens = {**wanted(), **unwanted()}
    answers = {(token, role): ask(arn, claims) for token, claims in tokens.items() for role, arn in deployed.items()}
    expected = {
        (f"{product}, {form}: {name}", role)
        for product in DEPLOYED
        for form in FORMATS
        for name, (_, prefix) in legitimate(products()[product], form).items()
        for role in deployed
        if role.startswith(prefix)
    }

    assert len(tokens) > 400
    assert {attempt for attempt, refusal in answers.items() if not refusal} == expected
    assert {refusal for refusal in answers.values() if refusal} == {"AccessDenied", OF_THE_PROVIDER}


@pytest.mark.parametrize("mistake", MISTAKES, ids=lambda mistake: mistake.name)
def test_a_planted_mistake_admits_the_token_that_exploits_it(
    plain: Plain, deployed: dict[str, str], ask: Ask, mistake: Any
) -> None:
    name, document = _planted(mistake, _github_roles())
    arn = deployed[name]
    change = plain.client("iam").update_assume_role_policy
    claims = hostile(products()[PRODUCT], mistake.form)[mistake.token]
    change(RoleName=arn.rpartition("/")[2], PolicyDocument=json.dumps(document))
    try:
        refusal = ask(arn, claims)
    finally:
        change(RoleName=arn.rpartition("/")[2], PolicyDocument=json.dumps(_github_roles()[name]))

    assert refusal == (OF_THE_PROVIDER if mistake.name == "no audience" else "")
