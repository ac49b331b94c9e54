"""Changes as an operator says them."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from products.secrets import looks_secret
from slipway_cli.review.model import Action, Fate, PropertyChange, ResourceChange, UpdateBehaviour

_PLAIN = re.compile(r"[A-Za-z0-9/ -]+")  # nothing that Markdown, HTML or GitHub reads anything into
_PROPERTY = re.compile(r"[A-Z][A-Za-z0-9]*[a-z][A-Za-z0-9]*")
ONLY_THE_ORDER = "only the order"
"""Why a list differs that has the same members."""
_LONGEST = 60
_MOST = 5
# The last parts of a path that say what a reader knows already.
_GENERIC = frozenset(
    {"Service", "Resource", "Default", "Instance", "Group", "Handler", "Distribution", "Target", "Balancer"}
)
# Where splitting a property's name into words does not give what people say.
_SAID = {
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
    Fate.SNAPSHOT: "data lost unless restored from the snapshot that is left",
    Fate.KEPT: "the new one starts empty, the old one stays outside the stack",
}
_DELETED = {
    Fate.LOST: "**deleted, data lost**",
    Fate.SNAPSHOT: "**deleted**, a snapshot is left",
    Fate.KEPT: "leaves the stack; it stays, with its data, outside",
}


def sentence(change: ResourceChange) -> str:
    """What happens to a resource, its name apart: `CPU 512 → 1024, tasks restart`."""
    if change.action is Action.ADD:
        return "new"
    if change.action is Action.REMOVE:
        return _DELETED.get(change.fate, "deleted")
    parts = _properties(change)
    if change.action is Action.RENAME:
        parts.insert(0, f"logical id {code(change.previous_id)} → {code(change.logical_id)}")
    return ", ".join([*parts, *_consequence(change)])


def noun(path: str) -> str:
    """A construct's path as a name: `CeleryBeat/Service/Service` is `celery beat`, longer ones stay paths."""
    parts = path.split("/")
    while len(parts) > 1 and parts[-1] in _GENERIC:
        parts.pop()
    name = _split(parts[0]) if len(parts) == 1 else "/".join(parts)
    return name if _PLAIN.fullmatch(name) else code(name)


def code(text: object) -> str:
    """A text in a code span, where neither Markdown nor a mention nor HTML means anything."""
    return f"`{' '.join(str(text).replace('`', chr(39)).split()) or ' '}`"


def value(given: object, name: str = "") -> str:
    """A value on one line; never one that looks like a secret."""
    if given is None:
        return "none"
    if isinstance(given, bool):
        return code(str(given).lower())
    text = given if isinstance(given, str) else _compact(given)
    literal = isinstance(given, str) and "{{resolve:" not in text  # a reference is a name, never a value
    if literal and (_SECRET_NAMES.search(name) or looks_secret(text)):
        return "(a secret, not shown)"
    return code(text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…")


def _properties(change: ResourceChange) -> list[str]:
    own = [property_change for property_change in change.properties if not property_change.follows]
    own.sort(key=lambda property_change: -property_change.behaviour)
    rights = [property_change for property_change in own if property_change.path.split(".")[0] in _RIGHTS]
    if rights:  # what they mean is told among the rights
        own = [property_change for property_change in own if property_change not in rights]
    said = [*(["statements"] if rights else []), *(_property(property_change) for property_change in own[:_MOST])]
    if len(own) > _MOST:
        said.append(f"{len(own) - _MOST} more")
    if not own and not rights and change.properties:
        said.append("; ".join(sorted({property_change.because for property_change in change.properties})))
    return said


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
    """A property's path as words: `ContainerDefinitions.web.Cpu` is `web CPU`."""
    *above, last = (part.strip("[]") for part in re.findall(r"\[[^\]]*\]|[^.]+", path))
    named = [code(part) for part in above if not _PROPERTY.fullmatch(part) and not part.isdigit()]
    return " ".join([*named, _SAID.get(last) or (_split(last) if _PROPERTY.fullmatch(last) else code(last))])


def _list_change(before: list[Any], after: list[Any]) -> str:
    old, new = ([_compact(item) if not isinstance(item, str) else item for item in items] for items in (before, after))
    added, removed = [item for item in new if item not in old], [item for item in old if item not in new]
    said = [f"+{value(item)}" for item in added[:_MOST]] + [f"-{value(item)}" for item in removed[:_MOST]]
    return " ".join(said) or "changed"


def _consequence(change: ResourceChange) -> list[str]:
    if change.action is Action.RENAME:
        return [f"**deleted and created anew, {_FATES[change.fate]}**" if change.fate in _FATES else "created anew"]
    if change.type == "AWS::ECS::TaskDefinition" and change.replaced:
        return ["tasks restart"]  # the words of one without a service are put right where services are known
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
    """A reference as what it refers to, anything else as JSON."""
    if isinstance(given, Mapping) and len(given) == 1:
        (name, argument) = next(iter(given.items()))
        if name == "Ref":
            return str(argument)
        if name == "Fn::GetAtt":
            return ".".join(str(part) for part in argument) if isinstance(argument, list) else str(argument)
    return json.dumps(given, sort_keys=True, ensure_ascii=False, default=str)


def _split(name: str) -> str:
    """`BackupRetentionPeriod` as words, `CeleryBeat` too."""
    words = re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", " ", name)
    return " ".join(word if word.isupper() and len(word) > 1 else word.lower() for word in words.split())
