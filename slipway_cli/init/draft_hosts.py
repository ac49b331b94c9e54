"""Writes the sections `compose` or `containers` of a manifest, for environments with `target: hosts`."""

from __future__ import annotations

import re
from typing import Any

from products.host_files import image_variable
from slipway_cli.init import known, naming
from slipway_cli.init.draft_variables import Variables, of_process, secret
from slipway_cli.init.findings import Compose, Findings, Image, Process
from slipway_cli.init.tree import Place
from slipway_cli.init.writer import Said

_SITE_PORT = 8080


def section(findings: Findings, images: dict[Image, str], found: Variables) -> dict[str, Any]:
    """Returns `compose` if the checkout has compose files, else `containers`."""
    for job in findings.jobs:
        findings.leave(
            f"the job {job.name}: hosts start no schedules; run it with beat or cron in a container", job.place
        )
    findings.jobs.clear()
    if findings.compose and findings.compose.proxy:
        return {"compose": _compose(findings, findings.compose, images, found)}
    return {"containers": _containers(findings, images, found)}


def _compose(findings: Findings, compose: Compose, images: dict[Image, str], found: Variables) -> Any:
    keys: dict[str, Any] = {"files": compose.files}
    if compose.profiles:
        keys["profiles"] = compose.profiles
    keys["proxy"] = Said({"service": compose.proxy, "port": compose.port}, "the port that the files publish")
    if environment := {
        name: said for name, place in compose.variables.items() if (said := _value(findings, found, name, place))
    }:
        keys["env"] = environment
    files: dict[str, dict[str, Said]] = {}
    for path, names in compose.env_files.items():
        wanted = {**names, **({} if files else _named(findings, found))}
        values = {name: said for name, place in wanted.items() if (said := _value(findings, found, name, place))}
        files[_by_environment(path)] = values  # it has to exist, even if another one has all variables
    files.pop(".env", None)
    if files:
        keys["env_files"] = files
    for name in compose.unnamed:
        variable = image_variable(next((images[image] for image in images if image.name == name), name))
        findings.ask(
            f"give the compose service {name} `image: ${{{variable}}}` beside `build`: hosts build nothing",
            compose.place,
        )
    found.product.clear()
    return keys


def _named(findings: Findings, found: Variables) -> dict[str, Place]:
    """Returns the variables that the product's code reads or its layout sets."""
    return {
        **{name: place or Place("") for name, (_, place) in findings.variables.items()},
        **{
            read.name: read.place
            for read in findings.reads.values()
            if (read.required or known.value(read.name)) and read.name not in found.secrets
        },
    }


def _value(findings: Findings, found: Variables, name: str, place: Place) -> Said | None:
    """Returns a variable's value on hosts; None if it is left out, as the address of a store in the compose files."""
    usual = findings.variables[name][0] if name in findings.variables else known.value(name)
    part = known.part(usual or "")
    if usual is None and known.is_secret(name):
        secret(findings, found, name, place)
        findings.ask(f"pass {name} on in the compose file, `{name}: ${{{name}}}`: secrets are in .env", place)
        return None
    if usual is None:
        findings.ask(f"write the value of {name}", place)
        return Said(known.STAND_IN, f"{place}: its value is not in the checkout")
    if part in findings.kept and usual.endswith((".password}", ".token}")):
        return Said(f"${{generated.{_plain(name)}}}", str(place))
    if part in findings.kept:
        findings.leave(f"{name}: the compose files know the address of their own store", place)
        return None
    return Said(usual, str(place)) if part != "media" or findings.media else None


def _plain(name: str) -> str:
    return re.sub(r"[^a-z0-9]+", "_", name.lower()).strip("_")


def _by_environment(path: str) -> str:
    return re.sub(r"(^|[._-])(production|prod)(?=$|[._-])", r"\1${environment}", path)


def _containers(findings: Findings, images: dict[Image, str], found: Variables) -> dict[str, Any]:
    containers: dict[str, Any] = {}
    front: Process | None = next((process for process in findings.processes if process.public), None)
    port = _SITE_PORT
    for process in findings.processes:
        if process.image is None:
            continue
        name = naming.part(process.name, containers, "app")
        keys: dict[str, Any] = {"image": images[process.image]}
        if process.command:
            keys["command"] = list(process.command)
        if process.public:
            keys["ports"] = [f"{port}:{process.port or 8000}"]
            port += 1
            if process is front:
                keys["proxy"] = True
            elif front:
                findings.leave(f"the paths of {process.name}: on hosts every path leads to {front.name}", process.place)
        if own := of_process(found, process):
            keys["variables"] = own
        containers[name] = Said(keys, str(process.place))
    return containers
