"""Git's smart HTTP protocol: runs `git http-backend` (git-scm.com/docs/git-http-backend) as a CGI program."""

from __future__ import annotations

import asyncio
import contextlib
import re
import secrets
import sys
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from localcloud.asgi import Receive, Send
from localcloud.github.repositories import Repository, environment

HOOKS = Path(__file__).parent / "hooks"
HOOK_KEY = secrets.token_urlsafe(32)
"""The secret with which the post-receive hook authenticates to this process."""
ADDRESS = re.compile(r"/([^/]+/[^/]+?)(?:\.git)?/(info/refs|git-upload-pack|git-receive-pack)")
_CHUNK = 65536
_SETTINGS = {
    "core.hooksPath": str(HOOKS),
    "http.getanyfile": "false",  # the smart protocol only
    "receive.hideRefs": "refs/pull",  # only GitHub itself writes these
    "receive.autogc": "false",  # the user would wait for the garbage collection
}


@dataclass(frozen=True)
class Exchange:
    """One HTTP request of a git client."""

    repository: Repository
    method: str
    service: str
    query: str
    headers: Mapping[str, str]
    pusher: str
    """If empty, the committer of the pushed commit."""
    may_push: bool
    hook_url: str

    def variables(self) -> dict[str, str]:
        """Returns the environment of the CGI program, which its hooks inherit."""
        settings: dict[str, str] = {"GIT_CONFIG_COUNT": str(len(_SETTINGS))}
        for number, (name, value) in enumerate(_SETTINGS.items()):
            settings |= {f"GIT_CONFIG_KEY_{number}": name, f"GIT_CONFIG_VALUE_{number}": value}
        headers = {
            "CONTENT_LENGTH": "content-length",
            "HTTP_CONTENT_ENCODING": "content-encoding",
            "HTTP_GIT_PROTOCOL": "git-protocol",
            "GIT_PROTOCOL": "git-protocol",
        }
        given = {variable: self.headers[name] for variable, name in headers.items() if name in self.headers}
        user = {"REMOTE_USER": self.pusher or "local"} if self.may_push else {}  # without it git refuses a push
        return environment(
            REQUEST_METHOD=self.method,
            GIT_PROJECT_ROOT=str(self.repository.folder),
            PATH_INFO=f"/{self.service}",
            GIT_HTTP_EXPORT_ALL="1",
            QUERY_STRING=self.query,
            CONTENT_TYPE=self.headers.get("content-type", ""),
            REMOTE_ADDR="127.0.0.1",
            LOCALCLOUD_PYTHON=sys.executable,
            LOCALCLOUD_HOOK_URL=self.hook_url,
            LOCALCLOUD_HOOK_KEY=HOOK_KEY,
            LOCALCLOUD_REPOSITORY=self.repository.name,
            LOCALCLOUD_PUSHER=self.pusher,
            **given,
            **user,
            **settings,
        )


async def serve(exchange: Exchange, receive: Receive, send: Send) -> None:
    """Stream the request to git, and its response to the client."""
    program = await asyncio.create_subprocess_exec(
        "git",
        "http-backend",
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
        env=exchange.variables(),
    )
    feeding = asyncio.create_task(_feed(program, receive))
    try:
        await _answer(program, send)
    finally:
        # Read to the end even if the client disconnects: the hook must report a push that git has accepted.
        while program.stdout is not None and await program.stdout.read(_CHUNK):
            pass
        feeding.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await feeding
        await program.wait()


async def _feed(program: asyncio.subprocess.Process, receive: Receive) -> None:
    pipe = program.stdin
    if pipe is None:
        return
    with contextlib.suppress(ConnectionError):
        async for content in _body(receive):
            pipe.write(content)
            await pipe.drain()
    pipe.close()


async def _body(receive: Receive) -> AsyncIterator[bytes]:
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            return
        yield message.get("body", b"")
        if not message.get("more_body"):
            return


async def _answer(program: asyncio.subprocess.Process, send: Send) -> None:
    if program.stdout is None:
        return
    status = 200
    headers: list[tuple[bytes, bytes]] = []
    while (line := (await program.stdout.readline()).strip()) != b"":
        name, _, value = line.partition(b":")
        if name.lower() == b"status":
            status = int(value.split()[0])
        else:
            headers.append((name.lower(), value.strip()))
    if not headers:
        # Some systems have it in a separate package: Alpine in git-daemon.
        await send({"type": "http.response.start", "status": 500, "headers": [(b"content-type", b"text/plain")]})
        text = b"git http-backend does not run on the local cloud's machine. Is it installed? Try: git http-backend\n"
        await send({"type": "http.response.body", "body": text, "more_body": False})
        return
    await send({"type": "http.response.start", "status": status, "headers": headers})
    while content := await program.stdout.read(_CHUNK):
        await send({"type": "http.response.body", "body": content, "more_body": True})
    await send({"type": "http.response.body", "body": b"", "more_body": False})
