"""Starts, stops and resets the local cloud, and shows its status."""

from __future__ import annotations

import dataclasses
import fcntl
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import docker

from localcloud import keys, network, process, shell
from localcloud.settings import Settings

Say = Callable[[str], None]


def say(line: str) -> None:
    """Print a line for the user."""
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


@contextmanager
def _alone(settings: Settings) -> Iterator[None]:
    """Lock out other commands: an `up` during a `down` would leave half a cloud."""
    settings.run.mkdir(parents=True, exist_ok=True)
    with (settings.run / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def up(settings: Settings) -> int:
    """Start the cloud unless it is running; returns the exit code."""
    with _alone(settings):
        return _up(settings)


def _up(settings: Settings) -> int:
    present = process.placed(settings)
    if present.port != settings.port:
        say(f"The local cloud of {settings.state} runs at {present.url}: a state folder has one.")
        say(
            f"Use it: source {keys.env_file(present)}   End it: {settings.command} down   "
            "Or: LOCALCLOUD_STATE=<another folder>"
        )
        return 1
    if process.running(settings) is not None and process.healthy(settings):
        say(f"The local cloud is already up at {settings.url}")
        return _ready(settings)
    if process.running(settings) is None and process.port_stays_taken(settings):
        say(f"Port {settings.port} is used by another program.")
        another = f"LOCALCLOUD_PORT={settings.port + 1} {settings.command} up"
        say(f"See which: lsof -i :{settings.port}   Use another port: {another}")
        return 1
    process.stop(settings)  # our server hangs, or only its files are left
    client = network.connect() if settings.docker else None
    if client is not None and not network.relay_image(client):
        say(f"No image for the relay between containers and the server. Type: docker pull {network.RELAY_IMAGES[0]}")
        client = None
    if client is None:
        say("No Docker: databases, caches and containers are only recorded; stacks still deploy.")
        settings = dataclasses.replace(settings, docker=False)
    else:
        refusal = _prepare_docker(client, settings)
        if refusal:
            say(refusal)
            return 1
    try:
        process.start(settings)
    except process.StartError as error:
        say(str(error))
        if client is not None:
            network.remove(client, settings)
        return 1
    return _ready(settings)


def _prepare_docker(client: docker.DockerClient, settings: Settings) -> str | None:
    """Creates the network and relay; returns the reason if that is not possible."""
    other = network.holder(client, settings)
    if other is not None and other.port != settings.port:
        if lives(other):
            return (
                f"Another local cloud (port {other.port}) holds the docker network {settings.subnet}.0/24; there is "
                f"only one.\nStop it: LOCALCLOUD_STATE={other.state} {settings.command} down   "
                "Or go without containers: LOCALCLOUD_DOCKER=0"
            )
        removed = network.remove(client, other)
        say(f"Removed {removed} containers of a local cloud on port {other.port} that was killed.")
    leftover = network.remove(client, settings)
    if leftover:
        say(f"Removed {leftover} containers of an earlier run.")
    for name in network.missing_images(client):
        say(f"Missing image {name}: {network.BASE_IMAGES[name]} will fail. Type: docker pull {name}")
    try:
        network.create(client, settings)
    except network.NetworkTakenError as error:
        network.remove(client, settings)
        return str(error)
    return None


def lives(other: Settings) -> bool:
    """True if another cloud is running, or its `up` is: that creates the network before it starts the server."""
    if process.port_taken(other):
        return True
    try:
        with (other.run / "lock").open("rb") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except FileNotFoundError:
        return False
    except BlockingIOError:
        return True
    return False


def _ready(settings: Settings) -> int:
    say(f"Local cloud: {settings.url}  (account {settings.account}, {settings.region})")
    say(f"Use it:      source {shell.write(settings)}")
    say(f"End it:      {settings.command} down")
    return 0


def down(settings: Settings) -> int:
    """Stop the cloud and remove its processes, containers and networks."""
    with _alone(settings):
        return _down(process.placed(settings))


def _down(settings: Settings) -> int:
    client = network.connect()
    before = len(network.owned(client, settings)) if client is not None else 0
    if process.running(settings) is not None:
        process.reset(settings)  # first: services would restart the containers that the shutdown removes
    stopped = process.stop(settings)
    removed = max(before, network.remove(client, settings)) if client is not None else 0
    say(f"The local cloud is down ({removed} containers removed)." if stopped or removed else "It was not running.")
    return 0


def reset(settings: Settings) -> int:
    """Delete the state; the cloud keeps running."""
    settings = process.placed(settings)
    if process.running(settings) is None or not process.reset(settings):
        say(f"No local cloud of {settings.state} answers. Start it: {settings.command} up")
        return 1
    say("Emptied: no stacks, no data, no containers.")
    return 0


def status(settings: Settings) -> int:
    """Show what is running; returns 0 if the cloud answers, 3 if not."""
    settings = process.placed(settings)
    pid = process.running(settings)
    serving = pid is not None and process.healthy(settings)
    say(f"Server:      {'serving at ' + settings.url if serving else 'not running'}" + (f" (pid {pid})" if pid else ""))
    say(f"Log:         {process.log_file(settings)}")
    client = network.connect()
    if client is None:
        say("Docker:      none; databases, caches and containers are only recorded")
        return 0 if serving else 3
    found = network.owned(client, settings)
    say(f"Containers:  {len(found)}")
    for container in sorted(found, key=lambda container: str(container.name)):
        tags = container.attrs.get("Config", {}).get("Image", "")
        say(f"  {container.name:<58} {container.status:<9} {tags}")
    return 0 if serving else 3
