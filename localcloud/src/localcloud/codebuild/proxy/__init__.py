"""The Docker daemon that a privileged build sees: a socket of its own, behind which not everything is allowed.

`server` carries requests; `rules`, `image_rules` and `object_rules` say which; `container_rules` what a container may
be; `buildkit` reads what `docker build` says; `images` knows which build gave which name; `registry` asks IAM. ADR 9
lists what this protects from, and what not.
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
from localcloud.codebuild.container import BUILD_LABEL, volume_of
from localcloud.codebuild.identity import Role
from localcloud.codebuild.proxy import images, registry
from localcloud.codebuild.proxy.calls import Build
from localcloud.codebuild.proxy.daemon import Owned
from localcloud.codebuild.proxy.server import Conversation

__all__ = ["SYMBOLS", "Gate", "hosts", "install", "open_gate"]

SYMBOLS: tuple[str, ...] = ("ministack.core.iam_evaluator:enforce", *registry.SYMBOLS)
_OPENING_SECONDS = 10


def install() -> None:
    """Make the registry check with IAM, and hide the images that builds name from the rest of the local cloud."""
    registry.install()
    if settings.current().docker:
        images.install()


class _Loop:
    """The event loop of all proxies, on a thread of its own: the server's stays free."""

    def __init__(self) -> None:
        self._guard = threading.Lock()
        self._loop: asyncio.AbstractEventLoop | None = None

    def run(self, work: Any) -> Any:
        """The result of a coroutine on the loop."""
        with self._guard:
            if self._loop is None:
                self._loop = asyncio.new_event_loop()
                threading.Thread(target=self._loop.run_forever, daemon=True, name="codebuild-docker").start()
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(_OPENING_SECONDS)


_loop = _Loop()


class Gate:
    """The socket of one build; closed, it is gone and nothing that came through it goes on."""

    def __init__(self, build: Build) -> None:
        self._build = build
        self._server: asyncio.Server | None = None
        self._talking: dict[asyncio.Task[None], Conversation] = {}
        self._naming: set[asyncio.Task[None]] = set()  # calls that outlast the build, since they give a name
        # Short: a socket's path has 108 bytes.
        self.socket: Path = settings.current().run / "docker" / f"{uuid.uuid4().hex[:8]}.sock"

    async def open(self) -> None:
        """Listen."""
        self.socket.parent.mkdir(parents=True, exist_ok=True)
        self._server = await asyncio.start_unix_server(self._talk, str(self.socket))
        self.socket.chmod(0o666)  # the build may run as any user of its container

    async def _talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        conversation = Conversation(self._build, reader, writer)
        task = asyncio.current_task()
        if task is not None:
            self._talking[task] = conversation
            task.add_done_callback(self._talking.pop)
        with contextlib.suppress(asyncio.CancelledError):  # the build is over
            await conversation.run()

    async def _close(self) -> None:
        if self._server is not None:
            self._server.close()
        naming = {task for task, conversation in self._talking.items() if conversation.names}
        ending = set(self._talking) - naming
        for task in ending:
            task.cancel()
        await asyncio.gather(*ending, return_exceptions=True)
        self._naming = naming

    def close(self) -> None:
        """Stop listening, end what is under way."""
        registry.forget(self._build)
        _loop.run(self._close())
        self.socket.unlink(missing_ok=True)

    def remove_names(self) -> None:
        """Take the names away that the build gave to images; its containers, which hold the images, are gone."""
        _loop.run(images.end(self._build.id, self._naming))


def open_gate(build_id: str, role: Role) -> Gate:
    """A gate for the build, in the account and region of this thread."""
    context = contextvars.copy_context()

    def thread(work: Callable[..., Any]) -> Callable[..., Any]:
        async def run(*arguments: Any) -> Any:
            loop = asyncio.get_running_loop()
            return await loop.run_in_executor(None, functools.partial(context.copy().run, work, *arguments))

        return run

    chosen = settings.current()
    build = Build(
        owned=Owned(build_id),
        labels={**network.labels(chosen), BUILD_LABEL: build_id},
        source_volume=volume_of(build_id),
        cloud_network=chosen.network,
        hosts=thread(lambda: [f"{name}:{address}" for name, address in hosts().items()]),
        may=thread(functools.partial(_why_not, role)),
    )
    registry.know(build)
    gate = Gate(build)
    _loop.run(gate.open())
    return gate


def _why_not(role: Role, action: str, repository: str) -> str:
    """Why the build's role may not do this with a repository: the registry itself asks nobody."""
    arn = f"arn:aws:ecr:{get_region()}:{get_account_id()}:repository/{repository}"
    key = role.keys()["AccessKeyId"]
    if iam_evaluator.enforce(key, action, "ecr", get_region(), resource_arn=arn) is None:
        return ""
    line = json.dumps({"Effect": "Allow", "Action": action, "Resource": arn})
    return f"denied: {role.arn} may not {action} on {arn}. Add to the role's policy: {line}"


def hosts() -> dict[str, str]:
    """Names of the local cloud's sites that containers find at the relay."""
    address = settings.current().relay_address
    try:
        listed = adapter.client("cloudfront").list_distributions()["DistributionList"].get("Items", [])
        balancers = adapter.client("elbv2").describe_load_balancers()["LoadBalancers"]
    except ClientError:
        return {}
    names = [name for one in listed for name in (f"{one['Id'].lower()}.cloudfront.localhost", one["DomainName"])]
    names += [f"{one['LoadBalancerName']}.alb.localhost" for one in balancers]
    return dict.fromkeys(names, address)
