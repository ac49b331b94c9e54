"""Checks of compose files for what a host refuses or could not run, before anything is deployed: file and line each."""

from __future__ import annotations

import os
from pathlib import Path, PurePosixPath
from typing import Any, Dict, Iterator, List, Set, Tuple

from compose_project import REGISTRY, Project, inside
from compose_yaml import Table, listed, table, texts, variables

_HOST = ("network_mode", "pid", "ipc", "uts", "userns_mode", "cgroup")
_KERNEL = {
    "cap_add": "adds rights over the kernel",
    "devices": "reaches devices of the host",
    "device_cgroup_rules": "reaches devices of the host",
}
# Keys of a service that give it nothing of the host (compose-spec.io, services, read on 2026-11-30), and those that the
# checks below look into. Any other key is refused, a new one too until it is read: `use_api_socket` and `runtime`
# make a container root of its host.
_KNOWN = frozenset(
    (  # noqa: SIM905 - words are easier to read than a list of strings
        "annotations attach build cap_add cap_drop cgroup command configs container_name cpu_count cpu_percent "
        "cpu_period cpu_quota cpu_rt_period cpu_rt_runtime cpu_shares cpus cpuset depends_on deploy develop "
        "device_cgroup_rules devices dns dns_opt dns_search domainname entrypoint env_file environment expose extends "
        "external_links extra_hosts group_add healthcheck hostname image init ipc labels label_file links logging "
        "mac_address mem_limit mem_reservation mem_swappiness memswap_limit network_mode networks oom_kill_disable "
        "oom_score_adj pid pids_limit platform ports post_start pre_stop privileged profiles pull_policy read_only "
        "restart scale secrets security_opt shm_size stdin_open stop_grace_period stop_signal storage_opt tmpfs tty "
        "ulimits user userns_mode uts volumes working_dir"
    ).split(" ")
)
_SOCKET = "docker.sock"
_INSTEAD = "A host runs nothing but this product, but it must not become root's: remove it"


def check(project: Project) -> None:
    """Adds the problems of one environment."""
    for service in sorted(project.services()):
        merged = (project.merged.get("services") or {}).get(service, {})
        _rights(project, service, merged)
        _other_keys(project, service, merged)
        _image(project, service, merged)
        _mounts(project, service)
        _env_files(project, service)
    _variables(project)
    _volumes(project)
    _files_of(project, "configs")
    _files_of(project, "secrets")
    if project.merged:
        published = _ports(project)
        _proxy(project, published)
        _migration(project)


def _written(project: Project, service: str, key: str) -> Any:
    """Returns the last value of a key as it is written."""
    found = None
    for _, definition in project.written(service):
        found = definition.get(key, found)
    return found


def _rights(project: Project, service: str, merged: Dict[str, Any]) -> None:
    def given(key: str) -> Any:
        return merged.get(key) if project.merged else _written(project, service, key)

    if str(given("privileged")).lower() == "true":
        project.problems.add(project.where(service, "privileged"), f"service {service} is privileged. {_INSTEAD}")
    for key in _HOST:
        if given(key) == "host":
            project.problems.add(project.where(service, key), f"service {service} has {key}: host. {_INSTEAD}")
    for key, what in _KERNEL.items():
        if given(key):
            project.problems.add(project.where(service, key), f"service {service} {what} ({key}). {_INSTEAD}")
    for option in given("security_opt") or []:
        if "unconfined" in str(option) or "label" in str(option):
            where = project.where(service, "security_opt", str(option))
            project.problems.add(where, f"service {service} has security_opt {option}. {_INSTEAD}")


def _other_keys(project: Project, service: str, merged: Dict[str, Any]) -> None:
    for key in merged or {key for _, written in project.written(service) for key in written}:
        where = project.where(service, key)
        if key not in _KNOWN and not key.startswith("x-"):
            project.problems.add(where, f"service {service} has {key}, which hosts do not take. Remove it")
        if key in ("post_start", "pre_stop"):
            hooks = merged.get(key) or []
            if any(str(hook.get("privileged")).lower() == "true" for hook in hooks):
                project.problems.add(where, f"service {service} runs a privileged command ({key}). {_INSTEAD}")


def _image(project: Project, service: str, merged: Dict[str, Any]) -> None:
    image = str(merged.get("image", "")) if project.merged else _written(project, service, "image")
    known = ", ".join(f"${{{variable}}}" for variable in sorted(project.expected.images.values()))
    if not image:
        if _written(project, service, "build"):
            project.problems.add(
                project.where(service, "build"),
                f"service {service} has build and no image: a host builds nothing. Add image: with one of {known}",
            )
    elif image.startswith(f"{REGISTRY}/") and "@sha256:" not in image:
        project.problems.add(
            project.where(service, "image"),
            f"service {service} runs {image.replace(REGISTRY, '${CONTAINER_REGISTRY}')}, which is no image of the "
            f"manifest, or not by digest. Write one of {known}",
        )


def bind_mounts(project: Project, service: str) -> Iterator[Tuple[str, str, str]]:
    """Yields what a service mounts from the host: the source as compose understands it, the target, and the place."""
    for mount in (project.merged.get("services") or {}).get(service, {}).get("volumes") or []:
        if mount.get("type") == "bind":
            source, target = str(mount.get("source", "")), str(mount.get("target", ""))
            yield source, target, project.where(service, "volumes", target)


def relative(project: Project, source: str) -> str:
    """Returns a mounted path below the folder of the release; empty if it lies elsewhere."""
    path = PurePosixPath(os.path.normpath(source))
    folder = PurePosixPath(project.folder)
    return str(path.relative_to(folder)) if folder in (path, *path.parents) else ""


def _mounts(project: Project, service: str) -> None:
    add = project.problems.add
    for source, _, where in bind_mounts(project, service):
        name = relative(project, source)
        if _SOCKET in source:
            add(where, f"service {service} mounts the Docker socket, with which it is root of the host. Remove it")
        elif not name:
            parent = str(Path(project.folder).parent)
            shown = os.path.relpath(source, project.folder) if source.startswith(parent) else source
            add(
                where,
                f"service {service} mounts {shown}, a path of the host. Write one below the repository (./data), or a "
                "named volume",
            )
        elif name == ".":
            add(where, f"service {service} mounts the whole folder of the release. Mount the files that it reads")
        elif not Path(name).exists() and Path(name).suffix and not name.startswith("."):
            add(
                where,
                f"service {service} mounts {name}, which is not in the repository: Docker would make a folder of that "
                "name. Add the file",
            )


def _env_files(project: Project, service: str) -> None:
    for name, definition in project.written(service):
        for item, line in listed(definition.get("env_file")):
            path = item.get("path") if isinstance(item, Table) else item
            optional = isinstance(item, Table) and item.get("required") == "false"
            where = f"{name}:{line or definition.lines['env_file']}"
            file = os.path.normpath(str(path))
            if list(variables(file)):
                continue
            if not inside(file):
                project.problems.add(where, f"service {service} reads {path}, which is not below the repository")
            elif (
                not optional and file not in project.expected.env_files and file != ".env" and not Path(file).is_file()
            ):
                project.problems.add(
                    where,
                    f"service {service} reads {file}, which nobody writes. Name it in compose.env_files, "
                    "or add it to the repository",
                )


def _variables(project: Project) -> None:
    known, running = set(project.expected.variables), project.services()
    for name, content in project.parsed.items():
        for key, value in content.items():
            if key.startswith("x-"):
                continue
            parts = [(value, content.lines[key])]
            if key == "services" and isinstance(value, Table):
                parts = [(value[service], value.lines[service]) for service in value if service in running]
            for part, line in parts:
                _unknown(project, name, part, line, known)


def _unknown(project: Project, name: str, part: Any, first: int, known: Set[str]) -> None:
    for text, line in texts(part, first):
        for variable in variables(text):
            if variable.name in known or variable.optional:
                continue
            what = f"${{{variable.name}}} has no value in {project.expected.name}"
            images = ", ".join(sorted(project.expected.images.values()))
            advice = (
                f"The images of the manifest are {images}"
                if variable.name.endswith("_IMAGE")
                else f"Add it to compose.env of the manifest, or give it a default: ${{{variable.name}:-…}}"
            )
            project.problems.add(f"{name}:{line}", f"{what}. {advice}")


def _volumes(project: Project) -> None:
    for name, content in project.parsed.items():
        for volume, definition in table(content, "volumes").items():
            written = table(definition, "driver_opts")
            # As compose understands them, since a value may be the default of a variable.
            merged = ((project.merged.get("volumes") or {}).get(volume) or {}).get("driver_opts") or {}
            for options in (written, merged):
                device = str(options.get("device", ""))
                if device.startswith("/") or "bind" in str(options.get("o", "")).split(","):
                    line = written.lines.get("device", table(content, "volumes").lines[volume])
                    what = f"volume {volume} is {device or 'a path'} of the host. Remove its driver_opts"
                    project.problems.add(f"{name}:{line}", what)
                    break


def _files_of(project: Project, kind: str) -> None:
    """Checks the files of compose's configs and secrets."""
    for name, content in project.parsed.items():
        for key, definition in table(content, kind).items():
            file = definition.get("file") if isinstance(definition, Table) else None
            if not file or list(variables(str(file))):
                continue
            path = os.path.normpath(str(file))
            if not inside(path) or not (Path(path).is_file() or path in project.expected.env_files):
                project.problems.add(
                    f"{name}:{definition.lines['file']}",
                    f"{kind[:-1]} {key} is the file {file}, which is not in the repository. Secrets come by "
                    "compose.env_files of the manifest",
                )


def _ports(project: Project) -> Dict[int, Tuple[str, str]]:
    """Checks the published ports; returns the service and address of each."""
    published: Dict[int, Tuple[str, str]] = {}
    places: Dict[Tuple[int, str], List[str]] = {}
    for service, merged in sorted((project.merged.get("services") or {}).items()):
        for port in merged.get("ports") or []:
            where = project.where(service, "ports", str(port.get("published", "")))
            for number in _numbers(str(port.get("published", ""))):
                kept = places.setdefault((number, str(port.get("protocol", "tcp"))), [])
                if kept:
                    project.problems.add(
                        where, f"service {service} publishes port {number}, as {kept[0]} does. Remove one"
                    )
                kept.append(f"service {service} at {where}")
                published.setdefault(number, (service, str(port.get("host_ip", ""))))
    return published


def _numbers(text: str) -> List[int]:
    first, _, last = text.partition("-")
    if not first.isdigit() or (last and not last.isdigit()):
        return []
    return list(range(int(first), int(last or first) + 1))


def _proxy(project: Project, published: Dict[int, Tuple[str, str]]) -> None:
    proxy = project.expected.proxy
    if proxy is None:
        return
    service, port = str(proxy["service"]), int(proxy["port"])
    if service not in project.services():
        known = ", ".join(sorted(project.services()))
        where = next(iter(project.parsed), "compose")
        project.problems.add(where, f"there is no service {service}, which compose.proxy names; services: {known}")
        return
    owner, address = published.get(port, ("", ""))
    # The port may be a variable, whose value is not known here.
    written = " ".join(text for _, one in project.written(service) for text, _ in texts(one.get("ports"), 1))
    if owner != service and not list(variables(written)):
        project.problems.add(
            project.where(service, "ports"),
            f"service {service} does not publish port {port}, where the load balancer sends requests (compose.proxy)",
        )
    elif owner == service and address.startswith("127."):
        project.problems.add(
            project.where(service, "ports", str(port)),
            f"service {service} publishes port {port} on {address} only, where the load balancer does not reach it",
        )


def _migration(project: Project) -> None:
    service = project.expected.migration
    if service and service not in project.services():
        known = ", ".join(sorted(project.services()))
        where = next(iter(project.parsed), "compose")
        project.problems.add(
            where, f"there is no service {service}, which runs the migrations; set migration.service: {known}"
        )
