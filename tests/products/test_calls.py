"""Services may call each other, the topic of alarms, and a workspace for metrics."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from paths import ROOT
from products import load
from products.call_checks import called
from tests.support.manifests import complaints

SHOWCASE = (ROOT / "products" / "showcase.yaml").read_text(encoding="utf-8")
PROMETHEUS = "services.prometheus"


def test_the_port_of_each_service_that_another_calls_is_known() -> None:
    assert called(load("showcase")) == {"backend": 8000}
    assert called(load("allthrive")) == {}


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"calls": ["backnd"]}, f"{PROMETHEUS}.calls: no such service 'backnd'; did you mean 'backend'?"),
        ({"calls": ["prometheus"]}, f"{PROMETHEUS}.calls: 'prometheus' is the service itself; remove it"),
        ({"internet": False}, f"{PROMETHEUS}.alerts: AWS's API is outside of the network; write internet: true too"),
        (
            {"calls": []},
            f"{PROMETHEUS}.variables.DISCOVERY_DOMAIN: ${{discovery.domain}} needs a service with calls: [SERVICE]; ",
        ),
        (
            {"alerts": False},
            f"{PROMETHEUS}.variables.ALARM_TOPIC: ${{alarms.topic}} needs a service with alerts: true; write it, or ",
        ),
        (
            {"remote_write": "ws-1"},
            f"{PROMETHEUS}.remote_write: got 'ws-1'; write it like arn:aws:aps:us-east-1:111122223333:workspace/ws-",
        ),
    ],
)
def test_a_call_that_reaches_nothing_is_refused_with_what_to_write(
    tmp_path: Path, changes: dict[str, Any], message: str
) -> None:
    data = yaml.safe_load(SHOWCASE)
    data["services"]["prometheus"] |= changes

    (line,) = complaints(tmp_path, yaml.safe_dump(data), "showcase")

    assert line.partition(": ")[2].startswith(message)


def test_a_service_without_a_port_cannot_be_called(tmp_path: Path) -> None:
    data = yaml.safe_load(SHOWCASE)
    del data["services"]["prometheus"]["port"]
    data["services"]["backend"]["calls"] = ["prometheus"]

    found = complaints(tmp_path, yaml.safe_dump(data), "showcase")

    assert any("services.prometheus.port: missing; backend calls this service" in line for line in found)
