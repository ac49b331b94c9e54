"""Restricts the processes that MiniStack starts on this machine for API calls.

* Glue jobs are refused, and Lambda does not forward invocations to a URL in a function's configuration.
* CloudFront Functions and AppSync resolvers run in Node with an empty environment, and with Node's permission model: no
  files, no processes, no threads. MiniStack's own sandbox is `vm`, which according to Node's documentation is not a
  security mechanism (nodejs.org/api/vm.html).
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
    """Returns the flags that deny a script access to files and processes; empty before Node 20."""
    printed = subprocess.run([node, "--version"], capture_output=True, text=True, check=False).stdout
    found = re.match(r"v(\d+)\.(\d+)", printed)
    version = (int(found[1]), int(found[2])) if found else (0, 0)
    return next(((flag, "--no-warnings") for since, flag in _PERMISSION if version >= since), ())


class Subprocess:
    """Replaces the `subprocess` module in MiniStack's pool of Node workers."""

    def Popen(self, command: list[str], **options: Any) -> subprocess.Popen[str]:  # noqa: N802 - the name in the module
        """Starts a worker without the server's environment variables."""
        node, *rest = command
        environment = {"PATH": os.environ.get("PATH", "")}
        return subprocess.Popen([node, *node_flags(node), *rest], env=environment, cwd="/", **options)

    def __getattr__(self, name: str) -> Any:
        return getattr(subprocess, name)


def _refuse_job(run: dict[str, Any], *_rest: Any) -> None:
    run.update(JobRunState="FAILED", ErrorMessage="the local cloud runs no Glue jobs: they would run on your machine")


def install() -> None:
    """Replace MiniStack's functions that start processes on this machine."""
    node_pool.subprocess = Subprocess()
    glue._execute_subprocess = _refuse_job
    lambda_svc._proxy_url_for = lambda _config: None
