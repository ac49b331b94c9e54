"""Reads compose files: the product's services, and the databases, caches and proxies beside them."""

from __future__ import annotations

import re
from pathlib import PurePosixPath
from typing import Any

from slipway_cli.init import commands, compose_variables, dockerfiles
from slipway_cli.init.compose_project import Project, listed
from slipway_cli.init.findings import Findings, Image, Process, Store
from slipway_cli.init.tree import Place, Tree, folder_of, joined

_DEVELOPMENT = re.compile(r"dev|debug|test|tool|local|e2e|docs", re.IGNORECASE)
# Keys that a task has nothing for, each with the reason.
_LEFT = {
    "secrets": "Slipway gives secrets as variables, not as files",
    "configs": "a task has no files but the image's",
    "privileged": "Fargate allows no privileged containers",
    "devices": "Fargate has no devices",
    "network_mode": "each task has an address of its own",
}
_VERSION = re.compile(r":v?(\d+(?:\.\d+)?)")


def add(tree: Tree, findings: Findings, found: Project, covered: set[str]) -> None:
    """Add the services of compose files to the findings, but those of contexts whose processes are known already."""
    proxies: list[str] = []
    processes: dict[str, Process] = {}
    for name, service in found.services.items():
        profiles = [str(profile) for profile in listed(service.get("profiles"))]
        if profiles and all(_DEVELOPMENT.search(profile) for profile in profiles):
            findings.leave(f"the compose service {name}: it belongs to the profile {profiles[0]}", found.place(name))
            continue
        image = _image(tree, found, name, service)
        kind = dockerfiles.kind_of(str(service.get("image", ""))) if image is None else _packaged(tree, image)
        if kind in ("database", "cache"):
            _store(findings, name, kind, *_base(tree, found, name, image))
        elif kind == "proxy":
            proxies.append(name)
        elif image is None or kind:
            _foreign(findings, found, name, service)
        elif image.context in covered:
            continue
        elif commands.kind(commands.words(service.get("command")), name) == "other" and "flower" in name:
            text = f"the compose service {name}: a page about Celery's tasks, which visitors must not reach"
            findings.leave(text, found.place(name))
        else:
            process = _process(tree, findings, found, name, image)
            if profiles and process.kind in ("other", "release"):
                findings.leave(
                    f"the compose service {name}: it belongs to the profile {profiles[0]}", found.place(name)
                )
            else:
                processes[name] = process
    _proxied(findings, found, proxies, processes)
    findings.processes += processes.values()


def _image(tree: Tree, found: Project, name: str, service: dict[str, Any]) -> Image | None:
    """Returns the image that a service is built as; None if it runs one of other people."""
    build = service.get("build")
    if build is None:
        return _released(tree, found, name, service)
    section = build if isinstance(build, dict) else {"context": build}
    context = joined(found.folder, str(section.get("context", ".")))
    if not context or "://" in str(section.get("context", "")):
        return None
    path = joined(context, str(section.get("dockerfile", "Dockerfile")))
    below = path if context == "." else path.removeprefix(f"{context}/")
    arguments = section.get("args")
    pairs = (
        arguments.items() if isinstance(arguments, dict) else (str(pair).split("=", 1) for pair in listed(arguments))
    )
    target = dockerfiles.stage(tree, path, str(section.get("target") or "")) if path else ""
    plain = tuple((str(pair[0]), str(pair[1])) for pair in pairs if len(pair) > 1 and "$" not in str(pair[1]))
    return Image(context, below, found.place(name, "build"), target, plain, name)


def _released(tree: Tree, found: Project, name: str, service: dict[str, Any]) -> Image | None:
    """Returns the image of a folder with a Dockerfile whose name is in a variable, as in `${BACKEND_IMAGE}`."""
    variable = re.search(r"\$\{(\w+?)_IMAGE\b", str(service.get("image", "")))
    if not variable:
        return None
    wanted = variable[1].lower().replace("_", "-")
    for path in dockerfiles.candidates(tree):
        if PurePosixPath(folder_of(path)).name.lower().replace("_", "-") == wanted:
            image = dockerfiles.image_of(tree, path)
            return Image(image.context, image.dockerfile, found.place(name, "image"), name=wanted)
    return None


def _packaged(tree: Tree, image: Image) -> str:
    """Returns the kind of program that an image of the checkout packages, if none of it is the product's own."""
    dockerfile = dockerfiles.read(tree, image.path, image.target)
    if dockerfile is None or not dockerfile.third_party:
        return ""
    pages = joined(image.context, "package.json")
    return "" if dockerfile.third_party == "proxy" and pages and tree.has(pages) else dockerfile.third_party


def _base(tree: Tree, found: Project, name: str, image: Image | None) -> tuple[str, Place]:
    """Returns the image of other people that a service runs, or is built from, and the place that says so."""
    if image is None:
        return str(found.services[name].get("image", "")), found.place(name, "image")
    dockerfile = dockerfiles.read(tree, image.path, image.target)
    return (dockerfile.base if dockerfile else ""), Place(image.path, 1)


def _store(findings: Findings, name: str, kind: str, text: str, place: Place) -> None:
    version = _VERSION.search(text)
    engine = "valkey" if "valkey" in text else ""
    store = Store(place, f"compose service {name}", engine, version[1] if version else "")
    findings.say("database" if kind == "database" else "cache", store)


def _foreign(findings: Findings, found: Project, name: str, service: dict[str, Any]) -> None:
    """Record a service that runs other people's image."""
    text = str(service.get("image") or "")
    place = found.place(name, "image" if text else "build")
    if not text:
        findings.leave(f"the compose service {name}: its image has no code of the product", place)
        return
    if re.search(r"mysql|mariadb|mongo", text):
        findings.leave(f"the compose service {name} ({text}): Slipway runs PostgreSQL only; run it elsewhere", place)
    elif re.search(r"minio|localstack", text):
        findings.say("media", Store(place, f"compose service {name}"))
        findings.leave(f"the compose service {name}: uploads are in a bucket on AWS", place)
    elif re.search(r"mailhog|mailpit|maildev|adminer|pgadmin|flower|certbot|aws-?cli", text):
        findings.leave(f"the compose service {name} ({text}): a tool for development or for one machine", place)
    else:
        why = "Slipway runs images that it builds: for this one, add a Dockerfile with one line, FROM"
        findings.leave(f"the compose service {name}: {why} {text}", place)


def _process(tree: Tree, findings: Findings, found: Project, name: str, image: Image) -> Process:
    service = found.services[name]
    command = _command(tree, findings, found, name, image)
    dockerfile = dockerfiles.read(tree, image.path, image.target)
    kind = commands.kind(command or (dockerfile.command if dockerfile else None), name)
    process = Process(name, kind, found.place(name), image, command, why=f"compose service {name}")
    port, process.public = _port(service)
    if kind in ("web", "other") or process.public:
        process.port = port
    deploy = service.get("deploy") if isinstance(service.get("deploy"), dict) else {}
    count = commands.whole(deploy.get("replicas", service.get("scale")), 1, 1000) if isinstance(deploy, dict) else None
    if count and count > 1 and kind != "beat":
        process.keys["count"] = count
    if size := _size(deploy):
        process.keys["size"] = size
    if str(service.get("platform", "")).endswith("amd64"):
        findings.architecture = "x86_64"
    if kind != "web" and not process.public and isinstance(section := service.get("healthcheck"), dict):
        _check(process, section)
    process.settings = compose_variables.of(tree, findings, found, name, service)
    _volumes(findings, found, name, service)
    for key, why in _LEFT.items():
        if service.get(key):
            findings.leave(f"`{key}` of {name}: {why}", found.place(name, key))
    return process


def _command(tree: Tree, findings: Findings, found: Project, name: str, image: Image) -> tuple[str, ...] | None:
    """Returns a service's command, without what only development needs."""
    service = found.services[name]
    place = found.place(name, "command")
    command = commands.words(_unescaped(service.get("command")))
    entry = commands.words(_unescaped(service.get("entrypoint")))
    dockerfile = dockerfiles.read(tree, image.path, image.target)
    if entry and not (dockerfile and dockerfile.entrypoint):
        command = (*entry, *(command or ()))
    elif entry:
        findings.leave(f"the entrypoint of {name}: tasks use the image's own", found.place(name, "entrypoint"))
    if command and commands.is_development(command):
        findings.assume(f"{name} runs its image's own command: `{commands.line(command)}` is for development", place)
        return None
    others = [other for other in found.services if other != name]
    if command and (shorter := commands.without_waiting(command, others)) != command:
        findings.assume(f"{name} does not wait for other services: they have no such names on AWS", place)
        command = shorter
    if command and (shorter := commands.without_migration(command)) != command:
        findings.assume(f"{name} does not migrate when it starts: the migration runs once per release", place)
        return shorter
    return command


def _unescaped(value: Any) -> Any:
    """Returns a command as Docker Compose runs it: `$$` is a dollar sign."""
    if isinstance(value, list):
        return [str(word).replace("$$", "$") for word in value]
    return value.replace("$$", "$") if isinstance(value, str) else value


def _port(service: dict[str, Any]) -> tuple[int | None, bool]:
    """Returns the first port of a service's container, and True if it is published."""
    for entry in listed(service.get("ports")):
        target = entry.get("target") if isinstance(entry, dict) else str(entry).partition("/")[0].rpartition(":")[2]
        if (port := commands.whole(target, 1, 65535)) and port >= 80:  # noqa: PLR2004 - SSH and mail are no web servers
            return port, True
    for entry in listed(service.get("expose")):
        if port := commands.whole(str(entry).partition("/")[0], 1, 65535):
            return port, False
    return None, False


def _size(deploy: Any) -> dict[str, int] | None:
    resources = deploy.get("resources") if isinstance(deploy, dict) else None
    limits = resources.get("limits") if isinstance(resources, dict) else None
    if not isinstance(limits, dict):
        return None
    cpus = re.fullmatch(r"\d+(\.\d+)?", str(limits.get("cpus", "")))
    return commands.size(float(cpus[0]) * 1024 if cpus else None, commands.mebibytes(limits.get("memory", "")))


def _check(process: Process, section: dict[str, Any]) -> None:
    test = _unescaped(section.get("test"))
    found = commands.check(
        test, interval=section.get("interval"), timeout=section.get("timeout"), start=section.get("start_period")
    )
    if found and not section.get("disable"):
        process.keys["health_check"] = found


def _volumes(findings: Findings, found: Project, name: str, service: dict[str, Any]) -> None:
    for entry in listed(service.get("volumes")):
        source = entry.get("source") if isinstance(entry, dict) else str(entry).partition(":")[0]
        if isinstance(source, str) and re.fullmatch(r"[A-Za-z][\w.-]*", source) and ":" in str(entry):
            findings.leave(
                f"the volume {source} of {name}: a task's disk ends with the task; keep files in the media bucket",
                found.place(name, "volumes"),
            )


def _proxied(findings: Findings, found: Project, proxies: list[str], processes: dict[str, Process]) -> None:
    """Find what visitors reach through a proxy, where services publish no port themselves."""
    for name in proxies:
        findings.leave(f"the compose service {name}: CloudFront and the load balancer do its work", found.place(name))
    if any(process.public for process in processes.values()):
        return
    behind = [
        str(other)
        for name in proxies
        for key in ("depends_on", "links")
        for other in _names(found.services[name].get(key))
    ]
    for name in behind:
        if name in processes and processes[name].kind in ("web", "other"):
            processes[name].public = True
    if not any(process.public for process in processes.values()):
        for process in processes.values():
            process.public = process.kind == "web"


def _names(value: Any) -> list[str]:
    """Returns the names in a list or a mapping."""
    return [str(name) for name in value] if isinstance(value, list | dict) else []
