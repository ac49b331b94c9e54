"""Creates clients of AWS in any thread."""

from __future__ import annotations

import threading
from typing import Any

import boto3

# Threads may use clients, but boto3's default session may not create two at once: boto3 guide, "Multithreading".
_CREATING = threading.Lock()


def create(service: str, region: str) -> Any:
    """Returns a client of a service in a region."""
    with _CREATING:
        return boto3.client(service, region_name=region)
