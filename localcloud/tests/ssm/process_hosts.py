"""An extension of the tests: hosts of EC2 that are processes of this machine, so that no test needs Docker for them.

`POST /_test/hosts/INSTANCE?role=ARN` starts a host for an instance, DELETE stops it. Its commands run as whoever runs
the tests. The interface is that of `localcloud.ec2.hosts`.
"""

from __future__ import annotations

import os
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from urllib.parse import parse_qs

from localcloud.asgi import Application, Message, Receive, Send, headers_of, local_client, send_answer
from localcloud.ec2.hosts import CancelledError, Host, HostLostError, OnOutput
from localcloud.settings import current
from localcloud.ssm.agent import FLEET

PATH = "/_test/hosts/"


class ProcessHosts:
    """Hosts that are processes."""

    def __init__(self) -> None:
        self._running: dict[str, Host] = {}
        self._callbacks: list[Callable[[Host], None]] = []

    def running(self, account: str = "", region: str = "") -> list[Host]:
        return [
            host for host in self._running.values() if account in ("", host.account) and region in ("", host.region)
        ]

    def find(self, instance_id: str) -> Host | None:
        return self._running.get(instance_id)

    def on_started(self, callback: Callable[[Host], None]) -> None:
        self._callbacks.append(callback)

    def begin(self, instance_id: str, role: str) -> None:
        chosen = current()
        host = Host(
            instance_id=instance_id,
            account=chosen.account,
            region=chosen.region,
            container_name=instance_id,
            address="10.0.0.9",
            image_id="ami-1",
            instance_type="t4g.small",
            role_arn=role,
            started=time.time(),
        )
        self._running[instance_id] = host
        for callback in self._callbacks:
            threading.Thread(target=callback, args=(host,), daemon=True).start()

    def end(self, instance_id: str) -> None:
        self._running.pop(instance_id, None)

    def execute(
        self,
        instance_id: str,
        argv: Sequence[str],
        *,
        on_output: OnOutput,
        environment: Mapping[str, str] | None = None,
        folder: str = "/",
        timeout: float = 3600.0,
        cancelled: threading.Event | None = None,
    ) -> int:
        if instance_id not in self._running:
            raise HostLostError("it does not run")
        process = subprocess.Popen(
            list(argv),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            cwd=folder,
            env={**os.environ, **(environment or {})},
            start_new_session=True,
        )
        readers = [
            threading.Thread(target=_read, args=(pipe, name, on_output), daemon=True)
            for name, pipe in (("stdout", process.stdout), ("stderr", process.stderr))
        ]
        for reader in readers:
            reader.start()
        try:
            return self._wait(instance_id, process, time.monotonic() + timeout, cancelled)
        finally:
            for reader in readers:
                reader.join(5)

    def _wait(
        self, instance_id: str, process: subprocess.Popen[bytes], deadline: float, cancelled: threading.Event | None
    ) -> int:
        while True:
            try:
                code = process.wait(0.02)
            except subprocess.TimeoutExpired:
                code = None
            lost = instance_id not in self._running
            if code is not None and not lost:
                return code
            stopped = cancelled is not None and cancelled.is_set()
            if lost or stopped or time.monotonic() > deadline:
                if code is None:
                    os.killpg(process.pid, signal.SIGKILL)
                    process.wait()
                raise HostLostError("it ended") if lost else CancelledError("cancelled") if stopped else TimeoutError


def _read(pipe: object, name: str, on_output: OnOutput) -> None:
    while data := pipe.read1(65_536):  # type: ignore[attr-defined]  # a pipe of subprocess
        on_output(name, data)


HOSTS = ProcessHosts()


def answers(path: str, host: str, headers: Mapping[str, str], *, local: bool) -> bool:
    return path.startswith(PATH) and local and not headers.get("origin")


def around(application: Application) -> Application:
    FLEET.use(HOSTS)

    async def serve(scope: Message, receive: Receive, send: Send) -> None:
        path = str(scope.get("path", ""))
        if scope["type"] != "http" or not answers(path, "", headers_of(scope), local=local_client(scope)):
            await application(scope, receive, send)
            return
        instance = path.removeprefix(PATH)
        if scope["method"] == "DELETE":
            HOSTS.end(instance)
        else:
            HOSTS.begin(instance, parse_qs(scope.get("query_string", b"").decode()).get("role", [""])[0])
        await send_answer(send, scope, 200, {"Content-Type": "application/json"}, b"{}")

    return serve
