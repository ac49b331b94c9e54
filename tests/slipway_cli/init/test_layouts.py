"""Ten layouts of checkouts, and what the manifest says of each."""

from __future__ import annotations

from typing import Any

import pytest

from paths import ROOT
from products import load
from slipway_cli.init.answers import Answers
from stacks.product import add_product
from tests.slipway_cli.init.conftest import ANSWERS, LAYOUTS, Init
from tests.support.synthesis import app

WITH_DOMAIN = Answers(**{**vars(ANSWERS), "domain": "example.org", "hosted_zone": "Z0EXAMPLE"})
ON_HOSTS = ("hosts",)
NAMES = sorted(path.stem for path in LAYOUTS.glob("*.txt"))


def test_there_are_ten_layouts() -> None:
    assert len(NAMES) == 10


@pytest.mark.parametrize("name", NAMES)
def test_the_loader_accepts_the_manifest_of_each(init: Init, name: str) -> None:
    found = init(name, WITH_DOMAIN, on_hosts=name in ON_HOSTS)

    assert found.product.environments


@pytest.mark.slow
@pytest.mark.parametrize("name", ["cookiecutter-django", "copilot", "spa-and-api"])
def test_the_manifest_synthesizes(init: Init, name: str) -> None:
    scope = app()
    add_product(scope, init(name, WITH_DOMAIN).product)

    assembly = scope.synth()

    assert {artifact.stack_name.rpartition("-")[2] for artifact in assembly.stacks_recursively} >= {
        "services",
        "edge",
        "delivery",
    }


def command(data: Any, service: str) -> str:
    return " ".join(data["services"][service]["command"])


def test_cookiecutter_django_is_a_site_a_worker_and_one_beat(init: Init) -> None:
    data = init("cookiecutter-django").data

    assert data["services"].keys() == {"django", "celeryworker", "celerybeat"}
    assert data["services"]["django"]["port"] == 5000
    assert data["services"]["django"]["paths"] == ["/*"]
    assert command(data, "celeryworker") == "/start-celeryworker"
    assert data["services"]["celerybeat"]["singleton"] is True
    assert data["migration"]["command"] == ["python", "manage.py", "migrate", "--noinput"]
    assert data["images"] == {"app": {"dockerfile": "compose/production/django/Dockerfile"}}
    assert data["database"] == {"version": "16", "tls": "require"}
    assert data["media"] is True


def test_cookiecutter_django_gets_the_variables_of_its_production_settings_and_of_its_entry_point(init: Init) -> None:
    data = init("cookiecutter-django").data

    assert data["variables"]["DJANGO_SETTINGS_MODULE"] == "config.settings.production"
    assert data["variables"]["POSTGRES_USER"] == "${database.user}"  # read by the entry point alone
    assert data["variables"]["DJANGO_SECRET_KEY"] == "${secret_key}"
    assert data["variables"]["DJANGO_AWS_ACCESS_KEY_ID"] == ""
    assert "ONLY_ON_A_LAPTOP" not in data["variables"]
    assert data["secrets"].keys() == {"MAILGUN_API_KEY"}


def test_flower_traefik_and_the_tools_of_cookiecutter_django_are_left_out(init: Init) -> None:
    output = init("cookiecutter-django").output

    for service in ("flower", "traefik", "awscli"):
        assert f"the compose service {service}" in output


def test_a_django_that_trusts_the_forwarded_protocol_asks_for_a_domain(init: Init) -> None:
    found = init("cookiecutter-django")

    assert found.data["environments"]["production"]["edge"]["domain"]["name"] == "FILL-IN"
    assert "X-Forwarded-Proto" in found.output


def test_a_procfile_says_what_runs_and_compose_which_versions(init: Init) -> None:
    data = init("heroku").data

    assert command(data, "web") == "sh -c gunicorn tracker.wsgi --bind 0.0.0.0:$PORT --log-file -"
    assert data["services"]["web"]["variables"] == {"PORT": "8000"}
    assert data["services"]["beat"]["singleton"] is True
    assert data["migration"]["command"] == ["python", "manage.py", "migrate"]
    assert data["database"]["version"] == "15"
    assert data["cache"] == {"engine": "valkey", "version": "8.1"}
    assert data["services"]["web"]["static_paths"] == ["/static/*"]


def test_variables_that_decouple_reads_without_a_default_are_required(init: Init) -> None:
    found = init("heroku")

    assert found.data["variables"]["PAGE_SIZE"] == "0"
    assert found.why("PAGE_SIZE") == "tracker/settings.py:6: required, and its value is not in the checkout"
    assert "SUPPORT_EMAIL" not in found.data["variables"]


def test_the_repository_and_its_branch_are_those_of_git(init: Init) -> None:
    data = init("heroku", Answers()).data

    assert data["name"] == "issue-tracker"
    assert (data["repository"]["owner"], data["repository"]["name"]) == ("tracker-inc", "issue-tracker")
    assert data["repository"]["branch"] == "trunk"


def test_the_stage_for_production_is_built_where_the_last_one_is_for_tests(init: Init) -> None:
    data = init("node-prisma").data

    assert data["images"] == {"app": {"target": "runner"}}
    assert data["services"]["web"] == {
        "port": 3000,
        "paths": ["/*"],
        "health_path": "/healthz",
        "size": {"cpu": 512, "memory": 1024},
    }
    assert data["migration"]["command"] == ["npx", "prisma", "migrate", "deploy"]
    assert data["variables"] == {"DATABASE_URL": "${database.url}", "REDIS_URL": "${cache.url}"}
    assert data["secrets"].keys() == {"STRIPE_API_KEY"}


def test_pages_of_a_workspace_are_frontends_and_need_no_container(init: Init) -> None:
    found = init("spa-and-api")

    assert found.data["frontends"] == {
        "web": {"directory": "apps/web", "output": "build"},
        "admin": {"directory": "apps/admin", "path": "/admin/", "output": "build"},
    }
    assert found.data["services"].keys() == {"api"}
    assert found.data["services"]["api"]["paths"] == ["/api/*"]
    assert found.data["services"]["api"]["port"] == 9000
    assert "the container of web" in found.output


def test_pydantic_settings_and_alembic_are_read(init: Init) -> None:
    data = init("spa-and-api").data

    assert data["variables"] == {"DATABASE_URL": "${database.url}", "REDIS_URL": "${cache.url}"}
    assert data["secrets"].keys() == {"JWT_SECRET"}
    assert data["migration"]["command"] == ["uv", "run", "alembic", "upgrade", "head"]


def test_of_five_services_only_the_gateway_is_reached_by_visitors(init: Init) -> None:
    found = init("monorepo-five")

    assert found.data["services"].keys() == {"gateway", "orders", "billing", "mail-worker", "search"}
    assert [name for name, service in found.data["services"].items() if "paths" in service] == ["gateway"]
    assert "the address of orders" in found.output
    assert found.data["environments"]["staging"]["architecture"] == "x86_64"


def test_a_product_with_more_images_than_a_pipeline_can_release_has_no_pipeline(init: Init) -> None:
    found = init("monorepo-five")

    assert "pipeline" not in found.data
    assert "slipway release" in found.output


def test_copilot_services_keep_their_sizes_counts_and_checks(init: Init) -> None:
    services = init("copilot").data["services"]

    assert services.keys() == {"api", "storefront", "indexer"}
    assert services["api"]["size"] == {"cpu": 512, "memory": 1024}  # the next that Fargate offers
    assert services["api"]["count"] == 2
    assert services["api"]["scaling"] == {"maximum": 10, "cpu_percent": 70, "requests_per_target": 1000}
    assert services["api"]["paths"] == ["/api/*"]
    assert services["api"]["health_check"]["status"] == "200,301"
    assert services["api"]["health_check"]["timeout_seconds"] == 14  # less than the interval
    assert services["storefront"]["paths"] == ["/*"]
    assert services["indexer"]["capacity"] == "spot"
    assert services["indexer"]["health_check"]["command"] == ["sh", "-c", "test -f /tmp/alive || exit 1"]


def test_copilot_jobs_are_schedules(init: Init) -> None:
    schedules = init("copilot").data["schedules"]

    assert schedules["report"]["rate"] == "120 minutes"
    assert schedules["report"]["command"] == ["timeout", "3600", "python", "-m", "report"]
    assert schedules["nightly"] == {
        "image": "indexer",
        "command": ["python", "-m", "indexer"],
        "cron": "0 3 * * ? *",
    }


def test_copilot_environments_are_in_the_order_of_its_pipeline(init: Init) -> None:
    found = init("copilot", Answers())
    environments = found.data["environments"]

    assert list(environments) == ["testing", "prod"]  # `test` is a stage of Slipway's pipelines
    assert environments["testing"]["network"] == {"cidr": "10.1.0.0/16"}
    assert environments["prod"]["approval"] is True
    assert environments["prod"]["services"]["api"] == {"count": 4, "size": {"cpu": 1024, "memory": 2048}}
    assert environments["prod"]["variables"] == {"LOG_LEVEL": "warn"}
    assert environments["prod"]["edge"]["domain"]["name"] == "market.example.org"
    assert found.data["repository"]["branch"] == "release"
    assert found.data["repository"]["owner"] == "market-co"


def test_copilot_secrets_are_named_and_references_translated(init: Init) -> None:
    data = init("copilot").data

    assert data["secrets"]["DB_PASSWORD"] == {"name": "mysql", "key": "password"}
    assert data["secrets"]["DB_SECRET"] == {"name": "demo/test/mysql"}
    assert data["secrets"]["GITHUB_TOKEN"] == {"name": "market/github-token"}
    assert data["variables"]["STAGE_NAME"] == "${environment}"


@pytest.mark.parametrize(
    "sentence",
    [
        "`sidecars` of api",
        "`subscribe` of indexer",
        "`http.stickiness` of api",
        "the imported VPC of prod",
        "`test_commands` of the stage test",
        "the addon events (AWS::DynamoDB::Table)",
    ],
)
def test_what_slipway_lacks_of_copilot_is_named_with_its_line(init: Init, sentence: str) -> None:
    (line,) = [line for line in init("copilot").output.splitlines() if sentence in line]

    assert line.endswith(")")
    assert "copilot/" in line


def test_eight_compose_services_are_three_of_the_product_two_stores_and_three_left_out(init: Init) -> None:
    found = init("compose-eight")
    data = found.data

    assert data["services"].keys() == {"frontend", "api", "worker"}
    assert data["database"]["version"] == "17"
    assert data["cache"] == {"engine": "redis", "version": "7.0"}
    for name in ("mongo", "mailpit", "seed"):
        assert f"the compose service {name}" in found.output
    assert data["images"]["api"] == {"context": "api", "build_args": {"VERSION": "3"}}
    assert "api-2" not in data["images"]


def test_commands_of_compose_are_what_production_runs(init: Init) -> None:
    data = init("compose-eight").data

    assert command(data, "api") == "uvicorn main:app --host 0.0.0.0 --port 4000 --workers 2"  # without the migration
    assert data["services"]["api"]["count"] == 2
    assert data["services"]["api"]["size"] == {"cpu": 512, "memory": 2048}
    assert "count" not in data["services"]["worker"]  # -B: beat must not run three times
    assert data["services"]["worker"]["health_check"]["command"][2].endswith("-d celery@$(hostname)")


def test_a_value_that_names_another_compose_service_is_left_out(init: Init) -> None:
    found = init("compose-eight")

    assert "API_URL" not in found.data["variables"]
    assert "API_URL: it names the compose service api" in found.output


def test_one_dockerfile_is_one_service_at_every_path(init: Init) -> None:
    data = init("one-dockerfile").data

    assert data["services"] == {
        "web": {"port": 7070, "paths": ["/*"], "health_path": "/ready", "size": {"cpu": 512, "memory": 1024}}
    }
    assert data["cache"] is None
    assert "database" not in data


def test_django_beside_pages_answers_the_paths_of_its_urls(init: Init) -> None:
    data = init("channels").data

    assert data["services"]["web"]["paths"] == ["/api/*", "/accounts/*", "/admin/*", "/ws/*"]
    assert data["frontend"] == {"directory": "client", "output": "build"}
    assert data["migration"]["command"] == ["python", "manage.py", "migrate", "--noinput"]


def test_celery_that_no_file_starts_runs_with_one_beat(init: Init) -> None:
    data = init("channels").data

    assert command(data, "celery") == "celery -A chat worker --loglevel info"
    assert data["services"]["celery-beat"]["singleton"] is True


def test_uploads_on_a_disk_are_named_as_lost(init: Init) -> None:
    found = init("channels")

    assert found.data["media"] is False
    assert "uploads: they are files of the task's disk" in found.output


def test_hosts_run_the_compose_files_with_their_own_database(init: Init) -> None:
    data = init("hosts", on_hosts=True).data

    assert data["compose"]["files"] == ["docker-compose.yml"]
    assert data["compose"]["proxy"] == {"service": "proxy", "port": 8080}
    assert data["compose"]["env"] == {"DB_PASSWORD": "${generated.db_password}", "MAIL_FROM": "change-me"}
    assert data["compose"]["env_files"] == {".env.app": {"SECRET_KEY_BASE": "${secret_key}"}}
    assert "database" not in data
    assert data["environments"]["staging"]["hosts"]["data_disk_gb"] == 20


def test_hosts_are_told_which_service_names_no_image_of_the_release(init: Init) -> None:
    assert "give the compose service app `image: ${APP_IMAGE}`" in init("hosts", on_hosts=True).output


def test_images_that_variables_name_are_those_of_folders_and_overlays_are_merged(init: Init) -> None:
    data = init(ROOT / "examples" / "edenco").data

    assert data["images"] == {"backend": {"context": "backend"}}
    assert command(data, "celery") == "celery -A config worker --loglevel info"
    assert data["frontend"] == {"directory": "frontend"}
    assert data["database"]["version"] == "18"


def test_edenco_on_hosts_has_the_files_of_its_manifest(init: Init) -> None:
    product, by_hand = init(ROOT / "examples" / "edenco", WITH_DOMAIN, on_hosts=True).product, load("edenco")

    assert product.compose
    assert by_hand.compose
    assert product.compose.files == by_hand.compose.files
    assert set(product.compose.profiles) == set(by_hand.compose.profiles)
    assert product.compose.proxy == by_hand.compose.proxy
    assert product.compose.env == by_hand.compose.env
    assert product.compose.env_files.keys() == by_hand.compose.env_files.keys()
    assert product.migration
    assert by_hand.migration
    assert product.migration.command == by_hand.migration.command
