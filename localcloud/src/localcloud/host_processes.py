"""Limits the processes that MiniStack starts on this machine on behalf of API calls.

* Glue jobs are refused, and Lambda forwards no invocation to an address that the function chose.
* CloudFront Functions and resolvers of AppSync run in Node with an empty environment, and with Node's permission model:
  no files, no processes, no threads. MiniStack's own sandbox is `vm`, which Node's documentation calls no security
  mechanism (nodejs.org/api/vm.html).
"""

from __future__ import annotations

import os
import re
import subprocess
from functools import cache
from typing import Any

from ministack.core import node_pool
from ministack.services import glue, lambda_svc

SYMBOLS: tuple[str, ...] = (
    "ministack.core.node_pool:_NODE_BINARY",
    "ministack.core.node_pool:subprocess",
    "ministack.services.glue:_execute_subprocess",
    "ministack.services.lambda_svc:_proxy_url_for",
)

_PERMISSION = ((22, 13), "--permission"), ((20, 0), "--experimental-permission")  # nodejs.org/api/permissions.html


@cache
def node_flags(node: str) -> tuple[str, ...]:
    """Returns the flags with which this Node denies a script files and processes; none before version 20."""
    printed = subprocess.run([node, "--version"], capture_output=True, text=True, check=False).stdout
    found = re.match(r"v(\d+)\.(\d+)", printed)
    version = (int(found[1]), int(found[2])) if found else (0, 0)
    return next(((flag, "--no-warnings") for since, flag in _PERMISSION if version >= since), ())


class Subprocess:
    """The `subprocess` module as MiniStack's pool of Node workers sees it."""

    def Popen(self, command: list[str], **options: Any) -> subprocess.Popen[str]:  # noqa: N802 - the module's name for it
        """Starts a worker that sees nothing of the server's environment."""
        node, *rest = command
        environment = {"PATH": os.environ.get("PATH", "")}
        return subprocess.Popen([node, *node_flags(node), *rest], env=environment, cwd="/", **options)

    def __getattr__(self, name: str) -> Any:
        return getattr(subprocess, name)


def _refuse_job(run: dict[str, Any], *_rest: Any) -> None:
    run.update(
        JobRunState="FAILED", ErrorMessage="the local cloud runs no jobs of Glue: they would run on your machine"
    )


def install() -> None:
    """Replace the functions of MiniStack that start processes on this machine."""
    node_pool.subprocess = Subprocess()
    glue._execute_subprocess = _refuse_job
    lambda_svc._proxy_url_for = lambda _config: None
