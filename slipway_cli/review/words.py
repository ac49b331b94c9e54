"""Describes changes in the words of an operator."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from products.secrets import looks_secret
from slipway_cli.review.model import Action, Fate, PropertyChange, ResourceChange, UpdateBehaviour

_PLAIN = re.compile(r"[A-Za-z0-9/ -]+")  # no character with a meaning in Markdown, HTML or GitHub
_PROPERTY = re.compile(r"[A-Z][A-Za-z0-9]*[a-z][A-Za-z0-9]*")
ONLY_THE_ORDER = "only the order"
"""The reason of a difference between lists with the same members."""
_LONGEST = 60
_MOST = 5
# Last parts of a path that add no information.
_GENERIC = frozenset(
    {"Service", "Resource", "Default", "Instance", "Group", "Handler", "Distribution", "Target", "Balancer"}
)
# Names of properties that splitting into words would not render well.
_PROPERTY_NAMES = {
    "Cpu": "CPU",
    "DBInstanceClass": "instance class",
    "CacheNodeType": "node type",
    "DesiredCount": "tasks",
    "AllocatedStorage": "storage (GB)",
    "MultiAZ": "multi-AZ",
    "RetentionInDays": "retention (days)",
    "NumCacheClusters": "nodes",
    "MinCapacity": "fewest tasks",
    "MaxCapacity": "most tasks",
}
_SECRET_NAMES = re.compile(r"(password|secretstring|authtoken|privatekey|masteruserpassword)$", re.IGNORECASE)
_FATES = {
    Fate.LOST: "data lost",
    Fate.SNAPSHOT: "data lost unless restored from the final snapshot",
    Fate.KEPT: "the new one starts empty, the old one is kept outside the stack",
}
_DELETED = {
    Fate.LOST: "**deleted, data lost**",
    Fate.SNAPSHOT: "**deleted**, a final snapshot is kept",
    Fate.KEPT: "removed from the stack, but kept with its data",
}


def sentence(change: ResourceChange) -> str:
    """Returns what happens to a resource, without its name: `CPU 512 → 1024, tasks restart`."""
    if change.action is Action.ADD:
        return "new"
    if change.action is Action.REMOVE:
        return _DELETED.get(change.fate, "deleted")
    parts = _properties(change)
    if change.action is Action.RENAME:
        parts.insert(0, f"logical id {code(change.previous_id)} → {code(change.logical_id)}")
    return ", ".join([*parts, *_consequence(change)])


def noun(path: str) -> str:
    """Returns a construct's path as a name: `CeleryBeat/Service/Service` is `celery beat`; longer ones stay paths."""
    parts = path.split("/")
    while len(parts) > 1 and parts[-1] in _GENERIC:
        parts.pop()
    name = _split(parts[0]) if len(parts) == 1 else "/".join(parts)
    return name if _PLAIN.fullmatch(name) else code(name)


def code(text: object) -> str:
    """Returns a text as a code span, in which Markdown, mentions and HTML have no effect."""
    return f"`{' '.join(str(text).replace('`', chr(39)).split()) or ' '}`"


def value(given: object, name: str = "") -> str:
    """Returns a value on one line; a value that looks like a secret is not shown."""
    if given is None:
        return "none"
    if isinstance(given, bool):
        return code(str(given).lower())
    text = given if isinstance(given, str) else _compact(given)
    literal = isinstance(given, str) and "{{resolve:" not in text  # a dynamic reference is not the secret itself
    if literal and (_SECRET_NAMES.search(name) or looks_secret(text)):
        return "(a secret, not shown)"
    return code(text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…")


def _properties(change: ResourceChange) -> list[str]:
    own = [property_change for property_change in change.properties if not property_change.follows]
    own.sort(key=lambda property_change: -property_change.behaviour)
    rights = [property_change for property_change in own if property_change.path.split(".")[0] in _RIGHTS]
    if rights:  # the access part of the report describes them
        own = [property_change for property_change in own if property_change not in rights]
    parts = ["policy statements changed"] if rights else []
    parts += [_property(property_change) for property_change in own[:_MOST]]
    if len(own) > _MOST:
        parts.append(f"{len(own) - _MOST} more")
    if not own and not rights and change.properties:
        parts.append("; ".join(sorted({property_change.because for property_change in change.properties})))
    return parts


_RIGHTS = frozenset({"PolicyDocument", "AssumeRolePolicyDocument", "Policies", "KeyPolicy", "RepositoryPolicyText"})


def _property(change: PropertyChange) -> str:
    if change.because == ONLY_THE_ORDER:
        return f"{property_name(change.path)}: another order"
    return _difference(change) + (f" ({change.because})" if change.because else "")


def _difference(change: PropertyChange) -> str:
    name = property_name(change.path)
    if isinstance(change.before, list) and isinstance(change.after, list):
        return f"{name} {_list_change(change.before, change.after)}"
    if _long(change.before) or _long(change.after):
        return f"{name} changed"
    if change.before is None:
        return f"{name} {value(change.after, change.path)} added"
    if change.after is None:
        return f"{name} {value(change.before, change.path)} removed"
    return f"{name} {value(change.before, change.path)} → {value(change.after, change.path)}"


def property_name(path: str) -> str:
    """Returns a property's path as words: `ContainerDefinitions.web.Cpu` is `web CPU`."""
    *above, last = (part.strip("[]") for part in re.findall(r"\[[^\]]*\]|[^.]+", path))
    named = [code(part) for part in above if not _PROPERTY.fullmatch(part) and not part.isdigit()]
    return " ".join([*named, _PROPERTY_NAMES.get(last) or (_split(last) if _PROPERTY.fullmatch(last) else code(last))])


def _list_change(before: list[Any], after: list[Any]) -> str:
    old, new = ([_compact(item) if not isinstance(item, str) else item for item in items] for items in (before, after))
    added, removed = [item for item in new if item not in old], [item for item in old if item not in new]
    parts = [f"+{value(item)}" for item in added[:_MOST]] + [f"-{value(item)}" for item in removed[:_MOST]]
    return " ".join(parts) or "changed"


def _consequence(change: ResourceChange) -> list[str]:
    if change.action is Action.RENAME:
        return [f"**deleted and recreated, {_FATES[change.fate]}**" if change.fate in _FATES else "recreated"]
    if change.type == "AWS::ECS::TaskDefinition" and change.replaced:
        return ["tasks restart"]  # compare.py corrects it for a task definition without a service
    if not change.replaced:
        return ["some interruption"] if change.behaviour is UpdateBehaviour.INTERRUPTION else []
    maybe = change.behaviour is UpdateBehaviour.MAY_REPLACE
    if change.fate in _FATES:
        return [f"**{'may be replaced' if maybe else 'replacement'}, {_FATES[change.fate]}**"]
    return ["may be replaced" if maybe else "replaced"]


def _long(given: object) -> bool:
    text = given if isinstance(given, str) else "" if given is None else _compact(given)
    return "\n" in text or len(text) > 2 * _LONGEST


def _compact(given: object) -> str:
    """Returns the target of a reference, and any other value as JSON."""
    if isinstance(given, Mapping) and len(given) == 1:
        (name, argument) = next(iter(given.items()))
        if name == "Ref":
            return str(argument)
        if name == "Fn::GetAtt":
            return ".".join(str(part) for part in argument) if isinstance(argument, list) else str(argument)
    return json.dumps(given, sort_keys=True, ensure_ascii=False, default=str)


def _split(name: str) -> str:
    """Returns a name in camel case as words: `backup retention period`."""
    words = re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", " ", name)
    return " ".join(word if word.isupper() and len(word) > 1 else word.lower() for word in words.split())
