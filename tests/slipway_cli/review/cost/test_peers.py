"""Compares estimates with published figures of similar products, read on 2026-11-20.

apptension/saas-boilerplate, packages/internal/docs/docs/aws/architecture/costs.mdx, is Django, Celery and React on ECS
as we are, on x86 and t3. Its figures are rounded, and those for Fargate are 1.1 to 1.4 times AWS's own price.
"""

from __future__ import annotations

from decimal import Decimal

import pytest

from slipway_cli.review.assembly import Json, Stack
from slipway_cli.review.cost.estimate import estimate
from slipway_cli.review.cost.prices import table


def month(resources: dict[str, Json]) -> Decimal:
    return estimate([Stack("it", "it", "111122223333", "us-east-1", {"Resources": resources})]).total()


def set_up(
    tasks: list[tuple[int, int, int]], database: str, cache: str, nats: int, *, standby: bool = False
) -> Decimal:
    """Services as (tasks, CPU units, MiB), database, cache, NAT gateways with their addresses, a load balancer."""
    resources: dict[str, Json] = {}
    for number, (count, cpu, memory) in enumerate(tasks):
        resources[f"Task{number}"] = {
            "Type": "AWS::ECS::TaskDefinition",
            "Properties": {"Cpu": str(cpu), "Memory": str(memory)},
        }
        resources[f"Service{number}"] = {
            "Type": "AWS::ECS::Service",
            "Properties": {"DesiredCount": count, "TaskDefinition": {"Ref": f"Task{number}"}},
        }
    resources["Database"] = {
        "Type": "AWS::RDS::DBInstance",
        "Properties": {
            "Engine": "postgres",
            "DBInstanceClass": database,
            "MultiAZ": standby,
            "StorageType": "gp3",
            "AllocatedStorage": "20",
        },
    }
    resources["Cache"] = {
        "Type": "AWS::ElastiCache::ReplicationGroup",
        "Properties": {"Engine": "redis", "CacheNodeType": cache, "NumCacheClusters": 1},
    }
    resources["LoadBalancer"] = {"Type": "AWS::ElasticLoadBalancingV2::LoadBalancer", "Properties": {}}
    for number in range(nats):
        resources[f"Nat{number}"] = {"Type": "AWS::EC2::NatGateway", "Properties": {}}
        resources[f"Address{number}"] = {"Type": "AWS::EC2::EIP", "Properties": {}}
    return month(resources)


@pytest.mark.parametrize(
    ("name", "theirs", "ours"),
    [
        # backend 10, worker 10, db.t3.micro 15, cache.t3.micro 12, NAT 45, load balancer 20
        ("minimal", 112, ([(1, 256, 512), (1, 256, 512)], "db.t3.micro", "cache.t3.micro", 1)),
        # backend 50, worker 25, beat 10, db.t3.small 30, cache.t3.small 25, NAT 45, load balancer 25
        ("standard", 210, ([(2, 512, 1024), (1, 512, 1024), (1, 256, 512)], "db.t3.small", "cache.t3.small", 1)),
    ],
)
def test_saas_boilerplates_set_ups(
    name: str, theirs: int, ours: tuple[list[tuple[int, int, int]], str, str, int]
) -> None:
    """Leaves out costs that depend on traffic alone (S3 and CloudFront, CI, `other`), which are guesses."""
    assert set_up(*ours) == pytest.approx(Decimal(theirs), rel=Decimal("0.20"))


def test_saas_boilerplates_large_set_up() -> None:
    # backend 150, workers 50, beat 10, db.r5.large Multi-AZ 350, cache.r5.large 150, two NAT 90, load balancer 50
    tasks = [(3, 1024, 2048), (2, 512, 1024), (1, 256, 512)]

    assert set_up(tasks, "db.r5.large", "cache.r5.large", 2, standby=True) == pytest.approx(
        Decimal(850), rel=Decimal("0.10")
    )


def test_ssts_and_users_figures_for_nat() -> None:
    """SST's docs: managed NAT $65 a month (two gateways); users write $65 to $72 per VPC (with addresses)."""
    gateways: dict[str, Json] = {f"Nat{i}": {"Type": "AWS::EC2::NatGateway", "Properties": {}} for i in range(2)}
    addresses: dict[str, Json] = {f"Address{i}": {"Type": "AWS::EC2::EIP", "Properties": {}} for i in range(2)}

    assert month(gateways) == pytest.approx(Decimal(65), abs=Decimal("2.5"))
    assert month(gateways | addresses) == pytest.approx(Decimal(72), abs=Decimal("2.5"))


def test_ssts_ratio_of_an_instance_to_a_gateway() -> None:
    """SST's docs: fck-nat on a t4g.nano costs about a tenth of a NAT gateway."""
    nano, gateway = (table().find(name, "us-east-1") for name in ("ec2-t4g.nano-hour", "nat-gateway-hour"))

    assert nano is not None
    assert gateway is not None
    assert nano.amount / gateway.amount == pytest.approx(Decimal("0.1"), abs=Decimal("0.01"))
