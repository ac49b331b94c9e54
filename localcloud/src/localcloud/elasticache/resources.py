"""ElastiCache: a cache has a container that accepts connections; MiniStack invents an endpoint if Docker fails."""

from __future__ import annotations

import socket
from typing import Any

from ministack.services import elasticache

from localcloud import adapter, containers, settings

SYMBOLS = (
    "ministack.services.elasticache:_engine_image_and_port",
    "ministack.services.elasticache:_get_docker",
    "ministack.services.elasticache:_spawn_redis_container",
)


class CacheError(RuntimeError):
    """The cache's container did not start."""


def listens(address: str, port: int) -> bool:
    """True if the port accepts connections."""
    try:
        with socket.create_connection((address, port), timeout=1):
            return True
    except OSError:
        return False


def install() -> None:
    """Report a failed start as an error, and wait until the cache accepts connections."""
    original = elasticache._spawn_redis_container

    def spawn(name: str, engine: str, engine_version: str, *rest: Any, **named: Any) -> Any:
        client = elasticache._get_docker() if settings.current().docker else None
        if client is None:
            return original(name, engine, engine_version, *rest, **named)
        image, _ = elasticache._engine_image_and_port(engine, engine_version)
        containers.require(client, image)
        host, port, container = original(name, engine, engine_version, *rest, **named)
        if container is None:
            raise CacheError(f"the container {name} ({image}) did not start; see the server's log")
        adapter.wait_until(lambda: listens(host, port), f"{name} accepting connections", seconds=30)
        return host, port, container

    elasticache._spawn_redis_container = spawn
