"""The agent of a host relays published ports, however many commands it gets at once."""

from __future__ import annotations

import asyncio
import importlib.util
from types import ModuleType

from localcloud.ec2 import machines
from localcloud.testing.plain import free_port


def agent() -> ModuleType:
    """Returns the program, which belongs to no package."""
    spec = importlib.util.spec_from_file_location("agent", machines.FOLDER / "agent.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_two_commands_at_once_open_a_port_once() -> None:
    program, port = agent(), free_port()
    wanted = [["127.0.0.1", port, "127.0.0.1", 9]]

    async def both() -> list[list[str]]:
        failed = await asyncio.gather(program.publish(wanted), program.publish(wanted))
        await program.publish([])
        return list(failed)

    assert asyncio.run(both()) == [[], []]
