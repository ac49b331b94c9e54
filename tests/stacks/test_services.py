"""The Services stack: services, tasks, and their settings."""

from __future__ import annotations

import pytest
from aws_cdk.assertions import Match

from tests.support.manifests import REMOVED
from tests.support.synthesis import Json, Synthesis, listed, shipped, statements, synthesis

STACK = "production-allthrive-services"
SERVICES = ["web", "celery", "celery-beat"]
CONTAINERS = [*SERVICES, "migrate"]


@pytest.fixture(scope="module")
def production() -> Synthesis:
    return synthesis()


def task(app: Synthesis, name: str) -> Json:
    return app.resource(
        "AWS::ECS::TaskDefinition", STACK, lambda properties: properties["Family"] == f"production-allthrive-{name}"
    )


def container(app: Synthesis, name: str) -> Json:
    (only,) = task(app, name)["ContainerDefinitions"]
    return dict(only)


def service(app: Synthesis, name: str) -> Json:
    return app.resource(
        "AWS::ECS::Service", STACK, lambda properties: properties["ServiceName"] == f"production-allthrive-{name}"
    )


def test_a_container_runs_the_image_in_the_releases_parameter(production: Synthesis) -> None:
    assert [container(production, name)["Image"] for name in SERVICES] == [{"Ref": "BackendImage"}] * 3


def test_an_image_must_have_a_digest(production: Synthesis) -> None:
    parameter = production[STACK]["Parameters"]["BackendImage"]

    assert parameter["Default"] == "unreleased"
    assert parameter["AllowedPattern"] == r"^(unreleased|.+@sha256:[0-9a-f]{64})$"


def test_no_task_runs_before_the_first_release(production: Synthesis) -> None:
    assert production[STACK]["Conditions"]["HasBackendImage"] == {
        "Fn::Not": [{"Fn::Equals": [{"Ref": "BackendImage"}, "unreleased"]}]
    }
    assert [service(production, name)["DesiredCount"] for name in SERVICES] == [
        {"Fn::If": ["HasBackendImage", {"Ref": "WebDesiredCount"}, 0]},
        {"Fn::If": ["HasBackendImage", 2, 0]},
        {"Fn::If": ["HasBackendImage", 1, 0]},
    ]


def test_no_service_scales_before_the_first_release(production: Synthesis) -> None:
    scaling = {
        **production.resources("AWS::ApplicationAutoScaling::ScalableTarget", STACK),
        **production.resources("AWS::ApplicationAutoScaling::ScalingPolicy", STACK),
    }

    assert len(scaling) == 3
    assert {resource.get("Condition") for resource in scaling.values()} == {"HasBackendImage"}


def test_web_scales_between_its_count_and_the_maximum(production: Synthesis) -> None:
    target = production.resource("AWS::ApplicationAutoScaling::ScalableTarget", STACK)

    assert (target["MinCapacity"], target["MaxCapacity"]) == (2, 6)


def test_web_scales_on_cpu_and_on_requests(production: Synthesis) -> None:
    policies = production.resources("AWS::ApplicationAutoScaling::ScalingPolicy", STACK).values()
    rules = [policy["Properties"]["TargetTrackingScalingPolicyConfiguration"] for policy in policies]

    assert {rule["PredefinedMetricSpecification"]["PredefinedMetricType"]: rule["TargetValue"] for rule in rules} == {
        "ECSServiceAverageCPUUtilization": 60,
        "ALBRequestCountPerTarget": 600,
    }


def test_a_release_keeps_the_current_scale(production: Synthesis) -> None:
    assert production[STACK]["Parameters"]["WebDesiredCount"]["Default"] == 2
    assert "CeleryDesiredCount" not in production[STACK]["Parameters"]


def test_celery_beat_never_runs_twice(production: Synthesis) -> None:
    deployment = service(production, "celery-beat")["DeploymentConfiguration"]

    assert (deployment["MinimumHealthyPercent"], deployment["MaximumPercent"]) == (0, 100)


@pytest.mark.parametrize("name", ["web", "celery"])
def test_a_rolling_update_keeps_every_task_until_its_replacement_is_healthy(production: Synthesis, name: str) -> None:
    deployment = service(production, name)["DeploymentConfiguration"]

    assert (deployment["MinimumHealthyPercent"], deployment["MaximumPercent"]) == (100, 200)


@pytest.mark.parametrize("name", SERVICES)
def test_a_deployment_with_three_failures_in_total_is_rolled_back(production: Synthesis, name: str) -> None:
    assert service(production, name)["DeploymentConfiguration"]["DeploymentCircuitBreaker"] == {
        "Enable": True,
        "Rollback": True,
        "ResetOnHealthyTask": False,
        "ThresholdConfiguration": {"Type": "COUNT", "Value": 3},
    }


@pytest.mark.parametrize(("name", "open_"), [("web", True), ("celery", True), ("celery-beat", False)])
def test_the_manifest_sets_shell_access(production: Synthesis, name: str, open_: bool) -> None:
    assert service(production, name).get("EnableExecuteCommand", False) is open_


def test_tasks_have_no_public_address(production: Synthesis) -> None:
    for name in SERVICES:
        network = service(production, name)["NetworkConfiguration"]["AwsvpcConfiguration"]
        assert network["AssignPublicIp"] == "DISABLED"
        assert all("ApplicationSubnet" in subnet["Fn::ImportValue"] for subnet in network["Subnets"])


@pytest.mark.parametrize(("name", "seconds"), [("web", 30), ("celery", 120), ("celery-beat", 30)])
def test_a_container_has_time_to_stop(production: Synthesis, name: str, seconds: int) -> None:
    assert container(production, name)["StopTimeout"] == seconds


@pytest.mark.parametrize("name", SERVICES)
def test_no_container_runs_as_root(production: Synthesis, name: str) -> None:
    assert container(production, name)["User"] == "10001"


@pytest.mark.parametrize(("name", "read_only"), [("web", False), ("celery-beat", True), ("migrate", True)])
def test_the_root_file_system_is_read_only_where_it_can_be(production: Synthesis, name: str, read_only: bool) -> None:
    assert container(production, name)["ReadonlyRootFilesystem"] is read_only


def test_a_read_only_container_can_still_write_to_tmp(production: Synthesis) -> None:
    assert container(production, "celery-beat")["MountPoints"] == [
        {"ContainerPath": "/tmp", "ReadOnly": False, "SourceVolume": "tmp"}
    ]
    assert task(production, "celery-beat")["Volumes"] == [{"Name": "tmp"}]


def test_commands_are_in_exec_form(production: Synthesis) -> None:
    assert container(production, "celery")["Command"][:2] == ["celery", "-A"]
    assert "Command" not in container(production, "web")


def test_a_task_has_the_size_in_the_manifest() -> None:
    changed = synthesis({"environments.production.services": {"web": {"size": {"cpu": 1024, "memory": 4096}}}})

    assert (task(changed, "web")["Cpu"], task(changed, "web")["Memory"]) == ("1024", "4096")
    assert (task(changed, "celery")["Cpu"], task(changed, "celery")["Memory"]) == ("512", "1024")


def test_changing_the_cpu_of_web_changes_its_task_definition_and_nothing_else(production: Synthesis) -> None:
    changed = synthesis({"environments.production.services": {"web": {"size": {"cpu": 1024, "memory": 2048}}}})
    differing = {
        f"{stack}/{logical_id}"
        for stack, template in production.templates.items()
        for logical_id, resource in template["Resources"].items()
        if changed[stack]["Resources"].get(logical_id) != resource
    }

    assert [place for place in differing if "WebTask" not in place] == []
    assert list(changed[STACK]["Resources"]) == list(production[STACK]["Resources"])


@pytest.mark.parametrize(("architecture", "cpu"), [("arm64", "ARM64"), ("x86_64", "X86_64")])
def test_the_cpu_architecture_is_the_manifests(architecture: str, cpu: str) -> None:
    changed = synthesis({"environments.production.architecture": architecture})

    assert task(changed, "web")["RuntimePlatform"] == {"CpuArchitecture": cpu, "OperatingSystemFamily": "LINUX"}


def test_web_is_reached_on_its_port_and_has_a_health_check(production: Synthesis) -> None:
    production.template(STACK).has_resource_properties(
        "AWS::ElasticLoadBalancingV2::TargetGroup",
        {"HealthCheckPath": "/api/v1/health/", "Port": 8000, "TargetType": "ip", "Matcher": {"HttpCode": "200"}},
    )


def test_only_the_paths_in_the_manifest_reach_web(production: Synthesis) -> None:
    rules = production.resources("AWS::ElasticLoadBalancingV2::ListenerRule", STACK).values()
    (conditions,) = zip(*(rule["Properties"]["Conditions"] for rule in rules), strict=True)

    assert {condition["Field"] for condition in conditions} == {"path-pattern"}
    assert [path for condition in conditions for path in condition["PathPatternConfig"]["Values"]] == [
        "/admin",
        "/api",
        "/ws",
        "/static/*",
        "/admin/*",
        "/api/*",
        "/ws/*",
    ]


def test_the_load_balancer_returns_404_for_an_unknown_path(production: Synthesis) -> None:
    listener = production.resource("AWS::ElasticLoadBalancingV2::Listener", STACK)

    assert listener["DefaultActions"] == [
        {
            "Type": "fixed-response",
            "FixedResponseConfig": {
                "StatusCode": "404",
                "ContentType": "application/json",
                "MessageBody": '{"detail":"Not found."}',
            },
        }
    ]


def test_more_than_five_paths_take_more_than_one_rule() -> None:
    changed = synthesis({"services.web.paths": [f"/p{n}" for n in range(7)]})
    rules = [
        resource["Properties"]
        for resource in changed.resources("AWS::ElasticLoadBalancingV2::ListenerRule", STACK).values()
    ]

    assert sorted(len(rule["Conditions"][0]["PathPatternConfig"]["Values"]) for rule in rules) == [3, 5]
    assert len({rule["Priority"] for rule in rules}) == 2


def test_migrations_have_their_own_image_parameter_so_that_they_can_run_before_the_services_change(
    production: Synthesis,
) -> None:
    migration = container(production, "migrate")

    assert migration["Command"] == ["python", "manage.py", "migrate", "--noinput"]
    assert migration["Image"] == {"Ref": "MigrationImage"}
    assert production[STACK]["Outputs"]["MigrationTaskDefinition"]["Value"]["Ref"].startswith("MigrateTask")


def test_a_product_without_migrations_has_no_migration_task() -> None:
    changed = synthesis({"migration": REMOVED})
    families = [
        resource["Properties"]["Family"] for resource in changed.resources("AWS::ECS::TaskDefinition", STACK).values()
    ]

    assert "production-allthrive-migrate" not in families
    assert "MigrationTaskDefinition" not in changed[STACK]["Outputs"]


def test_containers_may_read_and_write_the_media_and_nothing_else(production: Synthesis) -> None:
    policies = production.resources("AWS::IAM::Policy", STACK)
    task_role = {place: policy for place, policy in policies.items() if "/WebTaskTaskRole" in place}
    ((_, policy),) = task_role.items()
    actions = {
        action
        for statement in policy["Properties"]["PolicyDocument"]["Statement"]
        for action in listed(statement["Action"])
    }

    assert {action for action in actions if action.startswith("s3:")} == {
        "s3:GetObject",
        "s3:PutObject",
        "s3:DeleteObject",
        "s3:ListBucket",
    }
    assert {action.split(":")[0] for action in actions} <= {"s3", "ssmmessages", "logs"}


def test_an_execution_role_can_pull_only_its_products_image(production: Synthesis) -> None:
    pulls = [statement for _, statement in statements(production[STACK]) if statement.get("Sid") == "PullImage"]

    assert len(pulls) == 4
    for statement in pulls:
        assert repositories(statement) == ["allthrive/backend"]


def test_staging_can_also_pull_images_of_feature_branches_since_a_flow_deploys_them_there() -> None:
    found = shipped("allthrive")["staging-allthrive-services"]
    pulls = [statement for _, statement in statements(found) if statement.get("Sid") == "PullImage"]

    assert len(pulls) == 4
    for statement in pulls:
        assert repositories(statement) == ["allthrive/backend", "allthrive/branches/backend"]


def repositories(statement: Json) -> list[str]:
    return [str(arn).partition(":repository/")[2].strip("'\"]})") for arn in listed(statement["Resource"])]


def test_each_image_has_its_own_parameter() -> None:
    changed = synthesis({"images.search-index": {"context": "search"}, "services.celery.image": "search-index"})

    assert {"BackendImage", "SearchIndexImage"} <= set(changed[STACK]["Parameters"])
    assert container(changed, "celery")["Image"] == {"Ref": "SearchIndexImage"}
    assert service(changed, "celery")["DesiredCount"] == {"Fn::If": ["HasSearchIndexImage", 2, 0]}
    assert container(changed, "web")["Image"] == {"Ref": "BackendImage"}


def test_a_rotated_password_reaches_the_tasks(production: Synthesis) -> None:
    template = production.template(STACK)

    template.has_resource_properties(
        "AWS::SecretsManager::RotationSchedule", {"RotationRules": {"AutomaticallyAfterDays": 90}}
    )
    template.has_resource_properties(
        "AWS::Lambda::Function", {"Environment": {"Variables": Match.object_like({"SERVICES": Match.any_value()})}}
    )
    (restart,) = [statement for _, statement in statements(production[STACK]) if statement.get("Sid") == "Restart"]
    assert restart["Action"] == "ecs:UpdateService"
    assert len(restart["Resource"]) == 3


def test_no_password_is_rotated_by_default() -> None:
    changed = synthesis({"environments.production.database.rotate_password_days": REMOVED})

    changed.template(STACK).resource_count_is("AWS::SecretsManager::RotationSchedule", 0)
    changed.template(STACK).resource_count_is("AWS::Lambda::Function", 0)
