"""A filtering proxy before the Docker daemon: each privileged build has a socket of its own, with restricted calls.

`server` forwards requests. `rules`, `image_rules` and `object_rules` define the allowed calls, `container_rules` the
allowed options of a container. `buildkit` filters the gRPC calls of `docker build`. `images` records which build gave
which image name. `registry` checks access to the local registry with IAM. ADR 9 lists the threats that this covers.
"""

from __future__ import annotations

import asyncio
import contextlib
import contextvars
import functools
import json
import threading
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

from botocore.exceptions import ClientError
from ministack.core import iam_evaluator
from ministack.core.responses import get_account_id, get_region

from localcloud import adapter, network, settings
from localcloud.codebuild.container import BUILD_LABEL, source_volume
from localcloud.codebuild.identity import Role
from localcloud.codebuild.proxy import images, registry
from localcloud.codebuild.proxy.calls import Build
from localcloud.codebuild.proxy.daemon import Owned
from localcloud.codebuild.proxy.server import Conversation

__all__ = ["SYMBOLS", "Gate", "hosts", "install", "open_gate"]

SYMBOLS: tuple[str, ...] = ("ministack.core.iam_evaluator:enforce", *registry.SYMBOLS)
_OPENING_SECONDS = 10


def install() -> None:
    """Adds the IAM check to the registry, and hides images that builds have named from the rest of the local cloud."""
    registry.install()
    if settings.current().docker:
        images.install()


class _Loop:
    """The event loop of all proxies, on a thread of its own: they must not block the event loop of the server."""

    def __init__(self) -> None:
        self._guard = threading.Lock()
        self._loop: asyncio.AbstractEventLoop | None = None

    def run(self, work: Any) -> Any:
        """Runs a coroutine on the loop and returns its result."""
        with self._guard:
            if self._loop is None:
                self._loop = asyncio.new_event_loop()
                threading.Thread(target=self._loop.run_forever, daemon=True, name="codebuild-docker").start()
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(_OPENING_SECONDS)


_loop = _Loop()


class Gate:
    """The Docker socket of one build. `close` removes the socket and ends the requests that came through it."""

    def __init__(self, build: Build) -> None:
        self._build = build
        self._server: asyncio.Server | None = None
        self._conversations: dict[asyncio.Task[None], Conversation] = {}
        self._naming: set[asyncio.Task[None]] = set()  # requests that give an image a name: they outlast the build
        # The name is short: the path of a socket has at most 108 bytes.
        self.socket: Path = settings.current().run / "docker" / f"{uuid.uuid4().hex[:8]}.sock"

    async def open(self) -> None:
        """Creates the socket and starts to listen."""
        self.socket.parent.mkdir(parents=True, exist_ok=True)
        self._server = await asyncio.start_unix_server(self._serve, str(self.socket))
        self.socket.chmod(0o666)  # the build may run as any user of its container

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        conversation = Conversation(self._build, reader, writer)
        task = asyncio.current_task()
        if task is not None:
            self._conversations[task] = conversation
            task.add_done_callback(self._conversations.pop)
        with contextlib.suppress(asyncio.CancelledError):  # the build has ended
            await conversation.run()

    async def _close(self) -> None:
        if self._server is not None:
            self._server.close()
        naming = {task for task, conversation in self._conversations.items() if conversation.gives_name}
        ending = set(self._conversations) - naming
        for task in ending:
            task.cancel()
        await asyncio.gather(*ending, return_exceptions=True)
        self._naming = naming

    def close(self) -> None:
        """Stops listening and ends the requests in progress."""
        registry.unregister(self._build)
        _loop.run(self._close())
        self.socket.unlink(missing_ok=True)

    def remove_names(self) -> None:
        """Removes the image names that the build gave. Its containers must be removed first: they keep the images."""
        _loop.run(images.release(self._build.id, self._naming))


def open_gate(build_id: str, role: Role) -> Gate:
    """Opens a gate for the build, in the account and region of this thread."""
    context = contextvars.copy_context()

    def in_thread(work: Callable[..., Any]) -> Callable[..., Any]:
        async def run(*arguments: Any) -> Any:
            loop = asyncio.get_running_loop()
            return await loop.run_in_executor(None, functools.partial(context.copy().run, work, *arguments))

        return run

    chosen = settings.current()
    build = Build(
        owned=Owned(build_id),
        labels={**network.labels(chosen), BUILD_LABEL: build_id},
        source_volume=source_volume(build_id),
        cloud_network=chosen.network,
        hosts=in_thread(lambda: [f"{name}:{address}" for name, address in hosts().items()]),
        denial=in_thread(functools.partial(_denial, role)),
    )
    registry.register(build)
    gate = Gate(build)
    _loop.run(gate.open())
    return gate


def _denial(role: Role, action: str, repository: str) -> str:
    """Returns the reason why the build's role may not perform an action on a repository; empty if it may."""
    arn = f"arn:aws:ecr:{get_region()}:{get_account_id()}:repository/{repository}"
    key = role.keys()["AccessKeyId"]
    if iam_evaluator.enforce(key, action, "ecr", get_region(), resource_arn=arn) is None:
        return ""
    line = json.dumps({"Effect": "Allow", "Action": action, "Resource": arn})
    return f"denied: {role.arn} may not {action} on {arn}. Add to the role's policy: {line}"


def hosts() -> dict[str, str]:
    """Returns the host names of CloudFront distributions and load balancers, with the address of the relay."""
    address = settings.current().relay_address
    try:
        distributions = adapter.client("cloudfront").list_distributions()["DistributionList"].get("Items", [])
        balancers = adapter.client("elbv2").describe_load_balancers()["LoadBalancers"]
    except ClientError:
        return {}
    names = [
        name
        for distribution in distributions
        for name in (f"{distribution['Id'].lower()}.cloudfront.localhost", distribution["DomainName"])
    ]
    names += [f"{balancer['LoadBalancerName']}.alb.localhost" for balancer in balancers]
    return dict.fromkeys(names, address)
