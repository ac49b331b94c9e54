#!/usr/bin/env python3
"""Boots a host: runs its user data at the first boot, as cloud-init does, and its enabled units.

Standard library only. The output goes to the console and to /var/log/cloud-init-output.log.
"""

from __future__ import annotations

import email
import json
import os
import subprocess
import sys
import time
import urllib.error
import urllib.request
from http import HTTPStatus
from pathlib import Path
from typing import Any

METADATA = "http://169.254.169.254/latest"
INSTANCE = Path("/var/lib/cloud/instance")
LOG = Path("/var/log/cloud-init-output.log")
STATUS = Path("/run/localcloud/cloud-init.json")
_TRIES = 50


def ask(path: str, token: str = "", method: str = "GET") -> bytes:
    """Returns an answer of the metadata service; empty if it has none."""
    name = "X-aws-ec2-metadata-token" if token else "X-aws-ec2-metadata-token-ttl-seconds"
    wanted = urllib.request.Request(f"{METADATA}/{path}", headers={name: token or "300"}, method=method)  # noqa: S310 - the metadata service
    for attempt in range(_TRIES):
        try:
            with urllib.request.urlopen(wanted, timeout=10) as answer:  # noqa: S310 - the metadata service
                return bytes(answer.read())
        except urllib.error.HTTPError as error:
            if error.code == HTTPStatus.NOT_FOUND:
                return b""
            last: Exception = error
        except OSError as error:
            last = error
        time.sleep(0.2 * (attempt < _TRIES - 1))
    raise SystemExit(f"cloud-init: the metadata service does not answer: {last}")


def parts(data: bytes) -> list[tuple[str, bytes]]:
    """Returns the scripts of user data, with the reason for what cannot run here as `error`."""
    if not data.strip():
        return []
    if data.lower().startswith((b"content-type:", b"mime-version:")):
        found: list[tuple[str, bytes]] = []
        for part in email.message_from_bytes(data).walk():
            if part.is_multipart():
                continue
            content: Any = part.get_payload(decode=True)
            kind = part.get_content_type()
            found.append(("script", content) if kind == "text/x-shellscript" else (f"error: {kind}", b""))
        return found
    if data.startswith(b"#!"):
        return [("script", data)]
    return [(f"error: user data that begins with {data.split(maxsplit=1)[0][:40].decode(errors='replace')!r}", b"")]


def report(status: str, errors: list[str]) -> None:
    """Writes what `cloud-init status` says, at once: it may be read at any moment."""
    written = STATUS.with_suffix(".part")
    written.write_text(json.dumps({"status": status, "errors": errors}))
    written.replace(STATUS)


def say(text: str) -> None:
    """Writes a line to the console and to the log."""
    sys.stdout.write(text + "\n")
    sys.stdout.flush()
    with LOG.open("a") as log:
        log.write(text + "\n")


def run(argv: list[str]) -> int:
    """Runs a command, with its output on the console and in the log; returns its exit code."""
    with subprocess.Popen(
        argv, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, cwd="/", stdin=subprocess.DEVNULL
    ) as made:
        assert made.stdout is not None  # noqa: S101 - it is piped
        for line in made.stdout:
            say(line.decode(errors="replace").rstrip("\n"))
        return made.wait()


def first_boot() -> None:
    """Runs the user data, once per instance."""
    report("running", [])
    data = ask("user-data", ask("api/token", method="PUT").decode())
    INSTANCE.mkdir(parents=True, exist_ok=True)
    (INSTANCE / "user-data.txt").write_bytes(data)
    errors = []
    for number, (kind, content) in enumerate(parts(data), 1):
        script = INSTANCE / "scripts" / f"part-{number:03}"
        script.parent.mkdir(exist_ok=True)
        if kind != "script":
            errors.append(f"{kind.removeprefix('error: ')} is not supported by the local cloud: use a shell script")
        else:
            script.write_bytes(content)
            script.chmod(0o700)
            code = run([str(script)])
            if code:
                errors.append(f"user data: {script} ended with exit code {code}")
    for error in errors:
        say(f"cloud-init: ERROR: {error}")
    say(f"Cloud-init finished: {'error' if errors else 'done'}")
    (INSTANCE / "boot-finished").write_text(json.dumps(errors))
    report("error" if errors else "done", errors)


def main() -> None:
    """Boots."""
    finished = INSTANCE / "boot-finished"
    if not finished.exists():
        first_boot()
        return
    errors = json.loads(finished.read_text())
    report("error" if errors else "done", errors)
    wanted = Path("/etc/systemd/system/multi-user.target.wants")
    for unit in sorted(wanted.iterdir()) if wanted.exists() else []:
        run(["systemctl", "start", unit.name])


if __name__ == "__main__":
    os.umask(0o022)
    main()
