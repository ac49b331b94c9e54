"""Starts, finds and stops the server process. Signals only a process that is our own server."""

from __future__ import annotations

import http
import http.client
import os
import re
import signal
import socket
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

from localcloud import keys, signing
from localcloud.settings import Settings

POLL = 0.05
SOURCE = Path(__file__).resolve().parent.parent
_ENDING_SECONDS = 5.0
_INHERITED = ("PATH", "HOME", "LANG", "LC_ALL", "TMPDIR", "TZ", "DOCKER_HOST", "DOCKER_CONFIG", "SSL_CERT_FILE")


class StartError(RuntimeError):
    """The server did not start; the message says what to look at."""


def pid_file(settings: Settings) -> Path:
    """Returns the path of the pid file."""
    return settings.run / "server.pid"


def log_file(settings: Settings) -> Path:
    """Returns the path of the server's log."""
    return settings.run / "server.log"


def running(settings: Settings) -> int | None:
    """Returns the pid of our server if the recorded process is alive and is our server on this port."""
    found = _server(settings)
    return found[0] if found is not None and found[1] == settings.port else None


def placed(settings: Settings) -> Settings:
    """Returns the settings with the port of the server that runs on this state folder, if there is one."""
    found = _server(settings)
    return settings if found is None else replace(settings, port=found[1])


def _server(settings: Settings) -> tuple[int, int] | None:
    """Returns pid and port of the state folder's server if the recorded process is alive and is a server."""
    try:
        pid = int(pid_file(settings).read_text(encoding="utf-8"))
        command = Path(f"/proc/{pid}/cmdline").read_bytes() if Path("/proc").is_dir() else _ps(pid)
    except (OSError, ValueError):
        return None
    port = re.search(rb"localcloud\.server[\0 ]+(\d+)", command)
    return None if port is None or _zombie(pid) else (pid, int(port[1]))


def _ps(pid: int) -> bytes:
    return subprocess.run(["ps", "-o", "args=", "-p", str(pid)], capture_output=True, check=False).stdout


def _zombie(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rsplit(")", 1)[1].split()[0] == "Z"
    except OSError:
        return False


def healthy(settings: Settings) -> bool:
    """True if our server answers."""
    connection = http.client.HTTPConnection("127.0.0.1", settings.port, timeout=2)
    try:
        connection.request("GET", "/_ministack/health")
        return connection.getresponse().status == http.HTTPStatus.OK
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def port_taken(settings: Settings) -> bool:
    """True if a process listens on our port."""
    with socket.socket() as probe:
        probe.settimeout(1)
        return probe.connect_ex(("127.0.0.1", settings.port)) == 0


def port_stays_taken(settings: Settings) -> bool:
    """True if a process listens on our port, and goes on: a server that was killed keeps it until all threads ended."""
    deadline = time.monotonic() + _ENDING_SECONDS
    while taken := port_taken(settings):
        if time.monotonic() > deadline or not pid_file(settings).exists():
            break
        time.sleep(0.05)
    return taken


def environment(settings: Settings) -> dict[str, str]:
    """Returns the server's environment: MiniStack's switches and our settings, without the caller's credentials."""
    inherited = {name: os.environ[name] for name in _INHERITED if name in os.environ}
    containers = (
        {"HOSTNAME": settings.gateway, "DOCKER_NETWORK": settings.network}
        if settings.docker
        else {"DOCKER_HOST": f"unix://{settings.run}/no-docker.sock"}
    )
    return {
        **inherited,
        **settings.environment(),
        "PYTHONPATH": str(SOURCE),
        "PYTHONUNBUFFERED": "1",
        "GATEWAY_PORT": str(settings.port),
        "BIND_HOST": "127.0.0.1",
        "MINISTACK_ACCOUNT_ID": settings.account,
        "MINISTACK_REGION": settings.region,
        "MINISTACK_HOSTNAME": f"localcloud-{settings.port}",
        "MINISTACK_DOCKER_TIMEOUT": "180",  # stopping honours stopTimeout, which may be two minutes
        "AUTH": "true",
        "SFTP_ENABLED": "0",
        "IOT_MTLS_ENABLED": "0",
        "LAMBDA_EXECUTOR": "docker" if settings.docker else "local",
        "LAMBDA_STRICT": "1" if settings.docker else "0",  # no function runs on this machine while Docker is there
        "AWS_ENDPOINT_URL": settings.container_url,
        **keys.root(settings).variables(),
        "AWS_REGION": settings.region,
        "AWS_DEFAULT_REGION": settings.region,
        "AWS_EC2_METADATA_DISABLED": "true",
        **containers,
    }


def start(settings: Settings, seconds: float = 60) -> int:
    """Start the server detached from this terminal and wait until it answers."""
    settings.run.mkdir(parents=True, exist_ok=True)
    with log_file(settings).open("ab") as log:
        before = log.tell()
        process = subprocess.Popen(
            [sys.executable, "-m", "localcloud.server", str(settings.port)],
            cwd=settings.run,
            env=environment(settings),
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    pid_file(settings).write_text(str(process.pid), encoding="utf-8")
    deadline = time.monotonic() + seconds
    while not healthy(settings):
        if process.poll() is not None or time.monotonic() > deadline:
            written = log_file(settings).read_bytes()[before:].decode(errors="replace").splitlines()
            stop(settings)
            raise StartError(
                f"The local cloud did not start; the end of {log_file(settings)}:\n" + "\n".join(written[-15:])
            )
        time.sleep(POLL)
    return process.pid


def reset(settings: Settings) -> bool:
    """Delete the server's state and containers; the server keeps running. Returns True if it did."""
    try:
        status, _ = signing.send(settings, "POST", "/_ministack/reset", seconds=180)
    except OSError:
        return False
    return status == http.HTTPStatus.OK


def stop(settings: Settings, seconds: float = 30) -> bool:
    """Stop our server with SIGTERM, then SIGKILL; returns True if there was one."""
    pid = running(settings)
    if pid is not None:
        _signal(pid, signal.SIGTERM)
        deadline = time.monotonic() + seconds
        while running(settings) is not None:
            if time.monotonic() > deadline:
                _signal(pid, signal.SIGKILL)
            _reap(pid)
            time.sleep(POLL)
    pid_file(settings).unlink(missing_ok=True)
    settings.socket.unlink(missing_ok=True)
    return pid is not None


def _signal(pid: int, number: signal.Signals) -> None:
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        return


def _reap(pid: int) -> None:
    try:
        os.waitpid(pid, os.WNOHANG)
    except ChildProcessError:
        return
