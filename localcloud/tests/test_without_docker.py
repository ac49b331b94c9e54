"""Without Docker every stack deploys; resources that need containers only exist in the API."""

from __future__ import annotations

import pytest
from tests.containers.test_databases import data
from tests.containers.test_services import web

from localcloud.testing.plain import Plain, plain, unique

__all__ = ["plain"]

pytestmark = pytest.mark.local


def test_a_service_is_created_updated_and_deleted(plain: Plain) -> None:
    name = unique("web")
    plain.deploy(web(name, "1"), name)
    plain.deploy(web(name, "2"), name)
    found = plain.client("ecs").describe_services(cluster=name, services=[name])["services"][0]
    assert found["runningCount"] == found["desiredCount"] == 2
    assert [deployment["rolloutState"] for deployment in found["deployments"]] == ["COMPLETED"]
    assert plain.delete(name) == "DELETE_COMPLETE"


def test_a_database_and_a_cache_are_created_updated_and_deleted(plain: Plain) -> None:
    name = unique("data")
    plain.deploy(data(name), name)
    plain.deploy(data(name, BackupRetentionPeriod=3, DeletionProtection=False), name)
    instance = plain.client("rds").describe_db_instances(DBInstanceIdentifier=name)["DBInstances"][0]
    assert instance["BackupRetentionPeriod"] == 3
    assert plain.delete(name) == "DELETE_COMPLETE"
