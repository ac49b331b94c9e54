"""Reports the containers that run on this host, as Docker describes them, not as the release intends them."""

from __future__ import annotations

from typing import Any

from slipway_host.containers import Container, Daemon
from slipway_host.output import Failed, Output
from slipway_host.settings import Record
from slipway_host.state import State

_SHOWN = 6  # containers whose logs a failure shows


def troubles(containers: list[Container], record: Record | None) -> list[str]:
    """Returns what differs from a release that runs."""
    if not containers:
        return ["no container runs"]
    found = [f"{container.service} {container.trouble}" for container in containers if container.trouble]
    if all(container.status == "exited" for container in containers):
        found.append("all containers have ended")
    for container in containers:
        wanted = record.repositories.get(container.image.partition("@")[0]) if record else None
        if wanted and container.digest != wanted:
            found.append(f"{container.service} runs {container.digest}, not {wanted}")
    return found


def report(
    state: State, record: Record | None, containers: list[Container], outcome: str | None = None
) -> dict[str, Any]:
    """Returns the report; without an outcome it says `running` only if the release runs and nothing else does."""
    if outcome is None:
        well = record is not None and not state.attempt and not troubles(containers, record)
        outcome = "running" if well else "failed" if containers or state.attempt else "none"
    images = {container.service: container.digest for container in containers if container.status == "running"}
    return {
        "release": state.current,
        "version": record.version if record else "",
        "images": images,
        "state": outcome,
    }


def explain(daemon: Daemon, output: Output, port: int | None) -> None:
    """Prints the containers that are in trouble, each with the end of its log."""
    try:
        containers = daemon.containers()
        for container in containers:
            output.say(f"  {container.service}: {container.trouble or container.status}")
        bad = [container for container in containers if container.trouble]
        for container in (bad or [publishing for publishing in containers if str(port) in publishing.ports])[:_SHOWN]:
            output.say(f"\n{container.service} ({container.name}) {container.trouble or 'does not answer as expected'}")
            if container.checked and container.health != "healthy":
                output.say(f"its health check said: {container.checked}")
            output.say(f"the end of its log:\n{_indented(daemon.log(container))}")
    except Failed as error:
        output.say(f"the containers cannot be described: {error}")


def _indented(text: str) -> str:
    return "\n".join(f"  | {line}" for line in text.splitlines()) or "  | (empty)"
