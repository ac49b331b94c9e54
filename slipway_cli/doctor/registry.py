"""All checks, in the order in which an operator works through them."""

from __future__ import annotations

from slipway_cli.doctor import bootstrap, branch, deployed, domains, images, network, quotas, secrets, tooling
from slipway_cli.doctor.scene import Check

CHECKS: tuple[Check, ...] = (
    *bootstrap.CHECKS,
    *tooling.CHECKS,
    *branch.CHECKS,
    *secrets.CHECKS,
    *domains.CHECKS,
    *network.CHECKS,
    *quotas.CHECKS,
    *images.CHECKS,
    *deployed.CHECKS,
)
