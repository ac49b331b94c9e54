"""Evaluates a lifecycle policy as ECR documents it: which images it would expire, and by which rule.

Source: Amazon ECR User Guide, "Lifecycle policy evaluation rules" and "Lifecycle policy properties" (2026-11-30):
- all rules are evaluated at once and applied by priority; at most one rule expires an image;
- an image that a rule selects cannot be expired by a rule of lower priority, whether or not the first one expires it;
- a rule still counts the images that rules of higher priority select or expire;
- an image must match all patterns of a `tagPatternList`, each by any of its tags;
- the oldest images expire first, by the time of their push. A further tag is no push.
"""

from __future__ import annotations

import fnmatch
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

_DAY_SECONDS = 86400
_WILDCARDS = 4  # in one pattern: "Lifecycle policy properties"


class PolicyError(ValueError):
    """ECR would refuse the policy."""


@dataclass(frozen=True)
class Image:
    """An image: its digest, the time of its push in seconds since the epoch, and its tags."""

    digest: str
    pushed: float
    tags: frozenset[str] = frozenset()


def expired(policy: str, images: Iterable[Image], now: float) -> dict[Image, int]:
    """Returns the images that a policy would expire at a time, each with the priority of its rule.

    Raises:
        PolicyError: if ECR would refuse the policy.
    """
    newest = sorted(images, key=lambda image: image.pushed, reverse=True)
    selected: set[Image] = set()
    found: dict[Image, int] = {}
    for rule in rules(policy):
        selection = rule["selection"]
        matching = [image for image in newest if _selects(selection, image)]
        for image in _beyond(selection, matching, now):
            if image not in selected:
                found[image] = int(rule["rulePriority"])
        selected |= set(matching)
    return found


def rules(policy: str) -> list[dict[str, Any]]:
    """Returns the rules of a policy by priority.

    Raises:
        PolicyError: if ECR would refuse the policy.
    """
    found: list[dict[str, Any]] = sorted(json.loads(policy)["rules"], key=lambda rule: int(rule["rulePriority"]))
    priorities = [rule["rulePriority"] for rule in found]
    if len(set(priorities)) < len(priorities):
        raise PolicyError(f"two rules have the same rulePriority: {priorities}")
    for rule in found:
        _check(rule["selection"])
    kinds = [rule["selection"]["tagStatus"] for rule in found]
    if "any" in kinds[:-1]:
        raise PolicyError("a rule with tagStatus 'any' must have the highest rulePriority")
    if kinds.count("untagged") > 1:
        raise PolicyError("only one rule may select untagged images")
    lists = [
        tuple(sorted(_patterns(rule["selection"]))) for rule in found if rule["selection"]["tagStatus"] == "tagged"
    ]
    if len(set(lists)) < len(lists):
        raise PolicyError("two rules select the same tags")
    return found


def _patterns(selection: Mapping[str, Any]) -> list[str]:
    prefixes = [f"{prefix}*" for prefix in selection.get("tagPrefixList") or []]
    return [*prefixes, *(selection.get("tagPatternList") or [])]


def _check(selection: Mapping[str, Any]) -> None:
    patterns = _patterns(selection)
    if (selection["tagStatus"] == "tagged") != bool(patterns):
        raise PolicyError("tagStatus 'tagged' needs tagPrefixList or tagPatternList, and no other may have one")
    if selection.get("tagPrefixList") and selection.get("tagPatternList"):
        raise PolicyError("a rule has tagPrefixList or tagPatternList, not both")
    for pattern in patterns:
        if pattern.count("*") > _WILDCARDS:
            raise PolicyError(f"'{pattern}' has more than {_WILDCARDS} wildcards")


def _selects(selection: Mapping[str, Any], image: Image) -> bool:
    if selection["tagStatus"] == "any":
        return True
    if selection["tagStatus"] == "untagged":
        return not image.tags
    return all(
        any(fnmatch.fnmatchcase(tag, pattern.replace("[", "[[]").replace("?", "[?]")) for tag in image.tags)
        for pattern in _patterns(selection)
    )


def _beyond(selection: Mapping[str, Any], matching: list[Image], now: float) -> list[Image]:
    """Returns the images beyond the limit of a rule; `matching` begins with the newest."""
    number = int(selection["countNumber"])
    if selection["countType"] == "imageCountMoreThan":
        return matching[number:]
    if selection["countType"] == "sinceImagePushed":
        return [image for image in matching if now - image.pushed > number * _DAY_SECONDS]
    raise PolicyError(f"countType '{selection['countType']}' is not evaluated here")
