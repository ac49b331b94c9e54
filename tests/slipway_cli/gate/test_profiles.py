"""Each profile passes the policy gate, with the acceptances of the constructs alone."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from slipway_cli.gate import tools
from slipway_cli.gate.assembly import templates
from slipway_cli.gate.synthesis import inspect
from stacks.product import add_environments
from tests.support.short import each_profile


@pytest.mark.slow
def test_no_profile_has_a_finding_that_its_constructs_do_not_accept(tmp_path: Path) -> None:
    inspection = inspect("profiles", lambda app: add_environments(app, each_profile()), tmp_path)
    made = templates(tmp_path)
    more = (*tools.cfn_lint(made), *tools.policies(made), *tools.checkov(tmp_path, made))

    whole = replace(inspection, findings=tuple(sorted({*inspection.findings, *more})))

    assert [f"{finding.path}: {finding.rule}" for finding in whole.refused()] == []
    assert list(whole.wrong()) == []
