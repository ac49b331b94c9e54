"""Permissions as sets: properties that always hold, and the sentences for readers."""

from __future__ import annotations

from collections.abc import Sequence
from fnmatch import fnmatchcase
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from slipway_cli.review.access.actions import covers, everything, expanded
from slipway_cli.review.access.naming import Names
from slipway_cli.review.access.permissions import growth
from slipway_cli.review.access.rights import Side, rights
from slipway_cli.review.access.statements import Statement, statements
from slipway_cli.review.assembly import Stack
from slipway_cli.review.model import Direction

few = settings(max_examples=30, deadline=None)  # `*` is twenty thousand actions
patterns = st.text("ab*?", max_size=5)
ACTIONS = ["s3:GetObject", "s3:Get*", "s3:*", "sqs:SendMessage", "*"]
RESOURCES = ["arn:aws:s3:::a", "arn:aws:s3:::a/*", "arn:aws:s3:::*", "*"]
written = st.lists(
    st.fixed_dictionaries(
        {
            "Effect": st.sampled_from(["Allow", "Allow", "Deny"]),
            "Action": st.sampled_from(ACTIONS),
            "Resource": st.sampled_from(RESOURCES),
        },
        optional={"Condition": st.sampled_from([{"StringEquals": {"aws:x": v}} for v in ("1", "2", ["1", "2"])])},
    ),
    max_size=3,
)


def side(policy: Sequence[Any], **more: Any) -> Side:
    document = {"PolicyDocument": {"Statement": list(policy)}, "Roles": ["web"]}
    template = {"Resources": {"P": {"Type": "AWS::IAM::Policy", "Properties": document}, **more}}
    return Side(template, Names(Stack("s", "e", "111122223333", "eu-west-1", template)))


def read(policy: Sequence[Any]) -> list[Statement]:
    read_side = side(policy)
    return [statement for found in statements(read_side.template, read_side.names).values() for statement in found]


def words(before: Sequence[Any], after: Sequence[Any]) -> list[str]:
    return [right.words for right in rights("s", side(before), side(after)) if right.direction is Direction.GROWS]


def allow(action: object, resource: object = "*", **more: Any) -> dict[str, Any]:
    return {"Effect": "Allow", "Action": action, "Resource": resource, **more}


@given(patterns, patterns, st.text("ab", max_size=6))
def test_a_pattern_that_covers_another_matches_all_that_it_matches(pattern: str, other: str, text: str) -> None:
    if covers(pattern, other) and fnmatchcase(text, other):
        assert fnmatchcase(text, pattern)


@few
@given(written)
def test_unchanged_statements_do_not_grow(policy: list[Any]) -> None:
    assert list(growth(read(policy), read(policy))) == []


@few
@given(written)
def test_statements_in_another_order_grow_nothing(policy: list[Any]) -> None:
    assert list(growth(read(policy), read(policy[::-1]))) == []


@few
@given(written, st.sampled_from(ACTIONS), st.sampled_from(RESOURCES))
def test_one_more_permission_never_narrows(policy: list[Any], action: str, resource: str) -> None:
    more = [*policy, allow(action, resource)]

    assert [grown for grown in growth(read(more), read(policy)) if grown.denial_gone] == []
    assert [grown for grown in growth(read(more), read(policy)) if not grown.denial_gone] == []


@few
@given(written, st.sampled_from(ACTIONS), st.sampled_from(RESOURCES))
def test_one_more_denial_never_grows(policy: list[Any], action: str, resource: str) -> None:
    denial = {"Effect": "Deny", "Action": action, "Resource": resource}

    assert list(growth(read(policy), read([*policy, denial]))) == []


@few
@given(written)
def test_from_nothing_every_permission_grows_unless_it_is_denied(policy: list[Any]) -> None:
    denials = [statement for statement in policy if statement["Effect"] == "Deny"]
    allows = [statement for statement in policy if statement["Effect"] == "Allow"]

    grown = {pattern for grown_part in growth([], read(policy)) for pattern in grown_part.patterns}

    assert grown <= {statement["Action"] for statement in allows}
    if not denials:
        assert grown == {statement["Action"] for statement in allows}


def test_wildcards_are_expanded_with_the_list_of_all_actions() -> None:
    assert len(everything()) > 15_000
    assert {"s3:getobject", "s3:getbucketacl"} <= expanded("s3:Get*")
    assert "s3:putobject" not in expanded("s3:Get*")
    assert expanded("future:Do") == {"future:do"}


def test_a_new_permission_names_role_actions_and_resource() -> None:
    assert words([], [allow(["s3:PutObject", "s3:GetObject"], "arn:aws:s3:::media/*")]) == [
        "`web` may `s3:PutObject`, `s3:GetObject` on `arn:aws:s3:::media/*`"
    ]


def test_a_wildcard_shows_how_many_actions_are_new() -> None:
    (sentence,) = words([allow("sqs:SendMessage")], [allow("sqs:*")])

    assert sentence.startswith("`web` may `sqs:*` (")
    assert sentence.endswith("actions more) on everything")


def test_a_dropped_condition_is_named() -> None:
    condition = {"StringLike": {"s3:prefix": "media/*"}}

    assert words([allow("s3:ListBucket", Condition=condition)], [allow("s3:ListBucket")]) == [
        "`web` may `s3:ListBucket` on everything, without the condition `s3:prefix` is like `media/*`"
    ]


def test_resources_of_the_template_are_named_by_their_construct() -> None:
    bucket = {"B1": {"Type": "AWS::S3::Bucket"}}
    template = side([allow("s3:GetObject", {"Fn::GetAtt": ["B1", "Arn"]})], **bucket).template
    named = Names(Stack("s", "e", "1", "eu-west-1", template, {"B1": "Media"}))

    (sentence,) = [right.words for right in rights("s", side([], **bucket), Side(template, named))]

    assert sentence == "`web` may `s3:GetObject` on `arn:aws:s3:::{Media}`"
