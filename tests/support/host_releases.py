"""A release to Edenco's hosts, as the pipeline asks the function for it."""

from __future__ import annotations

import hashlib
import json
from typing import Any

from deploy_hosts import handler
from tests.support.fake_hosts import BUNDLE, STACK, FakeHost, Hosts
from tests.support.fake_pipeline import played

IMAGE = "111122223333.dkr.ecr.us-east-1.amazonaws.com/edenco/backend@sha256:" + "b" * 64
RELEASE: dict[str, Any] = {
    "version": "1.1.0",
    "commit": "c" * 40,
    "images": {"backend": IMAGE},
    "bundle": hashlib.sha256(BUNDLE).hexdigest(),
}
RECORD = json.dumps(RELEASE, sort_keys=True, separators=(",", ":")).encode()
NEW = hashlib.sha256(RECORD).hexdigest()
PARAMETERS: dict[str, Any] = {
    **RELEASE,
    "step": "apply",
    "region": "us-east-1",
    "stack": STACK,
    "document": "staging-edenco-release",
    "tags": {"slipway:product": "edenco", "slipway:environment": "staging"},
    "log_group": "/hosts/staging-edenco/commands",
}


def deployment(count: int = 2, **changes: Any) -> Hosts:
    """Returns a job for hosts that run an older release; `changes` are of its parameters."""
    return Hosts(handler.main, {**PARAMETERS, **changes}, count)


def run(action: Hosts) -> Hosts:
    """Runs a job to its end."""
    with played(action):
        action.run()
    assert action.violations == []
    return action


def first(action: Hosts) -> FakeHost:
    """Returns the first host."""
    return next(iter(action.hosts.values()))


def old(action: Hosts) -> str:
    """Returns the digest of the older release."""
    return hashlib.sha256(action.old).hexdigest()


def released(action: Hosts) -> Hosts:
    """Makes all hosts run the new release."""
    for host in action.hosts.values():
        host.release = NEW
    return action
