"""A local GitHub on a port of its own: the real server, which records the runs instead of starting them."""

from __future__ import annotations

import asyncio
import hashlib
import http.client
import json
import subprocess
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from hypercorn.asyncio import serve
from hypercorn.config import Config

from localcloud.github import server
from localcloud.github.hub import Hub, PullRequest, Push, Started, Triggers
from localcloud.github.repositories import Repositories, Repository
from localcloud.github.store import Store
from localcloud.testing.plain import free_port, unique

Files = Mapping[str, str | bytes]
TOKEN = "ghp_the-token-of-the-tests"


@dataclass
class Answer:
    status: int
    headers: dict[str, str]
    body: bytes

    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def text(self) -> str:
        return self.body.decode()


@dataclass
class Recorder:
    """Records what the server would start."""

    pushes: list[Push] = field(default_factory=list)
    pull_requests: list[PullRequest] = field(default_factory=list)
    fails: bool = False
    heard: threading.Event = field(default_factory=threading.Event)

    def push(self, change: Push) -> list[Started]:
        self.pushes.append(change)
        self.heard.set()
        if self.fails:
            raise RuntimeError("the pipeline is gone")
        name = change.ref.rpartition("/")[2]
        return [] if name.startswith("quiet") else [Started("shop-main", f"http://runs/{len(self.pushes)}")]

    def pull_request(self, change: PullRequest) -> list[Started]:
        self.pull_requests.append(change)
        return [Started("shop-pull-request", f"http://runs/pr-{change.number}")]


class Place:
    """The server, its folder, and its recorder."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.port, self.recorder = folder, free_port(), Recorder()
        self.secrets: dict[str, str] = {"shop/github": TOKEN}
        self.signed: set[tuple[str, bytes, bytes]] = set()
        self.url = f"http://github.localhost:{self.port}"
        self.api = f"http://127.0.0.1:{self.port}/_github/api/v3"
        self.hub = Hub(
            repositories=Repositories(folder / "repositories"),
            store=Store(folder / "github.sqlite"),
            triggers=Triggers(self._push, self._pull_request),
            read_secret=self.secrets.get,
            verify=lambda key, digest, signature: (key, digest, signature) in self.signed,
            url=self.url,
            hook_url=f"http://127.0.0.1:{self.port}/_github/_hook",
        )

    def _push(self, change: Push) -> list[Started]:
        return self.recorder.push(change)

    def _pull_request(self, change: PullRequest) -> list[Started]:
        return self.recorder.pull_request(change)

    @contextmanager
    def serving(self) -> Iterator[Place]:
        """Serve on loopback, and on the unix socket that containers use."""
        config = Config()
        config.bind = [f"127.0.0.1:{self.port}", f"unix:{self.folder / 'sock'}"]
        config.loglevel = "ERROR"
        stop, ready = asyncio.Event(), threading.Event()
        loop = asyncio.new_event_loop()

        async def other(scope: Any, receive: Any, send: Any) -> None:
            if scope["type"] == "lifespan":
                await receive()
                await send({"type": "lifespan.startup.complete"})
                ready.set()
                await receive()
                await send({"type": "lifespan.shutdown.complete"})
                return
            await send({"type": "http.response.start", "status": 418, "headers": []})
            await send({"type": "http.response.body", "body": b"the cloud", "more_body": False})

        application: Any = server.around(other, lambda: self.hub)
        thread = threading.Thread(
            target=loop.run_until_complete, args=(serve(application, config, shutdown_trigger=stop.wait),)
        )
        thread.start()
        assert ready.wait(20)
        self._listening()
        try:
            yield self
        finally:
            loop.call_soon_threadsafe(stop.set)
            thread.join(20)
            loop.close()
            self.hub.store.close()

    def _listening(self) -> None:
        deadline = time.monotonic() + 20
        while time.monotonic() < deadline:
            try:
                self.ask("GET", "/")
            except OSError:
                continue
            return
        raise TimeoutError("the server does not listen")

    # --- requests ----------------------------------------------------------------------------------------------------

    def ask(
        self, method: str, path: str, body: Any = None, headers: dict[str, str] | None = None, host: str = ""
    ) -> Answer:
        """Sends a request, by default to the host `github.localhost`."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        sent = json.dumps(body).encode() if isinstance(body, (dict, list)) else body
        try:
            named = {"Host": host or f"github.localhost:{self.port}", **(headers or {})}
            connection.request(method, path, body=sent, headers=named)
            answer = connection.getresponse()
            found = {name.lower(): value for name, value in answer.getheaders()}
            return Answer(answer.status, found, answer.read())
        finally:
            connection.close()

    def call(self, method: str, path: str, body: Any = None, token: str = TOKEN) -> Answer:
        """Calls the API with a token."""
        return self.ask(method, f"/api/v3{path}", body, {"Authorization": f"Bearer {token}"})

    def follow(self, address: str) -> Answer:
        """Calls the API at an address from one of its answers."""
        parts = urlsplit(address)
        return self.ask("GET", f"{parts.path}?{parts.query}", headers={"Authorization": f"Bearer {TOKEN}"})


class Shop:
    """One repository with a working clone."""

    def __init__(self, place: Place, folder: Path) -> None:
        self.place, self.name = place, f"acme/{unique('shop')}"
        self.bare: Repository = place.hub.repositories.create(
            self.name, "main", {"secret": "shop/github", "published": "true"}
        )
        self.url = f"{place.url}/{self.name}.git"
        self.work = folder / unique("work")
        self.work.mkdir(parents=True)
        self.git("init", "-q", "-b", "main")
        self.git("remote", "add", "origin", self.url)

    def run(self, *arguments: str, folder: Path | None = None) -> subprocess.CompletedProcess[str]:
        """Runs git and returns the result, even if it fails."""
        who = ["-c", "user.name=Mary Major", "-c", "user.email=mary@example.com", "-c", "commit.gpgsign=false"]
        command = ["git", *who, "-c", "advice.detachedHead=false", *arguments]
        return subprocess.run(
            command, cwd=folder or self.work, capture_output=True, text=True, check=False, timeout=120
        )

    def git(self, *arguments: str, folder: Path | None = None) -> str:
        done = self.run(*arguments, folder=folder)
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()

    def commit(self, message: str, folder: Path | None = None, files: Files | None = None) -> str:
        """Commits files and returns the commit's id."""
        for name, content in (files or {}).items():
            path = (folder or self.work) / name
            path.write_bytes(content if isinstance(content, bytes) else content.encode())
        self.git("add", "--all", folder=folder)
        self.git("commit", "-q", "--allow-empty", "-m", message, folder=folder)
        return self.git("rev-parse", "HEAD", folder=folder)

    def push(self, *arguments: str) -> str:
        """Runs `git push origin …` and returns its output."""
        done = self.run("push", "origin", *arguments)
        assert done.returncode == 0, done.stderr
        return done.stderr

    def pushed(self, message: str = "first", branch: str = "main", files: Files | None = None) -> str:
        """Commits files, pushes them to a branch of the remote, and returns the commit's id."""
        sha = self.commit(message, files=files or {"README.md": message})
        self.push(f"HEAD:refs/heads/{branch}")
        return sha

    def branch(self, name: str, message: str = "Better", files: Files | None = None) -> str:
        """Commits to a new branch, pushes it, and returns the commit's id."""
        self.git("checkout", "-q", "-B", name, "main")
        sha = self.pushed(message, name, files=files or {f"{hashlib.md5(name.encode()).hexdigest()}.txt": message})
        self.git("checkout", "-q", "main")
        return sha

    @property
    def pushes(self) -> list[Push]:
        """Returns the recorded pushes."""
        return [push for push in self.place.recorder.pushes if push.repository == self.name]

    @property
    def pull_requests(self) -> list[PullRequest]:
        """Returns the recorded events of pull requests."""
        return [event for event in self.place.recorder.pull_requests if event.repository == self.name]

    def call(self, method: str, path: str, body: Any = None) -> Answer:
        """Calls the API of this repository."""
        return self.place.call(method, f"/repos/{self.name}{path}", body)

    def page(self, path: str = "") -> Answer:
        """Requests a page of this repository."""
        return self.place.ask("GET", f"/{self.name}{path}")
