#!/usr/bin/env python3
"""Stand-ins for programs of Ubuntu, under their names: apt, snap, and MicroK8s, whose control plane is beside the host.

Standard library only. They act as on a host where everything is installed already, and fail where that would be a lie.
"""

from __future__ import annotations

import grp
import json
import os
import re
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any

SNAPS = Path("/run/localcloud/snaps.json")
MOUNTS = Path("/run/localcloud/mounts.json")
VOLUMES = Path("/run/localcloud/volumes")
CONFIG = Path("/var/snap/microk8s/current/credentials/client.config")
STATE = ("/var/snap/microk8s/common", "/var/snap/microk8s", "/var/snap")
PACKAGES = {
    "amazon-cloudwatch-agent", "apt-transport-https", "awscli", "bash", "ca-certificates", "coreutils", "curl",
    "docker-compose-v2", "docker.io", "e2fsprogs", "git", "gnupg", "gzip", "jq", "less", "lsb-release", "nvme-cli",
    "procps", "python3", "python3-minimal", "snapd", "software-properties-common", "tar", "unzip", "util-linux",
    "xfsprogs", "xz-utils", "zip",
}  # fmt: skip
READY_SNAPS = {"amazon-ssm-agent", "aws-cli", "core18", "core20", "core22", "core24", "jq", "lxd", "snapd"}
#: Addons that work here, and those that change nothing that a program would see.
ADDONS = {
    "dns": "CoreDNS",
    "ha-cluster": "Configure high availability on the current node",
    "helm3": "Helm 3 - Kubernetes package manager",
    "ingress": "Ingress controller for external access",
    "rbac": "Role-Based Access Control for authorisation",
}
ALWAYS = ("dns", "ha-cluster", "rbac")
_WAIT_SECONDS = 600.0


def say(text: str) -> None:
    """Writes a line."""
    sys.stdout.write(text + "\n")


def fail(text: str, code: int = 1) -> int:
    """Writes an error and returns the exit code."""
    sys.stderr.write(text + "\n")
    return code


def words_of(arguments: list[str]) -> list[str]:
    """Returns the arguments that are no options."""
    return [word for word in arguments if not word.startswith("-")]


# --- apt -------------------------------------------------------------------------------------------------------------


def is_known_file(path: str) -> bool:
    """True for a package file of a package that is installed."""
    return path.endswith(".deb") and any(Path(path).name.startswith(package) for package in PACKAGES)


def apt(arguments: list[str]) -> int:
    """Plays apt and apt-get: the packages of the image are installed already, and others cannot be."""
    taken = {number + 1 for number, word in enumerate(arguments) if word in ("-o", "-t", "-c")}
    words = words_of([word for number, word in enumerate(arguments) if number not in taken])
    verb, packages = (words or [""])[0], [word.partition("=")[0] for word in words[1:]]
    if verb == "install":
        missing = [package for package in packages if package not in PACKAGES and not is_known_file(package)]
        if missing:
            for package in missing:
                fail(f"E: Unable to locate package {package} (the local cloud's hosts have a fixed set of packages)")
            return 100
        for package in packages:
            say(f"{package} is already the newest version.")
        return 0
    if verb in ("update", "upgrade", "dist-upgrade", "full-upgrade", "clean", "autoremove", "autoclean"):
        say("0 upgraded, 0 newly installed, 0 to remove and 0 not upgraded.")
        return 0
    return fail(f"E: apt-get {verb}: the local cloud's hosts do not have it")


def dpkg(arguments: list[str]) -> int:
    """Plays dpkg: files of installed packages are accepted, and the real one answers questions."""
    files = [word for word in arguments if word.endswith(".deb")]
    if not files:
        return subprocess.call(["/usr/bin/dpkg", *arguments])
    missing = [file for file in files if not is_known_file(file)]
    return fail(f"dpkg: error: the local cloud's hosts cannot install {missing[0]}") if missing else 0


# --- snap ------------------------------------------------------------------------------------------------------------


def installed() -> dict[str, str]:
    """Returns the channels of the snaps that were installed."""
    return dict(json.loads(SNAPS.read_text())) if SNAPS.exists() else {}


def snap(arguments: list[str]) -> int:
    """Installs MicroK8s; other snaps of Ubuntu's image are there already."""
    words = words_of(arguments)
    verb, names = (words or [""])[0], words[1:]
    if verb == "install":
        return install(names, arguments)
    if verb == "list":
        known = {**dict.fromkeys(READY_SNAPS, "latest/stable"), **installed()}
        missing = [name for name in names if name not in known]
        if missing:
            return fail(f"error: no matching snaps installed: {', '.join(missing)}")
        say("Name  Version  Rev  Tracking  Publisher  Notes")
        for name, channel in sorted(known.items()):
            if not names or name in names:
                say(f"{name}  {channel.partition('/')[0]}  1  {channel}  canonical  -")
        return 0
    if verb in ("refresh", "wait", "set", "get", "alias", "start", "restart"):
        missing = [n for n in names[:1] if n not in READY_SNAPS | installed().keys() | {"system"}]
        return fail(f'error: snap "{missing[0]}" is not installed') if missing else 0
    return fail(f"error: snap {verb}: the local cloud's hosts do not have it")


def install(names: list[str], arguments: list[str]) -> int:
    """Plays snap install."""
    channel = next((word.partition("=")[2] for word in arguments if word.startswith("--channel=")), "latest/stable")
    for name in names:
        if name in READY_SNAPS or name in installed():
            say(f"snap \"{name}\" is already installed, see 'snap help refresh'")
            continue
        if name != "microk8s":
            return fail(f'error: snap "{name}" not found (the local cloud has only microk8s)')
        if "--classic" not in arguments:
            return fail(
                'error: This revision of snap "microk8s" was published using classic confinement: use --classic.'
            )
        if not re.fullmatch(r"(1\.\d+|latest)(-strict)?(/(stable|candidate|beta|edge))?", channel):
            return fail(f'error: snap "microk8s" is not available on {channel}')
        CONFIG.parent.mkdir(parents=True, exist_ok=True)
        subprocess.call(["groupadd", "--force", "microk8s"])
        answer = ask(f"install/{state_volume() or 'none'}")
        if answer.get("error"):
            return fail(f"error: cannot install microk8s: {answer['error']}")
        SNAPS.write_text(json.dumps({**installed(), name: channel}))
        say(f"microk8s ({channel}) from Canonical installed")
    return 0


def state_volume() -> str:
    """Returns the data volume that is mounted where MicroK8s keeps its state; empty if that is on the root disk."""
    mounted = dict(json.loads(MOUNTS.read_text())) if MOUNTS.exists() else {}
    device = next((mounted[path] for path in STATE if path in mounted), "")
    listed = [json.loads(file.read_text()) for file in VOLUMES.glob("*.json")]
    real = os.path.realpath(device) if device.startswith("/") else device
    return next((str(v["volume"]) for v in listed if {device, real} & {*v["devices"], v.get("uuid", "")}), "")


# --- MicroK8s --------------------------------------------------------------------------------------------------------


def ask(path: str) -> dict[str, Any]:
    """Asks the local cloud about this host's control plane."""
    base = "http://169.254.169.254/latest"
    headers = {"X-aws-ec2-metadata-token-ttl-seconds": "60"}
    wanted = urllib.request.Request(f"{base}/api/token", method="PUT", headers=headers)  # noqa: S310 - as below
    with urllib.request.urlopen(wanted, timeout=10) as answer:  # noqa: S310 - the metadata service
        token = answer.read().decode()
    own = {"X-aws-ec2-metadata-token": token}
    wanted = urllib.request.Request(f"{base}/localcloud/microk8s/{path}", headers=own)  # noqa: S310 - as below
    try:
        with urllib.request.urlopen(wanted, timeout=30) as answer:  # noqa: S310 - the metadata service
            return dict(json.loads(answer.read()))
    except urllib.error.HTTPError as error:
        return {"error": error.read().decode() or str(error)}


def microk8s(arguments: list[str]) -> int:
    """Plays microk8s."""
    if "microk8s" not in installed():
        return fail("microk8s: command not found (snap install microk8s --classic)", 127)
    allowed = os.geteuid() == 0 or grp.getgrnam("microk8s").gr_gid in os.getgroups()
    if not allowed:
        return fail("Insufficient permissions to access MicroK8s: sudo usermod -a -G microk8s $USER")
    verb, rest = (arguments or ["help"])[0], arguments[1:]
    commands: dict[str, Callable[[list[str]], int]] = {
        "config": config, "disable": disable, "enable": enable, "kubectl": kubectl, "start": start, "status": status,
        "stop": stop,
    }  # fmt: skip
    if verb not in commands:
        return fail(f"microk8s {verb}: the local cloud's hosts do not have it")
    return commands[verb](rest)


def kubectl(arguments: list[str]) -> int:
    """Plays microk8s kubectl."""
    os.environ["KUBECONFIG"] = str(CONFIG)
    os.execv("/usr/bin/kubectl", ["kubectl", *arguments])  # noqa: S606 - no shell is wanted


def config(_arguments: list[str]) -> int:
    """Plays microk8s config: the kubeconfig, with the host's address."""
    if not CONFIG.exists():
        return fail("microk8s is not running")
    address = ask("status").get("address", "127.0.0.1")
    say(CONFIG.read_text().replace("https://127.0.0.1:16443", f"https://{address}:16443").rstrip())
    return 0


def timeout_of(arguments: list[str]) -> float:
    """Returns the value of --timeout or -t in seconds."""
    for number, word in enumerate(arguments):
        if word.startswith("--timeout="):
            return float(word.partition("=")[2])
        if word in ("--timeout", "-t") and len(arguments) > number + 1:
            return float(arguments[number + 1])
    return _WAIT_SECONDS


def status(arguments: list[str]) -> int:
    """Plays microk8s status."""
    deadline = time.monotonic() + timeout_of(arguments)
    known = ask("status")
    while "--wait-ready" in arguments and known.get("state") == "starting" and time.monotonic() < deadline:
        time.sleep(0.2)
        known = ask("status")
    if known.get("state") != "running":
        reason = known.get("reason") or known.get("error")
        say("microk8s is not running." + (f" {reason}" if reason else " Use microk8s inspect for a deeper inspection."))
        return 1
    enabled = sorted({*ALWAYS, *known["addons"]})
    short = any(word in ("short", "--format=short") for word in arguments)
    if short:
        for name in sorted(ADDONS):
            say(f"core/{name}: {'enabled' if name in enabled else 'disabled'}")
        return 0
    say("microk8s is running\nhigh-availability: no\n  datastore master nodes: 127.0.0.1:19001")
    say("  datastore standby nodes: none")
    say("addons:\n  enabled:")
    for name in enabled:
        say(f"    {name:<20} # (core) {ADDONS[name]}")
    say("  disabled:")
    for name in sorted(set(ADDONS) - set(enabled)):
        say(f"    {name:<20} # (core) {ADDONS[name]}")
    return 0


def enable(arguments: list[str]) -> int:
    """Plays microk8s enable."""
    for name in [word.partition(":")[0].removeprefix("core/") for word in words_of(arguments)]:
        if name not in ADDONS:
            return fail(f"Addon {name} is not available in the local cloud; it has {', '.join(sorted(ADDONS))}.")
        answer = ask(f"enable/{name}")
        if answer.get("error"):
            return fail(f"Addon {name}: {answer['error']}")
        say(f"Infer repository core for addon {name}\nAddon core/{name} is enabled")
    return 0


def disable(arguments: list[str]) -> int:
    """Plays microk8s disable: nothing can be taken away here."""
    return fail(f"Addon {' '.join(words_of(arguments))} cannot be disabled in the local cloud")


def start(_arguments: list[str]) -> int:
    """Plays microk8s start."""
    answer = ask("start")
    return fail(answer["error"]) if answer.get("error") else status(["--wait-ready"]) and 1


def stop(_arguments: list[str]) -> int:
    """Plays microk8s stop."""
    answer = ask("stop")
    return fail(answer["error"]) if answer.get("error") else 0


PROGRAMS: dict[str, Callable[[list[str]], int]] = {
    "apt": apt, "apt-get": apt, "dpkg": dpkg, "microk8s": microk8s, "microk8s.kubectl": kubectl, "snap": snap,
}  # fmt: skip

if __name__ == "__main__":
    sys.exit(PROGRAMS[Path(sys.argv[0]).name](sys.argv[1:]))
