"""Completes a manifest before validation: values given once, a profile's values, and what follows from the rest.

`completed` takes and returns plain data, so that the model stays complete and each reader finds a value in one
place. Data of the wrong type is left as it is: validation reports it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from products import profiles

Path = tuple[str, ...]
_SHARED = ("account", "region")
_FALLBACK = "standard"


@dataclass
class Completed:
    """A manifest's data with all defaults, and where they come from."""

    data: object
    sources: dict[Path, Path] = field(default_factory=dict)
    """For each key that repeats another key of the manifest: that key."""
    notes: dict[Path, str] = field(default_factory=dict)
    """For each key that the manifest does not write: who set it, as the end of an error message."""

    def set(self, section: dict[str, Any], path: Path, value: Any, *, source: Path = (), note: str = "") -> None:
        """Set the last key of a path in its section, unless the manifest has it, and record where the value is from."""
        key = path[-1]
        if isinstance(value, dict) and isinstance(section.get(key), dict):
            for inner, default in value.items():
                self.set(section[key], (*path, inner), default, source=source, note=note)
        elif key not in section:
            section[key] = _copied(value)
            for leaf in _leaves(path, value):
                if source:
                    self.sources[leaf] = source
                elif note:
                    self.notes[leaf] = note


def completed(data: object) -> Completed:
    """Returns a manifest with its defaults; the given data is not changed."""
    found = Completed(_copied(data))
    if isinstance(found.data, dict):
        _share(found, found.data)
        _name_the_image(found, found.data)
        _name_the_database(found, found.data)
        for name, environment in _sections(found.data, "environments"):
            _apply_profile(found, found.data, name, environment)
        if isinstance(pipeline := found.data.get("pipeline"), dict):
            _complete_pipeline(found, found.data, pipeline)
    return found


def _share(found: Completed, data: dict[str, Any]) -> None:
    """Give the manifest's account and region to the tooling and to each environment that has none."""
    if any(key in data for key in _SHARED):
        data.setdefault("tooling", {})
    for path, section in [(("tooling",), data.get("tooling")), *_environments(data)]:
        for key in _SHARED:
            if key in data and isinstance(section, dict):
                found.set(section, (*path, key), data[key], source=(key,))


def _name_the_image(found: Completed, data: dict[str, Any]) -> None:
    """Give the only image to each service and schedule, and to the migration, that names none."""
    images = data.get("images")
    if not isinstance(images, dict) or len(images) != 1:
        return
    places: list[tuple[Path, dict[str, Any]]] = [
        ((kind, name), section) for kind in ("services", "schedules") for name, section in _sections(data, kind)
    ]
    if isinstance(migration := data.get("migration"), dict):
        places.append((("migration",), migration))
    for path, section in places:
        found.set(section, (*path, "image"), str(*images))


def _name_the_database(found: Completed, data: dict[str, Any]) -> None:
    database, product = data.get("database"), data.get("name")
    if isinstance(database, dict) and isinstance(product, str):
        note = "from the product's name; write another"
        found.set(database, ("database", "name"), product.replace("-", "_"), note=note)


def _apply_profile(found: Completed, data: dict[str, Any], name: str, environment: dict[str, Any]) -> None:
    profile = environment.get("profile")
    if profile is None:
        return
    if (
        not isinstance(profile, str) or profile not in profiles.PROFILES
    ):  # validation reports it, and must not report what is missing because of it
        profile = _FALLBACK
    settings = profiles.settings(
        profile,
        region=environment.get("region"),
        network=environment.get("network"),
        services=data.get("services"),
    )
    defaults: dict[str, Any] = {"database": None, "cache": {}}  # what a manifest has that does not mention them
    missing = {key for key, default in defaults.items() if data.get(key, default) is None}
    for key, value in settings.items():
        if key not in missing:
            found.set(environment, ("environments", name, key), value, note=f"profile {profile} sets it")


def _complete_pipeline(found: Completed, data: dict[str, Any], pipeline: dict[str, Any]) -> None:
    if isinstance(product := data.get("name"), str):
        note = "the default, from the product's name"
        found.set(pipeline, ("pipeline", "github"), {"secret": f"{product}/github"}, note=note)
    if "flows" not in pipeline:
        found.set(
            pipeline, ("pipeline", "flows"), _flows(data, pipeline), note="a default flow; write flows to change it"
        )


def _flows(data: dict[str, Any], pipeline: dict[str, Any]) -> dict[str, Any]:
    """Returns the flows of a manifest that has none: tests of pull requests, and releases of the branch.

    A release passes the environments in the manifest's order, with the E2E tests after the first.
    """
    repository = data.get("repository")
    branch = repository.get("branch", "main") if isinstance(repository, dict) else "main"
    deployed = [name for name, _ in _sections(data, "environments")]
    if pipeline.get("e2e") is not None:
        deployed.insert(1, "e2e")
    flows = {}
    if _is_checked(pipeline, "pull-request"):
        flows["pull-request"] = {"pull_requests_to": [branch], "stages": ["test"]}
    tested = ["test"] if _is_checked(pipeline, "main") else []
    flows["main"] = {"branches": [branch], "stages": [*tested, "publish", *deployed, "release"]}
    return flows


def _is_checked(pipeline: dict[str, Any], flow: str) -> bool:
    """True if a check runs in a flow."""
    checks = [check for _, check in _sections(pipeline, "checks")]
    return any(not (flows := check.get("flows")) or (isinstance(flows, list) and flow in flows) for check in checks)


def _environments(data: dict[str, Any]) -> Iterator[tuple[Path, dict[str, Any]]]:
    for name, environment in _sections(data, "environments"):
        yield ("environments", name), environment


def _sections(data: dict[str, Any], key: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yields the names and the contents of the sections under a key."""
    found = data.get(key)
    for name, section in found.items() if isinstance(found, dict) else ():
        if isinstance(section, dict):
            yield str(name), section


def _leaves(path: Path, value: Any) -> Iterator[Path]:
    if isinstance(value, dict) and value:
        for key, inner in value.items():
            yield from _leaves((*path, str(key)), inner)
    else:
        yield path


def _copied(data: Any) -> Any:
    if isinstance(data, dict):
        return {key: _copied(value) for key, value in data.items()}
    return [_copied(value) for value in data] if isinstance(data, list) else data
