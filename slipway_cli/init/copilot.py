"""Reads the workloads of AWS Copilot: copilot/NAME/manifest.yml.

Keys: aws.github.io/copilot-cli/docs/manifest, of Copilot 1.34, the last before its end of support in June 2026.
"""

from __future__ import annotations

import re
from typing import Any

from slipway_cli.init import commands, copilot_variables, dockerfiles, known, yamls
from slipway_cli.init.compose_project import listed
from slipway_cli.init.findings import Findings, Frontend, Image, Process
from slipway_cli.init.tree import Place, Tree, joined

FOLDER = "copilot"
_WEB = ("Load Balanced Web Service", "Request-Driven Web Service")
_SERVICES = (*_WEB, "Backend Service", "Worker Service")
_EVERY = re.compile(r"@every\s+(\d+(?:h|m|s)(?:\d+(?:m|s))*)")
_RATE = re.compile(r"rate\((\d+ (?:minute|hour|day)s?)\)")
_CRON = re.compile(r"cron\(([^)]+)\)")
# Sections that Slipway has nothing for, each with the reason.
_LEFT: dict[str, str] = {
    "sidecars": "a Slipway task has one container",
    "nlb": "Slipway has no network load balancer",
    "publish": "Slipway makes no topics; the variable COPILOT_SNS_TOPIC_ARNS is missing",
    "subscribe": "Slipway makes no queues; the variable COPILOT_QUEUE_URI is missing",
    "storage": "a task has no file system that outlives it",
    "taskdef_overrides": "Slipway writes the task definition",
    "logging": "logs go to CloudWatch",
    "retries": "a failed run is reported, not repeated",
}


def present(tree: Tree) -> bool:
    """True if the checkout is a Copilot workspace."""
    return bool(_manifests(tree))


def _manifests(tree: Tree) -> list[str]:
    found = tree.named(f"{FOLDER}/*/manifest.yml", f"{FOLDER}/*/manifest.yaml")
    return [path for path in found if path.count("/") == 2 and path.split("/")[1] not in ("environments", "pipelines")]  # noqa: PLR2004 - copilot/NAME/manifest.yml


def add(tree: Tree, findings: Findings) -> None:
    """Add the workloads of a Copilot workspace.

    Raises:
        CommandError: if a manifest is not YAML.
    """
    for path in _manifests(tree):
        document = yamls.read(tree, path)
        data = document.data if document else None
        if document is None or not isinstance(data, dict):
            continue
        name = str(data.get("name") or path.split("/")[1])
        kind = str(data.get("type", ""))
        if kind == "Static Site":
            _site(tree, findings, document, name)
        elif kind in _SERVICES or kind == "Scheduled Job":
            _workload(tree, findings, document, name, kind)
        else:
            findings.leave(f"the Copilot workload {name}: its type '{kind}' is not known", document.place("type"))
        if overrides := tree.named(f"{FOLDER}/{path.split('/')[1]}/overrides/*"):
            findings.leave(f"the overrides of {name}: they change Copilot's templates", Place(overrides[0]))


def _workload(tree: Tree, findings: Findings, document: yamls.Document, name: str, kind: str) -> None:
    data = document.data
    image = _image(findings, document, name)
    for key, why in _LEFT.items():
        if data.get(key):
            findings.leave(f"`{key}` of {name}: {why}", document.place(key))
    if image is None:
        return
    process = Process(name, "other", document.place(), image, _command(tree, findings, document, name, image))
    process.why, process.settings = f"Copilot {kind}", copilot_variables.of(tree, findings, document, name)
    _sized(process, data)
    _overridden(process, findings, document)
    _platform(findings, data)
    if kind == "Scheduled Job":
        _job(tree, findings, document, process, image)
        return
    process.kind = commands.kind(process.command, name)
    if kind in _WEB:
        _web(findings, document, process)
    else:
        process.kind = "worker" if process.kind in ("web", "other") else process.kind
        section = data.get("http")
        port = _section(data, "image").get("port")
        if section or port:
            findings.leave(
                f"the address of {name} inside the network: Slipway's services have none; give it `port` and `paths` "
                "if visitors may call it",
                document.place("http" if section else "image"),
            )
    _checked(process, data)
    findings.processes.append(process)


def _image(findings: Findings, document: yamls.Document, name: str) -> Image | None:
    section = document.data.get("image")
    build = section.get("build") if isinstance(section, dict) else None
    if build is None:
        place = document.place("image", "location")
        findings.leave(
            f"{name}: it runs an image that Copilot did not build; add a Dockerfile with one line, FROM", place
        )
        return None
    parts = build if isinstance(build, dict) else {"dockerfile": build}
    path = joined(".", str(parts.get("dockerfile") or "Dockerfile"))
    above = path.rpartition("/")[0] or "."
    context = joined(".", str(parts.get("context") or above))
    if context != "." and not path.startswith(f"{context}/"):
        path = joined(context, str(parts.get("dockerfile") or "Dockerfile"))
    if not path or not context:
        findings.leave(f"{name}: its Dockerfile is outside the checkout", document.place("image", "build"))
        return None
    arguments = parts.get("args") if isinstance(parts.get("args"), dict) else {}
    plain = tuple((str(key), str(value)) for key, value in (arguments or {}).items() if "$" not in str(value))
    below = path if context == "." else path.removeprefix(f"{context}/")
    return Image(context, below, document.place("image", "build"), str(parts.get("target") or ""), plain, name)


def _command(
    tree: Tree, findings: Findings, document: yamls.Document, name: str, image: Image
) -> tuple[str, ...] | None:
    entry, command = commands.words(document.data.get("entrypoint")), commands.words(document.data.get("command"))
    dockerfile = dockerfiles.read(tree, image.path, image.target)
    if entry and dockerfile and dockerfile.entrypoint:
        findings.leave(f"the entrypoint of {name}: tasks use the image's own", document.place("entrypoint"))
        return command
    return (*entry, *(command or ())) if entry else command


def _sized(process: Process, data: dict[str, Any]) -> None:
    if size := commands.size(_number(data.get("cpu")), _number(data.get("memory"))):
        process.keys["size"] = size
    if data.get("exec") is True:
        process.keys["shell_access"] = True
    process.keys.update(counted(data.get("count")))


def counted(count: Any) -> dict[str, Any]:
    """Returns `count`, `scaling` and `capacity` of the manifest for Copilot's `count`."""
    if (number := commands.whole(count, 1, 1000)) is not None:
        return {"count": number} if number > 1 else {}
    if not isinstance(count, dict):
        return {}
    if (spot := commands.whole(count.get("spot"), 1, 1000)) is not None:
        return {"count": spot, "capacity": "spot"}
    limits = count.get("range")
    low, high = (
        (limits.get("min"), limits.get("max")) if isinstance(limits, dict) else str(limits or "").partition("-")[::2]
    )
    least, most = commands.whole(low, 1, 1000), commands.whole(high, 1, 1000)
    if least is None or most is None or most < least:
        return {}
    targets = {
        "cpu_percent": commands.whole(_target(count.get("cpu_percentage")), 1, 100),
        "requests_per_target": commands.whole(_target(count.get("requests")), 1, 10**6),
    }
    chosen = {key: value for key, value in targets.items() if value} or {"cpu_percent": 70}
    return {"count": least, "scaling": {"maximum": most, **chosen}}


def _target(value: Any) -> Any:
    return value.get("value") if isinstance(value, dict) else value


def _overridden(process: Process, findings: Findings, document: yamls.Document) -> None:
    """Add what environments override of a service."""
    for environment, section in _section(document.data, "environments").items():
        if not isinstance(section, dict):
            continue
        found = counted(section.get("count"))
        if isinstance(section.get("count"), int):
            found.setdefault("count", max(1, section["count"]))
        if size := commands.size(_number(section.get("cpu")), _number(section.get("memory"))):
            found["size"] = size
        if found:
            process.overrides[str(environment)] = found
        known_keys = {"count", "cpu", "memory", "variables", "secrets", "http"}
        if more := sorted({str(key) for key in section} - known_keys):
            findings.leave(
                f"what {environment} overrides of {process.name}: {', '.join(more)}",
                document.place("environments", str(environment)),
            )


def _platform(findings: Findings, data: dict[str, Any]) -> None:
    """Keep Copilot's architecture, `linux/x86_64` by default: images may not build for another."""
    text = str(data.get("platform") or "linux/x86_64").lower()
    if not re.search(r"arm64|aarch64", text):
        findings.architecture = "x86_64"


def _web(findings: Findings, document: yamls.Document, process: Process) -> None:
    data = document.data
    http = data.get("http")
    section = http if isinstance(http, dict) else {}
    process.kind, process.public = "web", http is not False
    process.port = commands.whole(section.get("target_port", _section(data, "image").get("port")), 1, 65535)
    rules = [section, *(rule for rule in listed(section.get("additional_rules")) if isinstance(rule, dict))]
    for rule in rules:
        port = commands.whole(rule.get("target_port"), 1, 65535)
        if rule is not section and (rule.get("target_container") or (port and port != process.port)):
            findings.leave(
                f"the path {rule.get('path')} of {process.name}: it leads to another port",
                document.place("http", "additional_rules"),
            )
        else:
            process.paths = (*process.paths, *_paths(rule.get("path", "/")))
    if section.get("target_container") not in (None, process.name):
        findings.leave(
            f"requests of {process.name} through its sidecar {section['target_container']}: they reach the service",
            document.place("http", "target_container"),
        )
    if isinstance(check := section.get("healthcheck"), str) and check.startswith("/"):
        process.keys["health_path"] = check
    elif isinstance(check, dict):
        process.keys["health_check"] = _http_check(check)
    if section.get("allowed_source_ips"):
        findings.leave(
            f"`http.allowed_source_ips` of {process.name}: visitors of every address reach it",
            document.place("http", "allowed_source_ips"),
        )
    if section.get("stickiness"):
        findings.leave(f"`http.stickiness` of {process.name}: any task answers", document.place("http", "stickiness"))


def _paths(path: Any) -> tuple[str, ...]:
    text = str(path).strip("/")
    return ("/*",) if not text else (f"/{text}" if "*" in text else f"/{text}/*",)


def _http_check(check: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = {"path": str(check["path"])} if str(check.get("path", "")).startswith("/") else {}
    if re.fullmatch(r"[2-4]\d\d(-[2-4]\d\d)?(,[2-4]\d\d(-[2-4]\d\d)?)*", codes := str(check.get("success_codes", ""))):
        found["status"] = codes
    interval = commands.seconds(check["interval"], 5, 300) if "interval" in check else None
    timeout = commands.seconds(check["timeout"], 2, 120) if "timeout" in check else None
    numbers = {
        "interval_seconds": interval,
        "timeout_seconds": min(timeout, (interval or 10) - 1) if timeout else None,
        "healthy_after": commands.whole(check.get("healthy_threshold"), 2, 10),
        "unhealthy_after": commands.whole(check.get("unhealthy_threshold"), 2, 10),
        "grace_seconds": commands.seconds(check["grace_period"], 0, 3600) if "grace_period" in check else None,
    }
    return found | {key: value for key, value in numbers.items() if value is not None}


def _checked(process: Process, data: dict[str, Any]) -> None:
    section = _section(data, "image").get("healthcheck")
    if not isinstance(section, dict) or process.public or "health_check" in process.keys:
        return
    found = commands.check(
        section.get("command"),
        interval=section.get("interval"),
        timeout=section.get("timeout"),
        start=section.get("start_period"),
    )
    if found:
        process.keys["health_check"] = found


def _job(tree: Tree, findings: Findings, document: yamls.Document, process: Process, image: Image) -> None:
    for key in ("shell_access", "count", "scaling", "capacity"):
        process.keys.pop(key, None)
    process.kind, process.keys = (
        "job",
        {**process.keys, **_times(str(_section(document.data, "on").get("schedule", "")))},
    )
    dockerfile = dockerfiles.read(tree, image.path, image.target)
    process.command = process.command or (dockerfile.command if dockerfile else None)
    if not process.command or not {"cron", "rate"} & process.keys.keys():
        what = "no command" if not process.command else "no times that Slipway knows"
        findings.leave(f"the job {process.name}: it has {what}", document.place("on"))
        return
    if limit := commands.seconds(document.data.get("timeout", ""), 1, 10**6):
        process.command = ("timeout", str(limit), *process.command)
        findings.assume(
            f"the job {process.name} ends after {limit} seconds, by `timeout` in its image", document.place("timeout")
        )
    findings.jobs.append(process)


def _times(schedule: str) -> dict[str, Any]:
    text = schedule.strip()
    if text == "none":
        return {"rate": "1 day", "enabled": False}
    if found := _EVERY.fullmatch(text):
        minutes = max(1, round((commands.seconds(found[1], 60, 10**7) or 60) / 60))
        return {"rate": f"{minutes} minutes" if minutes > 1 else "1 minute"}
    if found := _RATE.fullmatch(text):
        return {"rate": found[1]}
    found = _CRON.fullmatch(text)
    return {"cron": found[1] if found else text} if text else {}


def _site(tree: Tree, findings: Findings, document: yamls.Document, name: str) -> None:
    """Add a static site, if a package.json builds its files."""
    for entry in listed(document.data.get("files")):
        source = joined(".", str(entry.get("source", ""))) if isinstance(entry, dict) else ""
        folder, _, output = source.rpartition("/")
        for directory, below in ((folder or ".", output), (source, "dist")):
            if source and tree.has(joined(directory, "package.json")):
                findings.frontends.append(
                    Frontend(directory, below, document.place("files"), f"Copilot Static Site {name}")
                )
                return
    findings.leave(
        f"the static site {name}: no package.json builds its files; Slipway publishes what a build writes",
        document.place("files"),
    )


def _section(data: dict[str, Any], name: str) -> dict[str, Any]:
    found = data.get(name)
    return found if isinstance(found, dict) else {}


def _number(value: Any) -> float | None:
    return float(found) if (found := commands.whole(value, 1, 122880)) else None


def application(tree: Tree) -> str:
    """Returns the name of the Copilot application; an empty text if it is not written down."""
    found = re.search(r"^application:\s*([a-z][a-z0-9-]*)\s*$", tree.text(f"{FOLDER}/.workspace") or "", re.MULTILINE)
    return found[1] if found and known.is_name(found[1].replace("-", "_")) else ""
