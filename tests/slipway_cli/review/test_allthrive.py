"""AllThrive with a change that a team would make: what the report says, from real synths."""

from __future__ import annotations

import pytest

from slipway_cli.review.assembly import read
from slipway_cli.review.compare import compare
from slipway_cli.review.model import Report, UpdateBehaviour
from tests.support.synthesis import synthesis

CHANGES = {
    "services.web.size": {"cpu": 1024, "memory": 2048},
    "services.celery.read_only": True,
    "services.celery.shell_access": False,
    "environments.production.database.instance": "db.m7g.large",
    "environments.production.database.backup_days": 7,
    "environments.production.log_retention_days": 30,
    "environments.production.deletion_protection": False,
    "environments.production.network.nat_count": 1,
    "environments.production.cache.node": "cache.m7g.large",
    "cache.engine": "valkey",
}


@pytest.fixture(scope="module")
def report() -> Report:
    before, after = (read(synthesis(changes).folder) for changes in ({}, CHANGES))
    return compare(before, after, product="allthrive", base="main")


def words(report: Report) -> list[str]:
    return [resource.words for stack in report.stacks for resource in stack.resources]


def test_a_product_that_does_not_change_has_no_report() -> None:
    same = read(synthesis({}).folder)

    assert compare(same, same, product="allthrive", base="main").stacks == ()


def test_it_speaks_of_services_and_databases_as_operators_do(report: Report) -> None:
    said = words(report)

    assert "web: CPU `512` → `1024`, memory `1024` → `2048`, tasks restart" in said
    assert any(sentence.startswith("database: instance class `db.t4g.medium` → `db.m7g.large`") for sentence in said)


def test_what_is_replaced_without_data_is_no_finding(report: Report) -> None:
    assert [finding.words for finding in report.findings if finding.rule == "replace-stateful"] == []
    assert "nothing stateful is replaced" in report.headline


def test_protections_that_go_are_told(report: Report) -> None:
    said = [finding.words for finding in report.findings if finding.rule == "weaken-protection"]

    assert "database: deletion protection `true` → `false`" in said
    assert "database: backup retention period `30` → `7`" in said
    assert "web logs: retention (days) `90` → `30`; **older log events are deleted**" in said
    assert any("stack `production-allthrive-data`: no longer protected from deletion" in sentence for sentence in said)


def test_a_shell_that_goes_narrows_a_role(report: Report) -> None:
    (services,) = [stack for stack in report.stacks if stack.name == "production-allthrive-services"]

    assert any(
        "ssmmessages" in broadening.words and "no longer" in broadening.words for broadening in services.broadenings
    )


def test_a_load_balancers_protection_counts_too(report: Report) -> None:
    said = [finding.words for finding in report.findings if finding.path.startswith("LoadBalancer/")]

    assert said == ["load balancer: `deletion_protection.enabled` value `true` → `false`"]


def test_every_change_knows_what_happens(report: Report) -> None:
    assert {resource.behaviour for stack in report.stacks for resource in stack.resources} <= set(UpdateBehaviour)
    assert all(resource.words for stack in report.stacks for resource in stack.resources)
