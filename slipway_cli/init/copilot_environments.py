"""Reads the environments, pipelines and addons of a Copilot workspace."""

from __future__ import annotations

import re
from typing import Any

from slipway_cli.init import copilot_variables, git_config, yamls
from slipway_cli.init.copilot import FOLDER
from slipway_cli.init.findings import Environment, Findings, Store
from slipway_cli.init.tree import Tree

_BLOCK = re.compile(r"\d{1,3}(\.\d{1,3}){3}/(1[6-9]|2[0-2])")
_STACKS = {
    "AWS::RDS::": "database",
    "AWS::ElastiCache::": "cache",
    "AWS::S3::Bucket": "media",
}


def add(tree: Tree, findings: Findings) -> None:
    """Add the environments, in the order of a pipeline's stages, and what pipelines and addons say.

    Raises:
        CommandError: if a file is not YAML.
    """
    found: dict[str, Environment] = {}
    for path in tree.named(f"{FOLDER}/environments/*/manifest.y*ml"):
        document = yamls.read(tree, path)
        if document and isinstance(document.data, dict):
            name = str(document.data.get("name") or path.split("/")[2])
            found[name] = _environment(findings, document, name)
    order: list[str] = []
    for path in tree.named(f"{FOLDER}/pipelines/*/manifest.y*ml", f"{FOLDER}/pipeline.yml"):
        document = yamls.read(tree, path)
        if document and isinstance(document.data, dict):
            order = order or _pipeline(findings, document, found)
    for path in tree.named(f"{FOLDER}/*/manifest.y*ml"):
        document = yamls.read(tree, path) if path.count("/") == 2 else None  # noqa: PLR2004 - copilot/NAME/manifest.yml
        if document and isinstance(document.data, dict):
            _workload(document, found)
    for path in tree.named(f"{FOLDER}/*/addons/*.y*ml", f"{FOLDER}/environments/addons/*.y*ml"):
        _addon(findings, tree, path)
    first = [found[name] for name in order if name in found]
    findings.environments += [*first, *(environment for environment in found.values() if environment not in first)]


def _environment(findings: Findings, document: yamls.Document, name: str) -> Environment:
    environment = Environment(name, document.place())
    network = _section(document.data, "network")
    vpc = _section(network, "vpc")
    if isinstance(cidr := vpc.get("cidr"), str) and _BLOCK.fullmatch(cidr):
        environment.cidr = cidr
    if vpc.get("id"):
        findings.leave(
            f"the imported VPC of {name}: Slipway makes a network of its own", document.place("network", "vpc", "id")
        )
    if document.data.get("http"):
        findings.leave(
            f"load balancer settings of {name}: CloudFront alone reaches the load balancer", document.place("http")
        )
    return environment


def _pipeline(findings: Findings, document: yamls.Document, found: dict[str, Environment]) -> list[str]:
    """Add what a pipeline says; returns the order of its environments."""
    properties = _section(_section(document.data, "source"), "properties")
    owner, repository = git_config.parsed(str(properties.get("repository", "")))
    findings.owner, findings.repository = findings.owner or owner, findings.repository or repository
    if re.fullmatch(r"[A-Za-z0-9._/-]{1,100}", branch := str(properties.get("branch", ""))):
        findings.branch = branch
    order = []
    stages = document.data.get("stages")
    for index, stage in enumerate(stages if isinstance(stages, list) else ()):
        if not isinstance(stage, dict) or not stage.get("name"):
            continue
        name, place = str(stage["name"]), document.place("stages", str(index))
        order.append(name)
        environment = found.setdefault(name, Environment(name, place))
        environment.approval = bool(stage.get("requires_approval") or stage.get("require_approval"))
        for key, instead in {
            "test_commands": "write them as a buildspec under `pipeline.checks`, or as `pipeline.e2e`",
            "pre_deployments": "a migration belongs under `migration`, other steps under `pipeline.checks`",
            "post_deployments": "write them as `pipeline.e2e`",
        }.items():
            if stage.get(key):
                findings.leave(f"`{key}` of the stage {name}: {instead}", place)
    return order


def _workload(document: yamls.Document, found: dict[str, Environment]) -> None:
    """Add what a workload overrides per environment, and its domain there."""
    for name, variables in copilot_variables.of_environments(document).items():
        found.setdefault(name, Environment(name, document.place("environments", name))).variables.update(variables)
    for name, section in _section(document.data, "environments").items():
        http = _section(section, "http") if isinstance(section, dict) else {}
        if domain := _domain(http):
            environment = found.setdefault(str(name), Environment(str(name), document.place("environments", str(name))))
            environment.domain, environment.hosted_zone = domain
    if domain := _domain(_section(document.data, "http")):
        last = next((environment for environment in found.values() if environment.name.startswith("prod")), None)
        if last and not last.domain:
            last.domain, last.hosted_zone = domain


def _domain(http: dict[str, Any]) -> tuple[str, str] | None:
    """Returns the first domain of an `http` section and its hosted zone, which may be empty."""
    alias = http.get("alias")
    first = alias[0] if isinstance(alias, list) and alias else alias
    name = first.get("name") if isinstance(first, dict) else first
    zone = str((first.get("hosted_zone") if isinstance(first, dict) else http.get("hosted_zone")) or "")
    if not isinstance(name, str) or not re.fullmatch(r"([a-z0-9]([a-z0-9-]*[a-z0-9])?\.)+[a-z]{2,}", name):
        return None
    return name, zone if re.fullmatch(r"Z[A-Z0-9]+", zone) else ""


def _addon(findings: Findings, tree: Tree, path: str) -> None:
    document = yamls.read(tree, path)
    for name, resource in (
        _section(document.data, "Resources").items() if document and isinstance(document.data, dict) else ()
    ):
        kind = str(resource.get("Type", "")) if isinstance(resource, dict) else ""
        place = document.place("Resources", name) if document else None
        part = next((part for prefix, part in _STACKS.items() if kind.startswith(prefix)), "")
        engine = str(_section(resource, "Properties").get("Engine", "")) if isinstance(resource, dict) else ""
        if part == "database" and "mysql" in engine:
            findings.foreign_database = place
        elif part and place and (part != "database" or kind in ("AWS::RDS::DBCluster", "AWS::RDS::DBInstance")):
            findings.say(part, Store(place, f"addon {name}"))  # type: ignore[arg-type]  # the values above are its three names
            findings.leave(
                f"the addon {name}: Slipway makes a new {part}, with other variables; copy its data",
                place,
            )
        elif kind.startswith(
            ("AWS::DynamoDB::", "AWS::SQS::", "AWS::SNS::", "AWS::Serverless::", "AWS::Lambda::", "AWS::EFS::")
        ):
            findings.leave(f"the addon {name} ({kind}): Slipway does not make it", place)


def _section(data: Any, name: str) -> dict[str, Any]:
    found = data.get(name) if isinstance(data, dict) else None
    return found if isinstance(found, dict) else {}
