"""Compares the resources of one stack, including the updates that follow from replacements."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from slipway_cli.review import canonical, fate, schemas
from slipway_cli.review.assembly import Stack
from slipway_cli.review.model import Action, Fate, PropertyChange, ResourceChange, UpdateBehaviour
from slipway_cli.review.values import Difference, differences, dotted
from slipway_cli.review.words import ONLY_THE_ORDER

Json = dict[str, Any]
# Attributes beside `Properties` that only CloudFormation reads.
_ATTRIBUTES = ("DeletionPolicy", "UpdateReplacePolicy", "CreationPolicy", "UpdatePolicy")


@dataclass
class Changes:
    """The changed resources of a stack, and the differences left out as noise."""

    resources: dict[str, ResourceChange] = field(default_factory=dict)
    """The changes by logical id, the new one if it differs."""
    noise: Counter[str] = field(default_factory=Counter)
    """The number of resources by type that differ only in hashes."""


class Comparison:
    """One stack before and after the change; one of the two may be None."""

    def __init__(self, before: Stack | None, after: Stack | None) -> None:
        stack = after or before
        if stack is None:
            raise ValueError("a comparison needs a stack")
        self.name = stack.name
        self.before = _simplified(before)
        self.after = _simplified(after)
        self._old, self._new = before, after
        self._changed_conditions = {
            name
            for name in {*self._conditions(before), *self._conditions(after)}
            if self._conditions(before).get(name) != self._conditions(after).get(name)
        }

    @property
    def changes(self) -> Changes:
        """Returns all changes, including those that follow from replacements."""
        found = Changes()
        pairs = dict(self._pairs())  # new logical id to the old one
        by_content = {new: old for new, old in pairs.items() if canonical.named_by_content(self.after[new]["Type"])}
        ids = {old: new for new, old in by_content.items()}
        for logical_id, resource in self.after.items():
            old_id = pairs.get(logical_id, logical_id)
            if old_id not in self.before:
                found.resources[logical_id] = self._added(logical_id)
            elif logical_id in by_content:
                found.noise[resource["Type"]] += 1
            else:
                self._compare(found, logical_id, old_id, ids)
        for logical_id in self.before:
            if logical_id not in self.after and logical_id not in pairs.values():
                found.resources[logical_id] = self._removed(logical_id)
        self._follow(found)
        return found

    def path(self, logical_id: str) -> str:
        """Returns the construct path of a logical id of either template."""
        for stack in (self._new, self._old):
            if stack is not None and logical_id in stack.paths:
                return stack.path(logical_id)
        return logical_id

    def _compare(self, found: Changes, logical_id: str, old_id: str, ids: Mapping[str, str]) -> None:
        old = canonical.renamed(self.before[old_id], ids)
        properties = tuple(self._properties(logical_id, old))
        if not properties and old_id == logical_id:
            if _deployed(old) != _deployed(self.after[logical_id]):
                found.noise[old["Type"]] += 1
            return
        found.resources[logical_id] = self._changed(logical_id, old_id, properties)

    def _changed(self, logical_id: str, old_id: str, properties: tuple[PropertyChange, ...]) -> ResourceChange:
        kind = self.after[logical_id]["Type"]
        change = ResourceChange(
            stack=self.name,
            path=self.path(logical_id),
            logical_id=logical_id,
            type=kind,
            action=Action.RENAME if old_id != logical_id else Action.UPDATE,
            behaviour=max(
                (property_change.behaviour for property_change in properties), default=UpdateBehaviour.NOTHING
            ),
            properties=properties,
            stateful=schemas.stateful(kind),
            previous_id=old_id if old_id != logical_id else "",
        )
        if change.action is Action.RENAME:
            data = fate.when_deleted(old_id, self.before)
            return replace(change, behaviour=UpdateBehaviour.REPLACEMENT, fate=data)
        return self._with_fate(change)

    def _with_fate(self, change: ResourceChange) -> ResourceChange:
        if change.action is not Action.UPDATE or not change.replaced:
            return change
        stateful = change.stateful or schemas.stateful(self.before[change.logical_id]["Type"])
        data = fate.when_replaced(change.logical_id, self.before, self.after) if change.stateful else Fate.NONE
        return replace(change, stateful=stateful, fate=data)

    def _properties(self, logical_id: str, old: Json) -> Iterator[PropertyChange]:
        new = self.after[logical_id]
        kind = new["Type"]
        if old["Type"] != kind:
            yield PropertyChange("Type", old["Type"], kind, UpdateBehaviour.REPLACEMENT)
            return
        before, after = (canonical.scrubbed(resource.get("Properties") or {}) for resource in (old, new))
        for difference in differences(before, after, unordered=lambda path: schemas.unordered(kind, path)):
            behaviour, because = schemas.behaviour(kind, difference.path, before, after)
            if difference.meant:
                yield _property(difference, behaviour, because)
            elif behaviour >= UpdateBehaviour.MAY_REPLACE:
                # By the schema the order has no meaning, but no documentation says that CloudFormation ignores it.
                yield _property(difference, UpdateBehaviour.MAY_REPLACE, "")
        for name in _ATTRIBUTES:
            if old.get(name) != new.get(name):
                yield PropertyChange(name, old.get(name), new.get(name), UpdateBehaviour.NOTHING)
        yield from self._condition(old, new)

    def _condition(self, old: Json, new: Json) -> Iterator[PropertyChange]:
        """Yields a changed condition, which may create or delete a resource that itself does not change."""
        before, other = old.get("Condition"), new.get("Condition")
        if before != other:
            yield PropertyChange(
                "Condition", before, other, UpdateBehaviour.MAY_REPLACE, "it exists only under a condition"
            )
        elif before in self._changed_conditions:
            because = f"it exists only under the condition {before}, whose definition changes"
            yield PropertyChange("Condition", before, other, UpdateBehaviour.MAY_REPLACE, because)

    def _follow(self, found: Changes) -> None:
        """Adds the resources that refer to a replaced one: their value changes, so they may be replaced too."""
        waiting = [change for change in found.resources.values() if change.replaced]
        while waiting:
            replaced = waiting.pop(0)
            if self._keeps_its_name(replaced):
                continue
            for logical_id in self.after:
                if logical_id == replaced.logical_id or logical_id not in self.before:
                    continue
                was = found.resources.get(logical_id)
                now = self._following(logical_id, replaced, was)
                if now is not None and now != was:
                    found.resources[logical_id] = now
                    if now.replaced and not (was and was.replaced):
                        waiting.append(now)

    def _following(
        self, logical_id: str, replaced: ResourceChange, was: ResourceChange | None
    ) -> ResourceChange | None:
        resource = self.after[logical_id]
        before, after = self.before[logical_id].get("Properties") or {}, resource.get("Properties") or {}
        known = {
            property_change.path.partition(".")[0]
            for property_change in (was.properties if was else ())
            if not property_change.follows
        }
        followed = []
        for name, value in after.items():
            if name in known or replaced.logical_id not in canonical.references(value):
                continue
            other = {**before, name: {"replaced": replaced.logical_id}}
            behaviour, _ = schemas.behaviour(resource["Type"], (name,), other, after)
            if replaced.behaviour is UpdateBehaviour.MAY_REPLACE:
                behaviour = min(behaviour, UpdateBehaviour.MAY_REPLACE)
            followed.append(PropertyChange(name, value, value, behaviour, _because(replaced), follows=True))
        if not followed:
            return None
        already = was.properties if was else ()
        paths = {(property_change.path, property_change.because) for property_change in already}
        properties = (
            *already,
            *(
                property_change
                for property_change in followed
                if (property_change.path, property_change.because) not in paths
            ),
        )
        if was is not None and was.action is not Action.UPDATE:
            return replace(was, properties=properties)
        return self._changed(logical_id, logical_id, properties)

    def _keeps_its_name(self, replaced: ResourceChange) -> bool:
        """True if the template names the replaced resource, so that references to it keep their value."""
        return replaced.action is Action.UPDATE and bool(
            named(self.before.get(replaced.logical_id), self.after[replaced.logical_id])
        )

    def _added(self, logical_id: str) -> ResourceChange:
        kind = self.after[logical_id]["Type"]
        return ResourceChange(
            stack=self.name,
            path=self.path(logical_id),
            logical_id=logical_id,
            type=kind,
            action=Action.ADD,
            behaviour=UpdateBehaviour.NO_INTERRUPTION,
            stateful=schemas.stateful(kind),
        )

    def _removed(self, logical_id: str) -> ResourceChange:
        kind = self.before[logical_id]["Type"]
        return ResourceChange(
            stack=self.name,
            path=self.path(logical_id),
            logical_id=logical_id,
            type=kind,
            action=Action.REMOVE,
            behaviour=UpdateBehaviour.REPLACEMENT,
            stateful=schemas.stateful(kind),
            fate=fate.when_deleted(logical_id, self.before),
        )

    def _pairs(self) -> Iterator[tuple[str, str]]:
        """Yields pairs of new and old logical ids that mean the same resource to a reader."""
        removed = [logical_id for logical_id in self.before if logical_id not in self.after]
        added = [logical_id for logical_id in self.after if logical_id not in self.before]
        for same in (self._same_construct, self._same_properties, self._only_one_of_its_type(removed, added)):
            for new in list(added):
                kind = self.after[new]["Type"]
                matches = [old for old in removed if self.before[old]["Type"] == kind and same(old, new)]
                if len(matches) == 1:
                    yield new, matches[0]
                    added.remove(new)
                    removed.remove(matches[0])

    def _same_construct(self, old: str, new: str) -> bool:
        before, after = (
            stack.paths.get(logical_id) if stack else None for stack, logical_id in ((self._old, old), (self._new, new))
        )
        return before is not None and before == after

    def _same_properties(self, old: str, new: str) -> bool:
        before = canonical.renamed(canonical.scrubbed(self.before[old].get("Properties") or {}), {old: new})
        after: Json = canonical.scrubbed(self.after[new].get("Properties") or {})
        return bool(after) and bool(before == after)

    def _only_one_of_its_type(self, removed: list[str], added: list[str]) -> Any:
        """Pairs the only removed with the only added resource of a stateful type, to report one loss of data."""
        kinds = [
            Counter(t[logical_id]["Type"] for logical_id in ids)
            for t, ids in ((self.before, removed), (self.after, added))
        ]

        def same(old: str, _new: str) -> bool:
            kind = self.before[old]["Type"]
            return schemas.stateful(kind) and kinds[0][kind] == kinds[1][kind] == 1

        return same

    def _conditions(self, stack: Stack | None) -> Mapping[str, Any]:
        return (stack.template.get("Conditions") or {}) if stack else {}


def named(before: Json | None, after: Json) -> str:
    """Returns the name that both templates give the resource; empty if there is none, or it changes."""
    if before is None:
        return ""
    old, new = (resource.get("Properties") or {} for resource in (before, after))
    names = schemas.identifiers(after["Type"])
    if not names or not all(name in new and old.get(name) == new[name] for name in names):
        return ""
    return next((str(new[name]) for name in reversed(names) if isinstance(new[name], str | int)), "")


def _because(replaced: ResourceChange) -> str:
    how = {UpdateBehaviour.MAY_REPLACE: "may be replaced"}.get(replaced.behaviour, "is replaced")
    return f"{replaced.path} {'is recreated' if replaced.action is Action.RENAME else how}"


def _property(difference: Difference, behaviour: UpdateBehaviour, because: str) -> PropertyChange:
    return PropertyChange(
        dotted(difference.path),
        difference.before,
        difference.after,
        behaviour,
        ONLY_THE_ORDER if difference.order_only and not because else because,
    )


def _simplified(stack: Stack | None) -> dict[str, Json]:
    if stack is None:
        return {}
    return {
        logical_id: canonical.simplified(resource, stack.template)
        for logical_id, resource in canonical.resources(stack.template).items()
    }


def _deployed(resource: Json) -> object:
    """Returns a resource without the parts that do not reach AWS, such as CDK's metadata."""
    return {name: value for name, value in resource.items() if name not in ("Metadata", "DependsOn")}
