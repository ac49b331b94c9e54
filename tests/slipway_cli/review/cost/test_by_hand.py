"""Compares figures with calculations by hand, which are written beside them."""

from __future__ import annotations

from decimal import Decimal

import pytest

from slipway_cli.review.assembly import Json, Stack
from slipway_cli.review.cost.assumptions import Assumptions
from slipway_cli.review.cost.estimate import CENT, Estimate, estimate


def month(*resources: Json, region: str = "us-east-1", hours: str = "730") -> Estimate:
    """Returns the estimate of a stack with these resources, named R0, R1, …"""
    named = {f"R{number}": resource for number, resource in enumerate(resources)}
    stack = Stack("it", "production", "111122223333", region, {"Resources": named})
    return estimate([stack], assume=Assumptions(hours=Decimal(hours)))


def cents(found: Estimate) -> Decimal:
    return found.total().quantize(CENT)


def resource(kind: str, **properties: object) -> Json:
    return {"Type": f"AWS::{kind}", "Properties": properties}


def task(cpu: int, memory: int, *, chip: str = "ARM64") -> Json:
    return resource("ECS::TaskDefinition", Cpu=str(cpu), Memory=str(memory), RuntimePlatform={"CpuArchitecture": chip})


def service(count: object) -> Json:
    """A service that runs the task R0."""
    return resource("ECS::Service", DesiredCount=count, TaskDefinition={"Ref": "R0"})


def test_fargate_on_graviton() -> None:
    # 2 tasks x 730 h x (0.5 vCPU x $0.03238 + 1 GB x $0.00356) = 1460 x $0.01975 = $28.835
    assert month(task(512, 1024), service(2)).total() == Decimal("28.83500")


def test_fargate_on_x86_in_frankfurt() -> None:
    # 1 task x 730 h x (1 vCPU x $0.04656 + 2 GB x $0.00511) = 730 x $0.05678 = $41.4494
    found = month(task(1024, 2048, chip="X86_64"), service(1), region="eu-central-1")

    assert found.total() == Decimal("41.44940")


def test_a_service_without_a_release_costs_as_much_as_with_one() -> None:
    choice = {"Fn::If": ["HasImage", 2, 0]}

    assert month(task(512, 1024), service(choice)).total() == month(task(512, 1024), service(2)).total()


def test_a_database_with_a_standby() -> None:
    # 2 x 730 h x $0.065 = $94.90; 2 x 50 GB x $0.115 = $11.50; a GB of its log $0.50; together $106.90
    found = month(
        resource(
            "RDS::DBInstance",
            DBInstanceClass="db.t4g.medium",
            Engine="postgres",
            MultiAZ=True,
            StorageType="gp3",
            AllocatedStorage="50",
            EnableCloudwatchLogsExports=["postgresql"],
        )
    )

    assert cents(found) == Decimal("106.90")


def test_a_cache_with_a_replica_and_a_week_of_snapshots() -> None:
    # 2 x 730 h x $0.032 = $46.72; 6 paid days x 1 GB x $0.085 = $0.51; together $47.23
    found = month(
        resource(
            "ElastiCache::ReplicationGroup",
            CacheNodeType="cache.t4g.small",
            Engine="redis",
            NumCacheClusters=2,
            SnapshotRetentionLimit=7,
        )
    )

    assert cents(found) == Decimal("47.23")


def test_two_nat_gateways_share_the_traffic() -> None:
    # 2 x 730 h x $0.045 = $65.70; 2 addresses x 730 h x $0.005 = $7.30; 30 GB x $0.045 = $1.35; together $74.35
    gateways = [resource("EC2::NatGateway"), resource("EC2::NatGateway")]
    addresses = [resource("EC2::EIP"), resource("EC2::EIP")]

    assert cents(month(*gateways, *addresses)) == Decimal("74.35")


def test_a_nat_instance_with_its_disk_and_address() -> None:
    # 730 h x $0.0042 = $3.066; 8 GB x $0.08 = $0.64; 730 h x $0.005 = $3.65; together $7.356
    found = month(
        resource("EC2::Instance", InstanceType="t4g.nano", NetworkInterfaces=[{"AssociatePublicIpAddress": True}])
    )

    assert found.total() == Decimal("7.35600")


def test_interface_endpoints_cost_per_zone_and_gateway_endpoints_are_free() -> None:
    # 3 endpoints x 2 zones x 730 h x $0.01 = $43.80; 30 GB x $0.01 = $0.30; together $44.10
    interface = resource(
        "EC2::VPCEndpoint",
        VpcEndpointType="Interface",
        ServiceName="com.amazonaws.us-east-1.logs",
        SubnetIds=["a", "b"],
    )
    gateway = resource("EC2::VPCEndpoint", VpcEndpointType="Gateway")

    found = month(interface, interface, interface, gateway)

    assert cents(found) == Decimal("44.10")
    assert found.lines[0].use.what == "interface endpoint logs, 2 zones"


def test_a_load_balancer() -> None:
    # 730 h x $0.0225 = $16.425; 0.1 units x 730 h x $0.008 = $0.584; together $17.009
    assert month(resource("ElasticLoadBalancingV2::LoadBalancer", Type="application")).total() == Decimal("17.009")


def test_a_web_acl() -> None:
    # $5 + 4 rules x $1 + 5 million requests x $0.60 = $12.00
    assert cents(month(resource("WAFv2::WebACL", Rules=[{}, {}, {}, {}]))) == Decimal("12.00")


def test_a_pipeline_costs_per_action_minute_except_approvals() -> None:
    # 40 runs x 2 actions x 2 minutes x $0.002 = $0.32; 40 builds x 4 minutes x $0.0034 = $0.544; together $0.864
    build = {"ActionTypeId": {"Category": "Build"}, "Configuration": {"ProjectName": {"Ref": "R0"}}}
    deploy, approval = ({"ActionTypeId": {"Category": category}} for category in ("Invoke", "Approval"))
    found = month(
        resource("CodeBuild::Project", Environment={"Type": "ARM_CONTAINER", "ComputeType": "BUILD_GENERAL1_SMALL"}),
        resource("CodePipeline::Pipeline", PipelineType="V2", Stages=[{"Actions": [build, approval, deploy]}]),
    )

    assert found.total() == Decimal("0.8640")


def test_logs_of_two_tasks_kept_for_ninety_days() -> None:
    # 2 GB sent x $0.50 = $1.00; 2 GB x 3 months x 0.15 kept x $0.03 = $0.027; beside them the tasks, $28.835
    container = {"LogConfiguration": {"Options": {"awslogs-group": {"Ref": "R2"}}}}
    logging = task(512, 1024)
    logging["Properties"]["ContainerDefinitions"] = [container]

    found = month(logging, service(2), resource("Logs::LogGroup", RetentionInDays=90))

    assert found.total() == Decimal("28.835") + Decimal("1.00") + Decimal("0.027")


def test_container_insights() -> None:
    # (8 + 17 metrics of its one service) x $0.30 = $7.50; beside them a task, $14.4175
    insights = resource("ECS::Cluster", ClusterSettings=[{"Name": "containerInsights", "Value": "enabled"}])

    assert month(task(512, 1024), service(1), insights).total() == Decimal("7.50") + Decimal("14.4175")


def test_an_actual_bill_from_frankfurt_is_reproduced_to_the_cent() -> None:
    """Cost Explorer, June 2026, eu-central-1 (prices.yaml, `frankfurt-bill`): 30 days, so 720 hours."""
    billed = {
        # EUC1-InstanceUsage:db.t4g.micro and EUC1-RDS:GP3-Storage
        "R2": Decimal("13.68") + Decimal("2.74"),
        # EUC1-Fargate-ARM-vCPU-Hours and EUC1-Fargate-ARM-GB-Hours: one task of 0.25 vCPU, 0.5 GB
        "R1": Decimal("6.71") + Decimal("1.47"),
        # EUC1-AWSSecretsManager-Secrets: four of them
        "R3": Decimal("0.40"),
        # EUC1-LoadBalancerUsage; the month had no capacity units to speak of
        "R4": Decimal("19.44"),
    }
    found = month(
        task(256, 512),
        service(1),
        resource(
            "RDS::DBInstance",
            DBInstanceClass="db.t4g.micro",
            Engine="postgres",
            StorageType="gp3",
            AllocatedStorage="20",
        ),
        resource("SecretsManager::Secret"),
        resource("ElasticLoadBalancingV2::LoadBalancer"),
        region="eu-central-1",
        hours="720",
    )

    ours: dict[str, Decimal] = {}
    for line in found.lines:
        if not line.use.assumed:
            ours[line.path] = ours.get(line.path, Decimal(0)) + line.amount.quantize(CENT)
    assert {place: ours[place] for place in billed} == pytest.approx(billed, abs=Decimal("0.01"))
