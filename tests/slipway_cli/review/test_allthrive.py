"""The report on a realistic change of AllThrive, from real synths."""

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
    "cache.version": "7.2",
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


def test_changes_are_described_in_operators_words(report: Report) -> None:
    sentences = words(report)

    assert "web: CPU `512` → `1024`, memory `1024` → `2048`, tasks restart" in sentences
    assert any(
        sentence.startswith("database: instance class `db.t4g.medium` → `db.m7g.large`") for sentence in sentences
    )


def test_replacing_a_resource_without_data_is_not_a_finding(report: Report) -> None:
    assert [finding.words for finding in report.findings if finding.rule == "replace-stateful"] == []
    assert "nothing stateful is replaced" in report.headline


def test_removed_protections_are_findings(report: Report) -> None:
    sentences = [finding.words for finding in report.findings if finding.rule == "weaken-protection"]

    assert "database: deletion protection `true` → `false`" in sentences
    assert "database: backup retention period `30` → `7`" in sentences
    assert "web logs: retention (days) `90` → `30`; **older log events are deleted**" in sentences
    assert any(
        "stack `production-allthrive-data`: termination protection is switched off" in sentence
        for sentence in sentences
    )


def test_removing_shell_access_narrows_a_role(report: Report) -> None:
    (services,) = [stack for stack in report.stacks if stack.name == "production-allthrive-services"]

    assert any(
        "ssmmessages" in broadening.words and "no longer" in broadening.words for broadening in services.broadenings
    )


def test_deletion_protection_of_a_load_balancer_counts_too(report: Report) -> None:
    sentences = [finding.words for finding in report.findings if finding.path.startswith("LoadBalancer/")]

    assert sentences == ["load balancer: `deletion_protection.enabled` value `true` → `false`"]


def test_every_change_has_a_behaviour_and_a_description(report: Report) -> None:
    assert {resource.behaviour for stack in report.stacks for resource in stack.resources} <= set(UpdateBehaviour)
    assert all(resource.words for stack in report.stacks for resource in stack.resources)
