"""One report for all tests of the page: a change of AllThrive's staging."""

from __future__ import annotations

import pytest

from slipway_cli.review.assembly import Assembly, read
from slipway_cli.review.compare import compare
from slipway_cli.review.forbidden import judge
from slipway_cli.review.html.page import Sides, page
from slipway_cli.review.model import Report
from slipway_cli.review.sections import with_cost_and_diagrams
from tests.support.manifests import manifest
from tests.support.synthesis import Synthesis, synthesis

_STAGING = {"pipeline": None, "environments": {"staging": manifest()["environments"]["staging"]}}
_CHANGE = {
    "services.web.size": {"cpu": 1024, "memory": 2048},
    "environments.staging.network.nat": "instance",
    "environments.staging.database.instance": "db.t4g.medium",
    "environments.staging.deletion_protection": False,
}


def _assembly(made: Synthesis) -> Assembly:
    return read(made.folder)


@pytest.fixture(scope="session")
def sides() -> Sides:
    return Sides(
        _assembly(synthesis({**_STAGING, "environments.staging.deletion_protection": True})),
        _assembly(synthesis({**_STAGING, **_CHANGE})),
    )


@pytest.fixture(scope="session")
def report(sides: Sides) -> Report:
    found = compare(sides.before, sides.after, product="allthrive", base="main")
    return with_cost_and_diagrams(found, sides.before, sides.after)


@pytest.fixture(scope="session")
def html(report: Report, sides: Sides) -> str:
    verdict = judge(
        report, forbid={"weaken-protection", "broaden-iam"}, allowed={"broaden-iam": "label allow:broaden-iam"}
    )
    return page(report, sides, verdict=verdict)
