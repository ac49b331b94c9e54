"""Turns what a checkout says, and what the user answered, into a manifest with a reason for each guess."""

from __future__ import annotations

from typing import Any

from products import beats
from products.restrictions.offered import offered
from slipway_cli.init import commands, dockerfiles, dotenv, draft_environments, draft_hosts, known, naming, routing
from slipway_cli.init.answers import PLACEHOLDER, Answers
from slipway_cli.init.draft_variables import Variables, decide, of_process
from slipway_cli.init.findings import Findings, Image, Process
from slipway_cli.init.tree import Place, Tree, joined
from slipway_cli.init.writer import Said

_DEFAULT_PORT = 8000
_WEB_SIZE, _WORKER_SIZE = {"cpu": 512, "memory": 1024}, {"cpu": 512, "memory": 1024}


def draft(tree: Tree, findings: Findings, answers: Answers, name: str, *, on_hosts: bool) -> dict[str, Any]:
    """Returns the manifest of a product, in the order of keys that a reader expects.

    Args:
        tree: the checkout.
        findings: what it says; assumptions are added.
        answers: what it cannot say.
        name: the product's name.
        on_hosts: True for environments with `target: hosts`.
    """
    routing.route(findings)
    found = decide(findings, name)
    images = _images(findings)
    manifest: dict[str, Any] = {"name": name, **_identity(findings, answers)}
    manifest["images"] = _images_section(tree, findings, images)
    if on_hosts:
        manifest |= draft_hosts.section(findings, images, found)
    else:
        manifest["services"] = _services(findings, images, found)
    if migration := _migration(findings, images, on_hosts=on_hosts):
        manifest["migration"] = migration
    if findings.jobs and not on_hosts:
        manifest["schedules"] = _schedules(findings, images, found)
    manifest |= _frontends(tree, findings, on_hosts=on_hosts)
    manifest |= _stores(tree, findings)
    if found.secrets:
        manifest["secrets"] = dict(found.secrets)
    if found.product and not (on_hosts and findings.compose):
        manifest["variables"] = dict(found.product)
    manifest["pipeline"] = draft_environments.pipeline(findings, answers)
    manifest["environments"] = draft_environments.section(findings, answers, manifest, on_hosts=on_hosts)
    return manifest


def _identity(findings: Findings, answers: Answers) -> dict[str, Any]:
    repository = {
        "owner": answers.owner or PLACEHOLDER,
        "name": answers.repository or PLACEHOLDER,
        "owner_id": Said(_number(answers.owner_id), f"gh api users/{answers.owner or 'OWNER'} --jq .id"),
        "id": Said(
            _number(answers.repository_id),
            f"gh api repos/{answers.owner or 'OWNER'}/{answers.repository or 'NAME'} --jq .id",
        ),
    }
    if findings.branch and findings.branch != "main":
        repository["branch"] = findings.branch
    return {
        "account": Said(answers.account or PLACEHOLDER, "aws sts get-caller-identity --query Account --output text"),
        "region": answers.region or PLACEHOLDER,
        "repository": repository,
    }


def _number(text: str) -> int | str:
    return int(text) if text else PLACEHOLDER


def _images(findings: Findings) -> dict[Image, str]:
    """Returns the name of each image that something runs; two that are built alike are one."""
    using = [*findings.processes, *findings.jobs, *([findings.migration] if findings.migration else [])]
    found: dict[tuple[str, str], str] = {}
    names: dict[Image, str] = {}
    for image in (process.image for process in using if process.image):
        key = (image.path, image.target)
        if key not in found:
            folder = image.context.rpartition("/")[2] if image.context != "." else ""
            alone = len({other.image.path for other in using if other.image}) == 1
            suggested = folder or ("app" if alone else image.name) or image.path.rpartition("/")[0].rpartition("/")[2]
            found[key] = naming.part(suggested, found.values(), "app")
        names[image] = found[key]
    return names


def _images_section(tree: Tree, findings: Findings, images: dict[Image, str]) -> dict[str, Any]:
    section: dict[str, Any] = {}
    for image, name in images.items():
        if name in section:
            continue
        keys: dict[str, Any] = {"context": image.context} if image.context != "." else {}
        if image.dockerfile != "Dockerfile":
            keys["dockerfile"] = image.dockerfile
        if image.target:
            keys["target"] = image.target
        given = {key: value for other, same in images.items() if same == name for key, value in other.arguments}
        arguments = {key: value for key, value in given.items() if not known.is_secret(key, value)}
        if arguments:
            keys["build_args"] = {key: known.escaped(value) for key, value in arguments.items()}
        for key in given.keys() - arguments.keys():
            findings.leave(f"the build argument {key}: it may be secret; use `build_secrets`", image.place)
        dockerfile = dockerfiles.read(tree, image.path, image.target)
        for key in dockerfile.required if dockerfile else ():
            if key not in given and not dockerfiles.PREDEFINED.match(key):
                findings.leave(
                    f"the build argument {key}, which has no default: write it under `build_args`, a secret under "
                    "`build_secrets`",
                    Place(image.path),
                )
        if dockerfile and dockerfile.lines.get("FROM"):
            section[name] = Said(keys, str(dockerfile.place("FROM")))
        else:
            section[name] = Said(keys, str(image.place))
    return section


def _services(findings: Findings, images: dict[Image, str], found: Variables) -> dict[str, Any]:
    section: dict[str, Any] = {}
    for process in findings.processes:
        name = naming.part(process.name, section, "app")
        keys: dict[str, Any] = {"image": images[process.image]} if process.image and _several(images) else {}
        if process.command:
            keys["command"] = list(process.command)
        if process.public:
            keys |= _web(findings, process)
        keys |= {key: value for key, value in process.keys.items() if not (key == "health_path" and not process.public)}
        if process.kind == "beat" or _is_beat(process):
            keys = {key: value for key, value in keys.items() if key not in ("count", "scaling")} | {"singleton": True}
        if (scheduler := beats.of(process.command)) and scheduler.in_worker and {"count", "scaling"} & keys.keys():
            keys = {key: value for key, value in keys.items() if key not in ("count", "scaling")}
            findings.assume(f"one task of {process.name} runs: its command starts beat too", process.place)
        if process.public and "size" not in keys:
            keys["size"] = _WEB_SIZE
        elif process.kind == "worker" and "size" not in keys:
            keys["size"] = _WORKER_SIZE
        if own := of_process(found, process):
            keys["variables"] = own
        section[name] = Said(keys, _why(process))
        process.name = name
    return section


def _several(images: dict[Image, str]) -> bool:
    return len(set(images.values())) > 1


def _is_beat(process: Process) -> bool:
    return process.kind == "beat" or commands.kind(process.command, "") == "beat"


def _web(findings: Findings, process: Process) -> dict[str, Any]:
    """Returns the port and the paths of a process that visitors reach."""
    if process.port is None:
        findings.assume(f"{process.name} listens on {_DEFAULT_PORT}: no file says so", process.place)
    keys: dict[str, Any] = {"port": process.port or _DEFAULT_PORT}
    if process.paths:
        keys["paths"] = list(process.paths)
    if process.cached:
        keys["static_paths"] = list(process.cached)
    return keys


def _migration(findings: Findings, images: dict[Image, str], *, on_hosts: bool) -> Any:
    process = findings.migration
    if process is None or process.image is None or not process.command:
        return None
    keys: dict[str, Any] = {"image": images[process.image]} if _several(images) else {}
    if on_hosts and findings.compose:
        same = (
            other.name for other in findings.processes if other.image and images[other.image] == images[process.image]
        )
        if (service := next(same, None)) and service != images[process.image]:
            keys["service"] = service
    findings.assume(
        "migrations run before the services of a release change, and must suit the running release too", process.place
    )
    return Said({**keys, "command": list(process.command)}, str(process.place))


def _schedules(findings: Findings, images: dict[Image, str], found: Variables) -> dict[str, Any]:
    section: dict[str, Any] = {}
    taken = {process.name for process in findings.processes}
    for process in findings.jobs:
        if process.image is None or not process.command:
            continue
        name = naming.part(process.name, {*section, *taken}, "job")
        keys: dict[str, Any] = {"image": images[process.image], "command": list(process.command), **process.keys}
        if own := of_process(found, process):
            keys["variables"] = own
        section[name] = Said(keys, _why(process))
    return section


def _why(process: Process) -> str:
    known_already = not process.why or str(process.place).startswith(process.why)
    return str(process.place) if known_already else f"{process.why}, {process.place}"


def _frontends(tree: Tree, findings: Findings, *, on_hosts: bool) -> dict[str, Any]:
    if on_hosts:
        return {}
    sections: dict[str, Any] = {}
    for name, (path, frontend) in routing.sites(findings).items():
        keys: dict[str, Any] = {"directory": frontend.directory}
        if path != "/":
            keys["path"] = path
        if frontend.output != "dist":
            keys["output"] = frontend.output
        if frontend.folders:
            keys["pages"] = "folders"
        sections[name] = Said(keys, f"{frontend.bundler}, {frontend.place}")
        for example in dotenv.EXAMPLES:
            for variable, place in dotenv.names(tree, joined(frontend.directory, example)).items():
                findings.ask(f"write {variable} under `variables` of the frontend, if its pages need it", place)
        findings.assume(
            f"{frontend.bundler} writes the pages of {frontend.directory} to {frontend.output}/", frontend.place
        )
    if len(sections) == 1:
        return {"frontend": next(iter(sections.values()))}
    return {"frontends": sections} if sections else {}


def _stores(tree: Tree, findings: Findings) -> dict[str, Any]:
    """Returns the sections of the database, of the cache, and of uploads, also those that it lacks."""
    keys: dict[str, Any] = {}
    if database := findings.database:
        paths = {process.image.path for process in findings.processes if process.image}
        verified = any("PGSSLROOTCERT" in found.names for path in paths if (found := dockerfiles.read(tree, path)))
        section: dict[str, Any] = {} if verified else {"tls": "require"}
        majors = {version.partition(".")[0] for version in offered()["postgres"]}
        if (major := database.version.partition(".")[0]) in majors:
            section = {"version": major, **section}
        keys["database"] = Said(section, f"{database.why}, {database.place}")
        if not verified:
            findings.assume(
                "the image lacks the certificate authorities of RDS, so the database's server is not verified"
            )
    elif place := findings.foreign_database:
        findings.leave("the database: Slipway runs PostgreSQL only; its address is a secret of yours", place)
    if cache := findings.cache:
        engine = cache.engine or "redis"
        version = cache.version if cache.version in offered()[engine] else {"redis": "7.1", "valkey": "8.0"}[engine]
        keys["cache"] = Said({"engine": engine, "version": version}, f"{cache.why}, {cache.place}")
    else:
        keys["cache"] = None
    media = findings.media
    keys["media"] = Said(True, f"{media.why}, {media.place}") if media else False
    return keys
