#!/usr/bin/env python3
"""Stand-ins for programs that a container without privileges cannot run, under their names. Standard library only.

They act as on a host where everything is installed already, and fail where that would be a lie.
"""

from __future__ import annotations

import json
import os
import re
import shlex
import subprocess
import sys
import time
import urllib.request
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

VOLUMES = Path("/run/localcloud/volumes")
MOUNTS = Path("/run/localcloud/mounts.json")
STATUS = Path("/run/localcloud/cloud-init.json")
UNITS = Path("/etc/systemd/system")
INSTALLED = {
    "amazon-cloudwatch-agent", "amazon-ssm-agent", "awscli", "awscli-2", "bash", "ca-certificates", "containerd",
    "coreutils", "curl", "docker", "docker-compose-plugin", "e2fsprogs", "git", "git-core", "gzip", "jq",
    "curl-minimal", "less", "nvme-cli",
    "procps-ng", "python3", "python3-pip", "tar", "unzip", "util-linux", "xfsprogs", "xz", "zip",
}  # fmt: skip
_OPTIONS, _MOUNT_FAILED = 3, 32  # the column of options in fstab; the exit code of mount
SERVICES = {"amazon-cloudwatch-agent", "amazon-ssm-agent", "chronyd", "containerd", "crond", "docker", "sshd"}


def _say(text: str) -> None:
    sys.stdout.write(text + "\n")


def _fail(text: str, code: int = 1) -> int:
    sys.stderr.write(text + "\n")
    return code


# --- packages --------------------------------------------------------------------------------------------------------


def _base(package: str) -> str:
    """Returns the name of a package without its version, release and architecture."""
    return re.sub(r"\.(x86_64|aarch64|noarch)$", "", re.sub(r"-\d[\w.+~^*]*(-[\w.+~^*]+)?$", "", package))


def _dnf(arguments: list[str]) -> int:
    words = [word for word in arguments if not word.startswith("-")]
    verb, packages = (words or [""])[0], words[1:]
    if verb in ("install", "reinstall"):
        missing = [package for package in packages if _base(package) not in INSTALLED]
        for package in packages:
            if package not in missing:
                _say(f"Package {package} is already installed.")
        for package in missing:
            _fail(f"No match for argument: {package} (the local cloud's hosts have a fixed set of packages)")
        if missing:
            return _fail(f"Error: Unable to find a match: {' '.join(missing)}")
        _say("Nothing to do.\nComplete!")
        return 0
    if verb in ("list", "info"):
        return 0 if all(_base(package) in INSTALLED for package in packages if package != "installed") else 1
    if verb in (
        "update",
        "upgrade",
        "makecache",
        "clean",
        "check-update",
        "versionlock",
        "check-release-update",
        "swap",
    ):
        _say("Nothing to do.\nComplete!")
        return 0
    return _fail(f"dnf {verb}: the local cloud's hosts do not have it")


# --- services --------------------------------------------------------------------------------------------------------


def _unit_file(name: str) -> Path | None:
    full = name if "." in name else f"{name}.service"
    return next((path for path in (UNITS / full, Path("/usr/lib/systemd/system") / full) if path.exists()), None)


def _run_unit(path: Path) -> int:
    """Runs the commands of a unit; one of another type than oneshot goes on in the background."""
    lines = [line.strip() for line in path.read_text().splitlines()]
    values = [
        (line.partition("=")[0], line.partition("=")[2])
        for line in lines
        if "=" in line and not line.startswith(("#", ";"))
    ]
    environment = dict(os.environ)
    for key, value in values:
        if key == "Environment":
            environment.update(dict(pair.split("=", 1) for pair in shlex.split(value) if "=" in pair))
    oneshot = ("Type", "oneshot") in values
    for key, value in values:
        if key not in ("ExecStartPre", "ExecStart"):
            continue
        argv = shlex.split(value.lstrip("-+!@:"))
        if oneshot or key == "ExecStartPre":
            code = subprocess.run(argv, env=environment, check=False).returncode
            if code and not value.startswith("-"):
                return _fail(f"Job for {path.name} failed because the control process exited with error code {code}.")
        else:
            subprocess.Popen(argv, env=environment, start_new_session=True, stdin=subprocess.DEVNULL)
    return 0


def _enable(path: Path, on: bool) -> None:
    link = UNITS / "multi-user.target.wants" / path.name
    link.parent.mkdir(parents=True, exist_ok=True)
    link.unlink(missing_ok=True)
    if on:
        link.symlink_to(path)


def _systemctl(arguments: list[str]) -> int:
    words = [word for word in arguments if not word.startswith("-")]
    verb, names = (words or [""])[0], words[1:]
    if verb in ("daemon-reload", "daemon-reexec", "reset-failed", "list-units", "is-system-running"):
        return 0
    code = 0
    for name in names:
        known = name.partition(".")[0] in SERVICES
        path = _unit_file(name)
        if not known and path is None:
            return _fail(f"Unit {name} not found (the local cloud's hosts run no systemd).", 5)
        if verb in ("is-active", "is-enabled"):
            _say("active" if verb == "is-active" else "enabled")
        elif path is not None and not known and not path.name.endswith(".timer"):
            if verb in ("enable", "disable"):
                _enable(path, verb == "enable")
            if verb in ("start", "restart", "reload-or-restart") or (verb == "enable" and "--now" in arguments):
                code = _run_unit(path) or code
    return code


def _service(arguments: list[str]) -> int:
    return _systemctl([*reversed(arguments[:2])])


# --- disks -----------------------------------------------------------------------------------------------------------


def _disks() -> dict[str, dict[str, Any]]:
    """Returns the attached volumes by the paths of their devices."""
    found = {}
    for file in VOLUMES.glob("*.json"):
        volume = json.loads(file.read_text())
        for path in volume["devices"]:
            found[path] = {**volume, "file": file}
    return found


def _uuid_of(volume: dict[str, Any]) -> str:
    return str(uuid.uuid5(uuid.NAMESPACE_OID, volume["volume"]))


def _formatted(volume: dict[str, Any]) -> None:
    """Makes the volume keep that it has a file system, also for the next host that it is attached to."""
    token = _asked("api/token", {"X-aws-ec2-metadata-token-ttl-seconds": "60"}, "PUT")
    _asked(f"localcloud/formatted/{volume['volume']}/{volume['type']}", {"X-aws-ec2-metadata-token": token})


def _asked(path: str, headers: dict[str, str], method: str = "GET") -> str:
    url = f"http://169.254.169.254/latest/{path}"
    wanted = urllib.request.Request(url, method=method, headers=headers)
    with urllib.request.urlopen(wanted, timeout=10) as answer:  # noqa: S310 - the metadata service
        return str(answer.read().decode())


def _mkfs(kind: str, arguments: list[str]) -> int:
    device = arguments[-1] if arguments else ""
    volume = _disks().get(os.path.realpath(device)) or _disks().get(device)
    if volume is None:
        return _fail(f"{device}: No such file or directory")
    if volume["type"] and "-f" not in arguments and "-F" not in arguments:
        return _fail(
            f"mkfs.{kind}: {device} appears to contain an existing filesystem ({volume['type']}).\nUse -f to force."
        )
    volume["type"] = kind
    _formatted(volume)
    file = volume.pop("file")
    file.write_text(json.dumps(volume))
    return 0


def _described(device: str) -> dict[str, Any] | None:
    listed = _disks()
    for prefix, value in (("UUID=", "uuid"), ("LABEL=", "label")):
        if device.startswith(prefix):
            wanted = device.removeprefix(prefix).strip('"')
            return next((v for v in listed.values() if value == "uuid" and _uuid_of(v) == wanted), None)
    return listed.get(device) or listed.get(os.path.realpath(device))


def _blkid(arguments: list[str]) -> int:
    devices = [word for word in arguments if word.startswith("/dev/")] or sorted(_disks())
    listed = [(device, _described(device)) for device in devices]
    found = [(device, volume) for device, volume in listed if volume and volume["type"]]
    for device, volume in found:
        tags = {"UUID": _uuid_of(volume), "TYPE": volume["type"]}
        tag = next((tags[word] for word in arguments if word in tags), None)
        plain = "value" in arguments or "-ovalue" in arguments
        text = " ".join(f'{name}="{value}"' for name, value in tags.items())
        _say((tag or f"{tags['UUID']}\n{tags['TYPE']}") if plain else f"{device}: {text}")
    return 0 if found else 2


def _lsblk(arguments: list[str]) -> int:
    only = [word for word in arguments if word.startswith("/dev/")]
    for device, volume in sorted(_disks().items()):
        if not only or device in only or os.path.realpath(device) in only:
            _say(
                volume["type"]
                if "FSTYPE" in " ".join(arguments)
                else f"{device} {volume['size']}G disk {volume['type']}"
            )
    return 0


def _mounted() -> dict[str, str]:
    return dict(json.loads(MOUNTS.read_text())) if MOUNTS.exists() else {}


def _mount(arguments: list[str]) -> int:
    options = [number for number, word in enumerate(arguments) if word in ("-t", "-o")]
    taken = {*options, *(number + 1 for number in options)}
    words = [w for number, w in enumerate(arguments) if number not in taken and not w.startswith("-")]
    if "-a" in arguments or "--all" in arguments or len(words) == 1:
        return max([_mount_entry(*entry) for entry in _fstab() if len(words) == 0 or entry[1] == words[0]], default=0)
    if not words:
        for target, device in _mounted().items():
            _say(f"{device} on {target} type xfs (rw)")
        return 0
    return _mount_entry(words[0], words[1].rstrip("/"))


def _fstab() -> list[tuple[str, str, bool]]:
    """Returns device, target and whether the device may be missing, for each file system of a disk."""
    file = Path("/etc/fstab")
    lines = [line.split() for line in (file.read_text().splitlines() if file.exists() else [])]
    entries = [line for line in lines if len(line) > _OPTIONS and not line[0].startswith("#")]
    kept = [entry for entry in entries if entry[2] not in ("swap", "proc", "tmpfs") and entry[1] != "/"]
    return [(entry[0], entry[1], "nofail" in entry[_OPTIONS]) for entry in kept]


def _mount_entry(device: str, target: str, may_miss: bool = False) -> int:
    volume = _described(device)
    if volume is None and may_miss:
        return 0
    reason = ""
    if volume is None:
        reason = f"{device}: only attached volumes can be mounted on a host of the local cloud"
    elif not volume["type"]:
        reason = f"wrong fs type, bad option, bad superblock on {device}"
    elif not Path(target).is_dir():
        reason = "mount point does not exist."
    if reason:
        return _fail(f"mount: {target}: {reason}", _MOUNT_FAILED)
    MOUNTS.write_text(json.dumps({**_mounted(), target: device}))
    return 0


def _umount(arguments: list[str]) -> int:
    gone = {word.rstrip("/") for word in arguments}
    MOUNTS.write_text(json.dumps({t: d for t, d in _mounted().items() if t not in gone and d not in gone}))
    return 0


def _mountpoint(arguments: list[str]) -> int:
    path = next((word for word in arguments if not word.startswith("-")), "").rstrip("/") or "/"
    return 0 if path == "/" or path in _mounted() or os.path.ismount(path) else _MOUNT_FAILED


def _findmnt(arguments: list[str]) -> int:
    words = [word.rstrip("/") for word in arguments if word.startswith("/")]
    found = {t: d for t, d in _mounted().items() if not words or t in words or d in words}
    for target, device in found.items():
        _say(f"{target} {device} xfs rw")
    return 0 if found else 1


# --- the rest --------------------------------------------------------------------------------------------------------


def _cloud_init(arguments: list[str]) -> int:
    if arguments[:1] != ["status"]:
        return 0
    while True:
        state = json.loads(STATUS.read_text()) if STATUS.exists() else {"status": "running", "errors": []}
        if state["status"] != "running" or not {"--wait", "-w"} & set(arguments):
            break
        time.sleep(0.2)
    _say(f"status: {state['status']}")
    for error in state["errors"]:
        _say(error)
    return 1 if state["status"] == "error" else 0


def _nothing(_arguments: list[str]) -> int:
    return 0


PROGRAMS: dict[str, Callable[[list[str]], int]] = {
    "dnf": _dnf, "yum": _dnf, "systemctl": _systemctl, "service": _service, "blkid": _blkid, "lsblk": _lsblk,
    "mount": _mount, "umount": _umount, "mountpoint": _mountpoint, "findmnt": _findmnt, "cloud-init": _cloud_init,
    "mkfs.xfs": lambda arguments: _mkfs("xfs", arguments), "mkfs.ext4": lambda arguments: _mkfs("ext4", arguments),
}  # fmt: skip

if __name__ == "__main__":
    program: Callable[[list[str]], int] = PROGRAMS.get(Path(sys.argv[0]).name, _nothing)
    sys.exit(program(sys.argv[1:]))
