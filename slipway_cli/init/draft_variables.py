"""Decides what each environment variable of a product is given: a reference, a text, or a secret."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from products.variables import REPORTED
from slipway_cli.init import known
from slipway_cli.init.findings import TO_CREATE, Findings, Process, Read, Setting, Store
from slipway_cli.init.tree import Place
from slipway_cli.init.writer import Said

_MOST_SHOWN = 12


@dataclass
class Variables:
    """The variables of a product and of its services, and its secrets, as the manifest writes them."""

    name: str
    """The product's name, with which names of secrets begin."""
    product: dict[str, Said] = field(default_factory=dict)
    services: dict[str, dict[str, Said]] = field(default_factory=dict)
    """By the name of the process."""
    secrets: dict[str, Said] = field(default_factory=dict)


def decide(findings: Findings, name: str) -> Variables:
    """Returns the variables, and adds the stores that they refer to.

    Args:
        findings: what the checkout says.
        name: the product's name, with which names of secrets begin.
    """
    found = Variables(name)
    for variable, (value, place) in findings.variables.items():
        found.product[variable] = Said(value, str(place or ""))
    if not (findings.compose and findings.compose.proxy):  # else the compose files give them
        _given(findings, found)
    _read(findings, found)
    if "PGUSER" in found.product and "PGPASSWORD" not in {*found.product, *found.secrets}:
        found.product["PGPASSWORD"] = Said("${database.password}", "libpq reads it")
    for variable in found.secrets:  # a variable cannot be both
        found.product.pop(variable, None)
        for own in found.services.values():
            own.pop(variable, None)
    return found


def _given(findings: Findings, found: Variables) -> None:
    """Add what files give to processes: to the product if all agree, else to each."""
    processes = [*findings.processes, *findings.jobs]
    for variable in dict.fromkeys(variable for process in processes for variable in process.settings):
        if variable in REPORTED:
            continue  # Slipway sets it
        having = [process for process in processes if variable in process.settings]
        kept = next((process.settings[variable] for process in having if process.settings[variable].secret), None)
        if kept:
            secret(findings, found, variable, kept.place, kept.secret)
            continue
        values = {process.settings[variable].value for process in having}
        if len(values) == 1 and variable != "PORT":
            said = _said(findings, found, variable, having[0].settings[variable])
            if said and variable not in found.product:
                found.product[variable] = said
            continue
        for process in having:
            if said := _said(findings, found, variable, process.settings[variable]):
                found.services.setdefault(process.name, {})[variable] = said


def _said(findings: Findings, found: Variables, variable: str, setting: Setting) -> Said | None:
    if setting.value is None:
        findings.ask(f"write the value of {variable}", setting.place)
        return Said(known.STAND_IN, f"{setting.place}: its value is not in the checkout")
    if not _provided(findings, setting.value, setting.place, variable):
        secret(findings, found, variable, setting.place)
        return None
    return Said(setting.value, str(setting.place))


def _provided(findings: Findings, value: str, place: Place, variable: str) -> bool:
    """True if the product has what a value refers to; a database or a cache that nobody mentioned is added."""
    part = known.part(value)
    if part in findings.kept:
        return True
    if part == "database" and findings.foreign_database and findings.database is None:
        return False
    if part in ("database", "cache", "media"):
        findings.say(part, Store(place, f"variable {variable}"))  # type: ignore[arg-type]  # one of its three names
    return True


def secret(findings: Findings, found: Variables, variable: str, place: Place, given: str = "") -> None:
    """Add a secret: an existing one as `name` or `name:key`, else one that the user creates."""
    if variable in found.secrets:
        return
    if given in ("", TO_CREATE):
        section: dict[str, Any] = {"name": f"{found.name}/{variable.lower().replace('_', '-')}"}
        findings.ask(f"create the secret {section['name']} in Secrets Manager, for {variable}", place)
    else:
        known_name, _, key = given.partition(":")
        section = {"name": known_name, **({"key": key} if key else {})}
    found.secrets[variable] = Said(section, str(place))


def _read(findings: Findings, found: Variables) -> None:
    """Add the variables that the code reads, unless a file gives them."""
    optional: list[str] = []
    whole = any(known.value(read) == "${database.url}" for read in (*findings.reads, *found.product))
    for read in findings.reads.values():
        taken = read.name in REPORTED or read.name in found.product or read.name in found.secrets
        if taken or any(read.name in own for own in found.services.values()) or read.name in ("PORT", "HOST"):
            continue
        value = known.value(read.name)
        parts = value is not None and value.startswith("${database.") and value != "${database.url}"
        if parts and whole and read.place.path.endswith((".py", ".js", ".ts")):
            continue  # the code reads the URL, or composes it of these
        if not _one(findings, found, read, value):
            optional.append(read.name)
    if optional:
        shown = ", ".join(sorted(optional)[:_MOST_SHOWN])
        more = len(optional) - _MOST_SHOWN
        findings.leave(f"variables that have defaults in the code: {shown}" + (f" and {more} more" if more > 0 else ""))


def _one(findings: Findings, found: Variables, read: Read, value: str | None) -> bool:
    """Add a variable that the code reads; returns False if it is left out, since it has a default."""
    if value is not None and (value.startswith("${") or read.required or value == "false"):
        if _provided(findings, value, read.place, read.name):
            found.product[read.name] = Said(value, str(read.place))
        else:
            secret(findings, found, read.name, read.place)
        return True
    if not read.required:
        return False
    if known.is_secret(read.name):
        secret(findings, found, read.name, read.place)
        return True
    stand_in = known.stand_in(read.kind)
    findings.ask(f"write the value of {read.name}", read.place)
    found.product[read.name] = Said(stand_in, f"{read.place}: required, and its value is not in the checkout")
    return True


def of_process(found: Variables, process: Process) -> dict[str, Said]:
    """Returns the variables of one process only."""
    return found.services.get(process.name, {})
