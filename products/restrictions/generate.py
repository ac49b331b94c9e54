"""Writes offered.json from the data of cfn-lint: `python -m products.restrictions.generate`.

It lists what RDS and ElastiCache offer. cfn-lint is a dependency of the tests only, so synthesis reads the committed
file. cfn-lint takes the data from AWS's API, and marks versions that cannot be created any more. A test compares the
file with the installed cfn-lint.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from products.regions import REGIONS
from products.restrictions.offered import FILE

Json = dict[str, Any]
_MINOR = re.compile(r"\d+\.\d+")
_CLASS = re.compile(r"(?:db|cache)\.[a-z0-9]+\.[a-z0-9]+")


def offered() -> Json:
    """Returns the content of the file.

    Raises:
        ModuleNotFoundError: if cfn-lint is not installed.
    """
    versions = _postgres_versions()
    return {
        "source": f"cfn-lint {version('cfn-lint')}, schemas of {_read('version.json')['schema_date'][:10]}",
        "postgres": versions,
        "redis": _versions("aws_elasticache_cachecluster", "redis"),
        "valkey": _versions("aws_elasticache_cachecluster", "valkey"),
        "database_classes": _database_classes(versions),
        "cache_nodes": _families(_nodes(region) for region in REGIONS),
        "regions_without_database_class": _absent({region: _region_classes(region) for region in REGIONS}),
        "regions_without_cache_node": _absent({region: _nodes(region) for region in REGIONS}),
    }


def main() -> None:
    """Write the file."""
    FILE.write_text(json.dumps(offered(), indent=1) + "\n", encoding="utf-8")


def _read(name: str) -> Any:
    spec = find_spec("cfnlint")
    if spec is None or spec.origin is None:
        raise ModuleNotFoundError("cfn-lint is not installed", name="cfnlint")
    return json.loads((Path(spec.origin).parent / "data" / "schemas" / name).read_text(encoding="utf-8"))


def _rules(name: str, engine: str) -> Iterator[tuple[Json, Json]]:
    """Yields condition and consequence of each rule about an engine."""
    for rule in _read(f"extensions/{name}")["allOf"]:
        condition = rule["if"]["properties"]
        if condition.get("Engine", {}).get("const") == engine:
            then = rule["then"]
            yield condition, then["properties"] if isinstance(then, dict) else {}


def _versions(folder: str, engine: str) -> list[str]:
    (found,) = [
        then["EngineVersion"]["enum"]
        for _, then in _rules(f"{folder}/engine_version.json", engine)
        if "EngineVersion" in then
    ]
    return _sorted(version for version in found if _MINOR.fullmatch(version))


def _postgres_versions() -> list[str]:
    deprecated = {
        version
        for condition, _ in _rules("aws_rds_dbinstance/engine_version_deprecated.json", "postgres")
        for version in condition["EngineVersion"]["enum"]
    }
    return [version for version in _versions("aws_rds_dbinstance", "postgres") if version not in deprecated]


def _database_classes(versions: list[str]) -> Json:
    """Returns the sizes of each family of instance classes, and the major versions that run on it."""
    majors: dict[str, set[str]] = {}
    sizes: list[str] = []
    for condition, then in _rules("aws_rds_dbinstance/db_instance_class.json", "postgres"):
        pattern = re.compile(condition["EngineVersion"]["pattern"])
        for offered_version in versions:
            if pattern.fullmatch(offered_version):
                for name in filter(_CLASS.fullmatch, then["DBInstanceClass"]["enum"]):
                    sizes.append(name)
                    majors.setdefault(name.split(".")[1], set()).add(offered_version.split(".")[0])
    return {
        family: {"majors": sorted(majors[family], key=int), "sizes": names}
        for family, names in _families([sizes]).items()
    }


def _region_classes(region: str) -> list[str]:
    """Returns the instance classes for PostgreSQL in a region."""
    rules = _read("extensions/aws_rds_dbinstance/dbinstanceclass_enum.json")[region]["allOf"]
    return [
        name
        for rule in rules
        if rule["if"]["properties"].get("Engine", {}).get("const") == "postgres"
        for name in rule["then"]["properties"]["DBInstanceClass"]["enum"]
    ]


def _nodes(region: str) -> list[str]:
    found: list[str] = _read("extensions/aws_elasticache_cachecluster/cachenodetype_enum.json")[region]["enum"]
    return found


def _families(groups: Any) -> dict[str, list[str]]:
    sizes: dict[str, set[str]] = {}
    for name in (name for group in groups for name in group if _CLASS.fullmatch(name)):
        _, family, size = name.split(".")
        sizes.setdefault(family, set()).add(size)
    return {family: sorted(sizes[family]) for family in sorted(sizes)}


def _absent(by_region: dict[str, list[str]]) -> dict[str, list[str]]:
    """Returns, for each class that some regions lack, those regions."""
    everywhere = {name for names in by_region.values() for name in names if _CLASS.fullmatch(name)}
    lacking = {name: [region for region, names in by_region.items() if name not in names] for name in everywhere}
    return {name: regions for name, regions in sorted(lacking.items()) if regions}


def _sorted(versions: Iterator[str]) -> list[str]:
    return sorted(versions, key=lambda version: [int(part) for part in version.split(".")])


if __name__ == "__main__":
    main()
