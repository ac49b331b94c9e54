"""The compose files that production is nearest to, merged as Docker Compose does."""

from __future__ import annotations

import re
from pathlib import PurePosixPath
from typing import Any

from slipway_cli.errors import usage
from slipway_cli.init import yamls
from slipway_cli.init.tree import Place, Tree, folder_of

NAMES = (
    "docker-compose*.yml",
    "docker-compose*.yaml",
    "compose*.yml",
    "compose*.yaml",
    "production.yml",
    "production.yaml",
)
_MOST_SERVICES = 200
_PRODUCTION = re.compile(r"(^|[._-])prod(uction)?([._-]|$)")
_PLAIN = ("docker-compose.yml", "docker-compose.yaml", "compose.yml", "compose.yaml")
_OVERRIDE = (
    "docker-compose.override.yml",
    "docker-compose.override.yaml",
    "compose.override.yml",
    "compose.override.yaml",
)


class Project:
    """The compose files that production is nearest to, merged."""

    def __init__(self, documents: list[yamls.Document], override: yamls.Document | None) -> None:
        self.documents = documents
        self.services: dict[str, dict[str, Any]] = {}
        self._places: dict[str, Place] = {}
        for document in documents:
            for name, service in _services(document).items():
                self.services[name] = _merged(self.services.get(name, {}), service)
                self._places.setdefault(name, document.place("services", name))
        for name, service in _services(override).items() if override else ():
            if name in self.services and "build" in service:
                self.services[name].setdefault("build", service["build"])

    @property
    def folder(self) -> str:
        """The folder to which paths in the files are relative."""
        return folder_of(self.documents[0].path)

    def place(self, name: str, *keys: str) -> Place:
        """Returns the place of a key of a service in the last file that has it."""
        for document in reversed(self.documents):
            path = ("services", name, *keys)
            if path in document.lines:
                return document.place(*path)
        return self._places[name]


def _services(document: yamls.Document) -> dict[str, dict[str, Any]]:
    found = document.data.get("services") if isinstance(document.data, dict) else None
    sections = found if isinstance(found, dict) else {}
    if len(sections) > _MOST_SERVICES:
        raise usage(
            f"{document.path} has {len(sections)} services, more than {_MOST_SERVICES}",
            "write the manifest by hand (docs/bring-your-own.md)",
        )
    return {name: service for name, service in sections.items() if isinstance(service, dict)}


def _merged(under: dict[str, Any], over: dict[str, Any]) -> dict[str, Any]:
    both = {
        key: {**under[key], **over[key]}
        for key in over
        if isinstance(under.get(key), dict) and isinstance(over[key], dict)
    }
    return {**under, **over, **both}


def project(tree: Tree) -> Project | None:
    """Returns the compose files of a checkout; None if there are none.

    A file for production stands alone if each of its services has an image or a build; else it changes the plain one.

    Raises:
        CommandError: if a file is not YAML.
    """
    found = tree.named(*NAMES)
    if not found:
        return None
    top = folder_of(found[0])
    here = [path for path in found if folder_of(path) == top]
    plain = [path for path in here if PurePosixPath(path).name in _PLAIN]
    production = [path for path in here if _PRODUCTION.search(PurePosixPath(path).name)]
    override = next((path for path in here if PurePosixPath(path).name in _OVERRIDE), None)
    over = yamls.read(tree, production[0]) if production else None
    base = yamls.read(tree, plain[0]) if plain else None
    if over and not _services(over):
        over = None
    if over and all("image" in service or "build" in service for service in _services(over).values()):
        builds = any("build" in service for service in _services(over).values())
        names = {*_services(base)} if base else set()
        base = base if not builds and {*_services(over)} < names else None
    documents = [document for document in (base, over) if document and _services(document)]
    if not documents:
        first = next((path for path in here if path not in _OVERRIDE), here[0])
        document = yamls.read(tree, first)
        documents = [document] if document and _services(document) else []
    return Project(documents, yamls.read(tree, override) if override and base else None) if documents else None


def listed(value: Any) -> list[Any]:
    """Returns a list as it is, and another value as the only one of a list."""
    return value if isinstance(value, list) else [] if value is None or isinstance(value, dict) else [value]
