"""An extension that answers nothing: a host's start takes until its user data has attached a volume."""

from __future__ import annotations

import time
from collections.abc import Mapping

from localcloud.asgi import Application
from localcloud.ec2 import machines
from localcloud.ec2.machines import Machine

_SECONDS = 60.0


def answers(path: str, host: str, headers: Mapping[str, str], *, local: bool) -> bool:
    """Never."""
    return False


def around(application: Application) -> Application:
    """Returns the application; from now on hosts are slow to start."""
    machines.on_started.append(_wait)
    return application


def _wait(machine: Machine) -> None:
    deadline = time.monotonic() + _SECONDS
    while not machine.volumes() and time.monotonic() < deadline:
        time.sleep(0.05)
