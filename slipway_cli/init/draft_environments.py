"""Writes the sections `pipeline` and `environments` of a manifest."""

from __future__ import annotations

import re
from typing import Any

from slipway_cli.init import naming
from slipway_cli.init.answers import PLACEHOLDER, Answers
from slipway_cli.init.findings import Environment, Findings
from slipway_cli.init.tree import Place
from slipway_cli.init.writer import Said, bare

NO_CONNECTION = "00000000-0000-4000-8000-000000000000"
"""The id of a connection that does not exist: the local cloud accepts it, AWS refuses it."""
_STAGES = ("test", "publish", "snapshot", "e2e", "release", "source", "approval")
_MANIFEST_DOMAIN = "${site."


def pipeline(findings: Findings, answers: Answers) -> dict[str, Any]:
    """Returns the section `pipeline`: a push to the branch releases through all environments."""
    account, region = answers.account or PLACEHOLDER, answers.region or PLACEHOLDER
    connection = answers.connection or f"arn:aws:codeconnections:{region}:{account}:connection/{NO_CONNECTION}"
    keys: dict[str, Any] = {"connection": connection}
    if not answers.connection:
        create = "aws codeconnections create-connection --provider-type GitHub --connection-name NAME"
        keys["connection"] = Said(connection, f"write the ARN of yours: {create}")
        findings.ask(f"{create}; authorize it in the console, and write its ARN as `pipeline.connection`")
    if findings.version_file:
        keys["version_file"] = findings.version_file
    else:
        findings.ask('write the product\'s version into a file, e.g. pyproject.toml: [project] version = "0.1.0"')
    keys["notifications"] = {"emails": [answers.email or PLACEHOLDER]}
    findings.leave("tests: add them under `pipeline.checks` (docs/builds.md), so that a push runs them first")
    return keys


def section(findings: Findings, answers: Answers, manifest: dict[str, Any], *, on_hosts: bool) -> dict[str, Any]:
    """Returns the section `environments`: those of Copilot, else staging and production."""
    nowhere = Place("")
    known = findings.environments or [Environment("staging", nowhere), Environment("production", nowhere)]
    found: dict[str, Any] = {}
    last = len(known) - 1
    approved = any(environment.approval for environment in known)
    wanted = _wants_domain(findings, manifest, on_hosts=on_hosts)
    first = next((environment for environment in known if environment.name.startswith(("prod", "live"))), known[-1])
    for index, environment in enumerate(known):
        name = _named(findings, environment, found)
        production = environment.name.startswith(("prod", "live")) or (index == last and last > 0)
        keys: dict[str, Any] = {"profile": "standard" if production else "minimal"}
        if environment.approval or (production and not approved):
            keys["approval"] = True
        if on_hosts:
            keys |= {"target": "hosts", "hosts": _hosts(findings)}
        if findings.architecture:
            keys["architecture"] = findings.architecture
        if environment.cidr:
            keys["network"] = {"cidr": environment.cidr}
        if not on_hosts and (overrides := _overrides(findings, environment.name)):
            keys["services"] = overrides
        if environment.variables:
            keys["variables"] = dict(environment.variables)
        if domain := _domain(environment, answers, name, bare_name=environment is first, wanted=wanted):
            keys["edge"] = {"domain": domain}
        place = environment.place
        found[name] = Said(keys, f"Copilot environment, {place}") if place.path else keys
    return found


def _named(findings: Findings, environment: Environment, taken: dict[str, Any]) -> str:
    """Returns an environment's name, another one if a stage of the pipeline has it."""
    name = naming.part(environment.name, taken, "staging")
    if name not in _STAGES:
        return name
    other = naming.part("testing" if name == "test" else f"{name}-env", taken, "staging")
    findings.assume(f"the environment {name} is called {other}: the pipeline has a stage {name}", environment.place)
    return other


def _wants_domain(findings: Findings, manifest: dict[str, Any], *, on_hosts: bool) -> bool:
    """True if the product does not work without a domain of its own."""
    if findings.wants_domain:
        return True
    return on_hosts and _MANIFEST_DOMAIN in str(bare(manifest))


def _domain(
    environment: Environment, answers: Answers, name: str, *, bare_name: bool, wanted: bool
) -> dict[str, Any] | None:
    """Returns an environment's domain: its own, the answer's or one below it, or a placeholder if it needs one."""
    given = environment.domain or answers.domain
    if not given and not wanted:
        return None
    own = environment.domain or (given if bare_name else f"{name}.{given}" if given else "")
    zone = environment.hosted_zone or answers.hosted_zone
    keys: dict[str, Any] = {"name": own or PLACEHOLDER, "hosted_zone_id": zone or PLACEHOLDER}
    if answers.region and answers.region != "us-east-1":
        account = answers.account or PLACEHOLDER
        keys["certificate_arn"] = Said(
            f"arn:aws:acm:us-east-1:{account}:certificate/{NO_CONNECTION}",
            "write the ARN of a certificate in us-east-1: CloudFront accepts no other",
        )
    return keys


def _hosts(findings: Findings) -> dict[str, Any]:
    instance = "t3.small" if findings.architecture == "x86_64" else "t4g.small"
    disk = {"data_disk_gb": 20} if findings.compose and findings.compose.volumes else {}
    return {"count": 1, "instance": instance, **disk}


def _overrides(findings: Findings, environment: str) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for process in findings.processes:
        own = process.overrides.get(environment)
        if own:
            base = process.keys.get("scaling")
            maximum = own.get("scaling", base or {}).get("maximum") if (own.get("scaling") or base) else None
            if maximum is not None and own.get("count", 1) > maximum:
                findings.leave(f"`count` of {process.name} in {environment}: more than its range", process.place)
                continue
            found[process.name] = own
    return found


def assumed(findings: Findings, answers: Answers) -> None:
    """Record what the sections assume."""
    if not findings.environments:
        findings.assume(
            "two environments: staging, small and on spot capacity, and production, which asks for approval"
        )
    if findings.wants_domain and not answers.domain:
        findings.ask(
            "write the domain of each environment: the product trusts X-Forwarded-Proto, which is right with one only",
            findings.wants_domain,
        )
    if answers.domain and answers.region and answers.region != "us-east-1":
        findings.ask("create a certificate for each domain in us-east-1, and write its ARN as `certificate_arn`")
    if re.fullmatch(r"x86_64", findings.architecture):
        findings.assume("images are built for x86_64, as before; `arm64` is a fifth cheaper")
