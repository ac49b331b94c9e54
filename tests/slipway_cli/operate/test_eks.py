"""On EKS, commands that need a way into the cluster say what to use instead."""

from __future__ import annotations

from typing import Any

import pytest

from slipway_cli.operate import containers
from slipway_cli.operate.errors import OperateError
from tests.support.on_hosts import REMOVED
from tests.support.on_kubernetes import PLACE, product

EKS: dict[str, Any] = {f"{PLACE}/cluster": "eks", f"{PLACE}/host": REMOVED}


def test_a_shell_and_logs_need_a_machine_in_the_vpc() -> None:
    shop = product(EKS)

    with pytest.raises(OperateError, match="this machine reaches no pod") as refused:
        containers.execute(shop, "production", "django-app", [], None)
    assert "kubectl on a machine in the VPC, with an access entry: docs/kubernetes.md#eks" in refused.value.then
    with pytest.raises(OperateError, match="this machine reaches no pod"):
        containers.print_pod_logs(shop, "production", "django-app", 60, None, follow=False)
