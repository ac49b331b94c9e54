"""ARNs that are built from names, since their resources are in another stack or an operator's."""

from __future__ import annotations

import re

from paths import ROOT
from slipway.arns import repository, role, secret
from tests.support.stack import empty_stack

_BY_HAND = re.compile(r"""["']arn:(aws|\{)""")


def test_a_repository_is_in_the_account_and_region_that_are_named() -> None:
    stack = empty_stack()

    found = stack.resolve(repository(stack, "222233334444", "eu-west-1", "shop/backend"))

    assert found == "arn:aws:ecr:eu-west-1:222233334444:repository/shop/backend"


def test_a_role_has_no_region() -> None:
    stack = empty_stack()

    assert stack.resolve(role(stack, "222233334444", "deploy")) == "arn:aws:iam::222233334444:role/deploy"


def test_a_secret_is_in_the_stacks_place_and_its_ending_is_open() -> None:
    stack = empty_stack()

    found = stack.resolve(secret(stack, "shop/stripe"))

    assert found == "arn:aws:secretsmanager:us-east-1:111122223333:secret:shop/stripe-??????"


def test_no_stack_or_construct_writes_an_arn_by_hand() -> None:
    sources = [path for folder in ("stacks", "constructs", "policy") for path in (ROOT / folder).rglob("*.py")]

    found = {str(path.relative_to(ROOT)) for path in sources if _BY_HAND.search(path.read_text(encoding="utf-8"))}

    # The boundary denies roles in every account, which no function for the ARNs of one account writes.
    assert found == {"policy/execution/arns.py", "policy/execution/boundary.py"}
