"""Evaluates trust policies as IAM documents it, independently of the local cloud's evaluator.

The two implementations must agree (tests/end_to_end/test_trust.py). Features that neither our policies nor the planted
mistakes use raise an error.
docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition_operators.html
docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-single-vs-multi-valued-context-keys.html
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from tests.support.synthesis import Json, Synthesis, listed

Keys = Mapping[str, str | Sequence[str]]
_ELEMENTS = frozenset({"Sid", "Effect", "Action", "Principal", "Condition"})


@dataclass(frozen=True)
class Request:
    """A call of STS with its principal and condition keys."""

    action: str
    kind: str
    """The type of the principal in a policy: `Federated`, `Service` or `AWS`."""
    principal: str
    keys: Keys = field(default_factory=dict)
    """The condition keys; a list is a multivalued key."""


def admits(document: Json, request: Request) -> bool:
    """True if a trust policy allows a request: a statement allows it and none denies it."""
    effects = {statement["Effect"] for statement in listed(document["Statement"]) if _applies(statement, request)}
    return effects == {"Allow"}


def _applies(statement: Json, request: Request) -> bool:
    if not statement.keys() <= _ELEMENTS:
        raise _unsupported(f"elements of {statement}")
    return (
        _names(statement["Principal"], request)
        and any(_pattern(action, ignore_case=True).fullmatch(request.action) for action in listed(statement["Action"]))
        and all(
            met(operator, wanted, request.keys.get(_spelled(key, request.keys)))
            for operator, block in statement.get("Condition", {}).items()
            for key, wanted in block.items()
        )
    )


def _names(principal: Any, request: Request) -> bool:
    if principal == "*":
        return True
    if request.kind not in principal:
        return False
    named = [str(name) for name in listed(principal[request.kind])]
    if request.kind != "AWS":
        return request.principal in named
    account = request.principal.split(":")[4]
    whole = {"*", account, f"arn:aws:iam::{account}:root"}
    return bool(whole & set(named)) or request.principal in named


def _spelled(key: str, keys: Keys) -> str:
    """Returns a key in the request's case: names of keys are not case-sensitive, but their values are."""
    return next((candidate for candidate in keys if candidate.lower() == key.lower()), key)


def met(operator: str, wanted: Any, given: str | Sequence[str] | None) -> bool:
    """True if one operator and key of a condition match the request."""
    values = [str(value) for value in listed(wanted)]
    if operator == "Null":
        return values == [str(given is None).lower()]
    many, _, single = operator.rpartition(":")
    name = single.removesuffix("IfExists")
    if name not in _OPERATORS or many not in ("", "ForAllValues", "ForAnyValue"):
        raise _unsupported(f"operator {operator}")
    if name != single and given is None:
        return True
    if many:
        given_values = [] if given is None else [str(value) for value in listed(given)]
        over = all if many == "ForAllValues" else any  # without values, "all" is true and "any" is false
        return over(_holds(name, values, value) for value in given_values)
    if given is None:
        return "Not" in name
    # A multivalued key needs ForAllValues or ForAnyValue; otherwise the result is undefined, so nothing is allowed.
    return isinstance(given, str) and _holds(name, values, given)


def _holds(name: str, values: Sequence[str], given: str) -> bool:
    same = _OPERATORS[name.replace("Not", "", 1)]
    found = any(same(value, given) for value in values)
    return not found if "Not" in name else found


def _equals(value: str, given: str) -> bool:
    return value == given


def _equals_ignoring_case(value: str, given: str) -> bool:
    return value.casefold() == given.casefold()


def _like(value: str, given: str) -> bool:
    return _pattern(value).fullmatch(given) is not None


def _arn_like(value: str, given: str) -> bool:
    """Compares ARNs part by part: a wildcard does not match across a colon."""
    parts, others = value.split(":", 5), given.split(":", 5)
    return len(parts) == len(others) and all(map(_like, parts, others))


_OPERATORS: dict[str, Callable[[str, str], bool]] = {
    "StringEquals": _equals,
    "StringNotEquals": _equals,
    "StringEqualsIgnoreCase": _equals_ignoring_case,
    "StringLike": _like,
    "StringNotLike": _like,
    "ArnEquals": _arn_like,  # identical to ArnLike, as documented
    "ArnLike": _arn_like,
}


@cache
def _pattern(value: str, *, ignore_case: bool = False) -> re.Pattern[str]:
    """Returns the regular expression of a pattern: `*` is any text, `?` one character, all else literal."""
    text = "".join({"*": ".*", "?": "."}.get(character, re.escape(character)) for character in value)
    return re.compile(text, re.DOTALL | (re.IGNORECASE if ignore_case else 0))


def _unsupported(feature: str) -> NotImplementedError:
    return NotImplementedError(f"{feature}: tests/support/trust.py does not support it yet; add how IAM evaluates it")


# --- the roles of a synthesis ----------------------------------------------------------------------------------------


def roles(synthesis: Synthesis) -> dict[str, Json]:
    """Returns the trust policy of each role by ARN, with references resolved."""
    found = {}
    for place, resource in synthesis.resources("AWS::IAM::Role").items():
        stack, _, logical_id = place.partition("/")
        found[_arn(synthesis, stack, logical_id)] = _filled(
            synthesis, stack, resource["Properties"]["AssumeRolePolicyDocument"]
        )
    return found


def _account(synthesis: Synthesis, stack: str) -> str:
    environment = synthesis.product.environments.get(stack.partition("-")[0])
    return environment.account if environment else synthesis.product.tooling.account


def _arn(synthesis: Synthesis, stack: str, logical_id: str) -> str:
    """Returns a resource's ARN; a role without a name gets the generated name, without its random suffix."""
    resource = synthesis[stack]["Resources"][logical_id]
    account = _account(synthesis, stack)
    if resource["Type"] == "AWS::IAM::OIDCProvider":
        return f"arn:aws:iam::{account}:oidc-provider/{resource['Properties']['Url'].removeprefix('https://')}"
    if resource["Type"] != "AWS::IAM::Role":
        raise _unsupported(f"a reference to {resource['Type']}")
    return f"arn:aws:iam::{account}:role/{resource['Properties'].get('RoleName') or f'{stack}-{logical_id}'}"


def _filled(synthesis: Synthesis, stack: str, value: Any) -> Any:
    if isinstance(value, list):
        return [_filled(synthesis, stack, item) for item in value]
    if not isinstance(value, dict):
        return value
    known = {"AWS::Partition": "aws", "AWS::AccountId": _account(synthesis, stack)}
    match value:
        case {"Ref": str(name)} if name in known:
            return known[name]
        case {"Ref": str(logical_id)} | {"Fn::GetAtt": [str(logical_id), "Arn"]}:
            return _arn(synthesis, stack, logical_id)
        case {"Fn::Join": [separator, parts]}:
            return str(separator).join(_filled(synthesis, stack, parts))
    if any(key.startswith(("Fn::", "Ref")) for key in value):
        raise _unsupported(f"{value}")
    return {key: _filled(synthesis, stack, inner) for key, inner in value.items()}
