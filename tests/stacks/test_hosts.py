"""An environment on hosts: its stack, and what the other stacks know of it."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.support.on_hosts import REMOVED, compose, containers
from tests.support.synthesis import Json, Synthesis, listed, statements


@pytest.fixture(scope="module")
def shop() -> Synthesis:
    return Synthesis(compose())


@pytest.fixture(scope="module")
def times() -> Synthesis:
    return Synthesis(containers())


def configuration(app: Synthesis, stack: str) -> Any:
    """Returns a host's configuration, with the logical ids in place of what only AWS knows."""
    value = app.resource("AWS::SSM::Parameter", stack)["Value"]
    parts = [value] if isinstance(value, str) else value["Fn::Join"][1]
    return json.loads("".join(part if isinstance(part, str) else _name(part) for part in parts))


def _name(reference: Json) -> str:
    (value,) = reference.values()
    return str(value[0] if isinstance(value, list) else value)


def granted(app: Synthesis, stack: str, role: str) -> dict[str, Any]:
    return {
        statement["Sid"]: statement
        for place, statement in statements(app[stack])
        if place.startswith(role) and "Sid" in statement  # its trust policy has none
    }


def test_hosts_run_the_compose_files_of_their_environment(shop: Synthesis) -> None:
    found = configuration(shop, "staging-shop-hosts")

    assert found["compose"] == ["docker-compose.yml", "compose.staging.yml"]
    assert found["profiles"] == ["with-celery"]
    assert found["rendered"] is None
    assert found["folder"] == "/srv/shop"
    assert found["migration"] == {
        "service": "backend",
        "command": ["python", "manage.py", "migrate"],
        "timeout_seconds": 180,
    }
    assert found["verify"] == {
        "port": 80,
        "path": "/status/",
        "tries": 12,
        "pause_seconds": 5,
        "host": "staging.shop.example",
    }


def test_values_of_files_are_texts_images_and_names_of_secrets(shop: Synthesis) -> None:
    files = configuration(shop, "staging-shop-hosts")["files"]
    root, docker, own = (dict(files[name]) for name in (".env", ".env.docker", ".env.staging"))

    assert root["BACKEND_IMAGE"] == [{"image": "backend"}]
    assert root["DB_PASSWORD"] == [{"secret": root["DB_PASSWORD"][0]["secret"]}]
    assert root["DB_PASSWORD"][0]["secret"].startswith("GeneratedDbPassword")
    assert "".join(root["API_URL"]) == "https://staging.shop.example/api"
    assert root["MAIL_KEY"] == [
        {"secret": "arn:aws:secretsmanager:us-east-1:111122223333:secret:shop/mail", "key": "api"}
    ]
    assert docker["STAGE"] == ["staging"]
    assert own["VERSION"] == [{"release": "version"}]


def test_containers_are_rendered_as_a_compose_file(times: Synthesis) -> None:
    found = configuration(times, "production-times-hosts")

    assert found["compose"] == []
    assert found["rendered"] == {
        "services": {
            "backend": {
                "image": "${BACKEND_IMAGE}",
                "container_name": "production-times-backend",
                "restart": "unless-stopped",
                "env_file": [".env.backend"],
                "ports": ["8000:8000"],
                "volumes": ["media:/app/media"],
                "environment": {"PGPASSFILE": "/run/secrets/pgpass"},
            },
            "frontend": {
                "image": "${FRONTEND_IMAGE}",
                "container_name": "site",
                "restart": "unless-stopped",
                "env_file": [".env.frontend"],
                "ports": ["80:80"],
            },
        },
        "volumes": {"media": {}},
    }
    assert dict(found["files"][".env.backend"])["COSTS"] == ["$5"]
    assert dict(found["files"][".env.backend"])["RELEASE_IMAGE"] == [{"image": "backend"}]


def test_the_password_file_has_the_login_of_the_database(times: Synthesis) -> None:
    (line,) = configuration(times, "production-times-hosts")["pgpass"]

    keys = [part["key"] for part in line if isinstance(part, dict)]
    assert keys == ["username", "password"]
    assert ":5432:times:" in "".join(part for part in line if isinstance(part, str))


def test_hosts_read_only_the_secrets_in_their_configuration(shop: Synthesis) -> None:
    readable = listed(granted(shop, "staging-shop-hosts", "Role")["ReadSecrets"]["Resource"])

    assert len(readable) == 3  # the generated password, the mail key, and Django's key
    assert "arn:aws:secretsmanager:us-east-1:111122223333:secret:shop/mail-??????" in readable


def test_hosts_are_reached_by_the_load_balancer_at_the_proxys_port_only(shop: Synthesis) -> None:
    rules = shop.resources("AWS::EC2::SecurityGroupIngress", "staging-shop-network").values()
    ports = [rule["Properties"] for rule in rules if "NetworkApplication" in str(rule["Properties"]["GroupId"])]

    assert [(rule["FromPort"], rule["ToPort"]) for rule in ports] == [(80, 80)]
    assert "NetworkLoadBalancer" in str(ports[0]["SourceSecurityGroupId"])


def test_every_path_leads_to_the_hosts(shop: Synthesis) -> None:
    (rule,) = shop.resources("AWS::ElasticLoadBalancingV2::ListenerRule", "staging-shop-hosts").values()
    group = shop.resource("AWS::ElasticLoadBalancingV2::TargetGroup", "staging-shop-hosts")

    assert rule["Properties"]["Conditions"][0]["PathPatternConfig"]["Values"] == ["/*"]
    assert (group["TargetType"], group["Port"], group["Matcher"]["HttpCode"]) == ("instance", 80, "200-499")


def test_a_health_page_must_answer_with_200(times: Synthesis) -> None:
    group = times.resource("AWS::ElasticLoadBalancingV2::TargetGroup", "production-times-hosts")

    assert (group["HealthCheckPath"], group["Matcher"]["HttpCode"]) == ("/health", "200")


def test_a_host_starts_after_its_rights_and_its_configuration(shop: Synthesis) -> None:
    (group,) = shop.resources("AWS::AutoScaling::AutoScalingGroup", "staging-shop-hosts").values()

    assert {name.partition("Policy")[0] for name in group["DependsOn"]} >= {"Configuration", "RoleDefault"}


def test_data_that_is_kept_is_backed_up(shop: Synthesis) -> None:
    assert shop.resources("AWS::Backup::BackupPlan", "staging-shop-hosts") == {}
    assert len(shop.resources("AWS::Backup::BackupPlan", "production-shop-hosts")) == 1


def test_the_pipeline_runs_one_document_on_the_hosts_of_one_environment(shop: Synthesis) -> None:
    found = granted(shop, "staging-shop-access", "Deploy")

    assert set(found) == {
        "SeeStack",
        "SeeEdge",
        "RunTheDocument",
        "OnItsHosts",
        "FollowCommands",
        "FindHosts",
        "TakeHostsOut",
        "SeeHealth",
        "KeepReleases",
        "ListReleases",
    }
    assert found["RunTheDocument"]["Resource"] == "arn:aws:ssm:us-east-1:111122223333:document/staging-shop-release"
    assert found["OnItsHosts"]["Condition"] == {
        "StringEquals": {
            "aws:ResourceTag/slipway:product": "shop",
            "aws:ResourceTag/slipway:environment": "staging",
        }
    }


@pytest.mark.parametrize("reader", [("staging-shop-access", "Deploy"), ("staging-shop-hosts", "Role")])
def test_who_reads_releases_may_list_them(shop: Synthesis, reader: tuple[str, str]) -> None:
    """Without that right, S3 answers 403 instead of 404 before the first release, which would end it."""
    found = granted(shop, *reader)

    assert found["ListReleases"]["Action"] == "s3:ListBucket"


def test_every_action_of_an_environment_calls_the_same_function(shop: Synthesis) -> None:
    pipeline = shop.resource(
        "AWS::CodePipeline::Pipeline", "tooling-shop-delivery", lambda found: "main" in found["Name"]
    )
    (stage,) = [stage for stage in pipeline["Stages"] if stage["Name"] == "Staging"]
    steps = {action["Name"]: json.loads(action["Configuration"]["UserParameters"]) for action in stage["Actions"]}

    assert {name: parameters["step"] for name, parameters in steps.items()} == {
        "Migrate": "migrate",
        "Deploy": "apply",
        "Verify": "verify",
    }
    assert steps["Deploy"]["images"] == {
        "backend": "#{PublishBackend.IMAGE}",
        "web-site": "#{PublishWebSite.IMAGE}",
    }
    assert steps["Deploy"]["bundle"] == "#{PublishCompose.BUNDLE}"
    assert len({str(action["Configuration"]["FunctionName"]) for action in stage["Actions"]}) == 1
    assert {
        action["Name"]: [part["Name"] for part in action.get("InputArtifacts", [])] for action in stage["Actions"]
    } == {
        "Migrate": ["Compose"],
        "Deploy": ["Compose"],
        "Verify": [],
    }


def test_the_build_of_the_bundle_knows_what_the_manifest_says(shop: Synthesis) -> None:
    project = shop.resource(
        "AWS::CodeBuild::Project", "tooling-shop-delivery", lambda found: found["Name"] == "shop-main-publish-compose"
    )
    (variable,) = [part for part in project["Environment"]["EnvironmentVariables"] if part["Name"] == "COMPOSE"]
    expected = json.loads(variable["Value"])

    assert expected["environments"]["staging"]["files"] == ["docker-compose.yml", "compose.staging.yml"]
    assert "DB_PASSWORD" in expected["environments"]["staging"]["variables"]
    assert expected["environments"]["staging"]["env_files"] == {
        ".env.docker": ["SECRET_KEY", "STAGE"],
        ".env.staging": ["VERSION"],
    }
    assert expected["proxy"] == {"service": "proxy", "port": 80}
    assert expected["images"] == {"backend": "BACKEND_IMAGE", "web-site": "WEB_SITE_IMAGE"}
    assert expected["migration"] == "backend"
    assert project["Environment"]["PrivilegedMode"] is False


def test_each_host_has_alarms_for_its_disks_and_its_memory(shop: Synthesis) -> None:
    names = {
        place.rpartition("/")[2] for place in shop.resources("AWS::CloudWatch::Alarm", "production-shop-observability")
    }

    for alarm in (
        "HostsAreMissing",
        "HostsAreUnhealthy",
        "DiskOfHost1IsFull",
        "DataDiskOfHost1IsFull",
        "MemoryOfHost1IsLow",
    ):
        assert any(name.startswith(f"Alarms{alarm}") for name in names), names


def test_two_hosts_are_two_targets_of_one_release(times: Synthesis) -> None:
    groups = times.resources("AWS::AutoScaling::AutoScalingGroup", "production-times-hosts")
    settings = next(
        resource["Properties"]["Environment"]["Variables"]["SETTINGS"]
        for resource in times.resources("AWS::Lambda::Function", "tooling-times-delivery").values()
        if resource["Properties"]["Handler"] == "deploy_hosts.handler.main"
    )

    assert len(groups) == 2
    assert '"expected": 2' in str(settings).replace('\\"', '"')


def test_an_environment_on_hosts_can_stand_beside_one_on_fargate() -> None:
    both = Synthesis(
        compose(
            {
                "environments/production/target": "fargate",
                "environments/production/hosts": REMOVED,
                "services": {"web": {"image": "backend", "port": 8000, "paths": ["/*"]}},
            }
        )
    )

    assert {"staging-shop-hosts", "production-shop-services"} <= set(both.templates)
    assert "production-shop-hosts" not in both.templates
