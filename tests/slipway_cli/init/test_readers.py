"""Single lines of files change the manifest."""

from __future__ import annotations

from typing import Any

import pytest
import yaml

from slipway_cli.init import commands, known, naming, yamls
from slipway_cli.init.answers import Answers
from slipway_cli.init.dockerfiles import port_in, read
from slipway_cli.init.git_config import parsed
from slipway_cli.init.tree import Tree
from slipway_cli.init.writer import Said, scalar, text
from tests.slipway_cli.init.conftest import ANSWERS, Init

ONE = "=== Dockerfile\nFROM scratch\nEXPOSE 8000\n"
COPILOT_WEB = "=== copilot/web/manifest.yml\ntype: Load Balanced Web Service\nimage: {build: Dockerfile, port: 80}\n"


def compose(services: str) -> str:
    return f"{ONE}=== compose.yaml\nservices:\n{services}"


@pytest.mark.parametrize(
    ("command", "kept"),
    [
        ("bash -c 'while !</dev/tcp/db/5432; do sleep 1; done; uwsgi app.ini'", ["uwsgi", "app.ini"]),
        ("./wait-for-it.sh db:5432 -- gunicorn app", ["gunicorn", "app"]),
        ("sh -c 'nc -z db 5432 && gunicorn app'", ["gunicorn", "app"]),
        ("gunicorn app", ["gunicorn", "app"]),
    ],
)
def test_a_command_does_not_wait_for_names_of_compose(init: Init, command: str, kept: list[str]) -> None:
    services = (
        f"  web:\n    build: .\n    ports: ['8000:8000']\n    command: {command!r}\n  db: {{image: 'postgres:16'}}\n"
    )

    assert init(compose(services)).data["services"]["web"]["command"] == kept


def test_a_service_of_an_optional_profile_runs_only_if_it_is_a_worker(init: Init) -> None:
    services = (
        "  web: {build: ., ports: ['80:80']}\n"
        "  seed: {build: ., command: python seed.py, profiles: [seed]}\n"
        "  celery: {build: ., command: celery -A app worker, profiles: [with-celery]}\n"
    )

    assert list(init(compose(services)).data["services"]) == ["web", "celery"]


@pytest.mark.parametrize("key", ["secrets: [token]", "privileged: true", "network_mode: host"])
def test_keys_of_compose_that_a_task_lacks_are_named(init: Init, key: str) -> None:
    found = init(compose(f"  web:\n    build: .\n    {key}\n"))

    assert f"`{key.partition(':')[0]}` of web" in found.output


@pytest.mark.parametrize(
    ("code", "variable", "value"),
    [
        ('import os\nx = os.environ["DATABASE_URL"]', "DATABASE_URL", "${database.url}"),
        ('import os\nx = os.getenv("REDIS_URL", "redis://localhost")', "REDIS_URL", "${cache.url}"),
        ("from environ import Env\nenv = Env()\nx = env.db()", "DATABASE_URL", "${database.url}"),
        ('from environs import env\nx = env.bool("NEW_LOOK")', "NEW_LOOK", "false"),
        ('from decouple import config\nx = config("PAGE_SIZE", cast=int)', "PAGE_SIZE", "0"),
        ('x = envsecret("SECRET_KEY", "---")', "SECRET_KEY", "${secret_key}"),
        ("import dj_database_url\nx = dj_database_url.config()", "DATABASE_URL", "${database.url}"),
        ('import os\nx = os.environ["SOMETHING"]', "SOMETHING", "change-me"),
    ],
)
def test_a_variable_that_python_reads_gets_its_value(init: Init, code: str, variable: str, value: str) -> None:
    assert init(f"{ONE}=== app.py\n{code}\n").data["variables"][variable] == value


@pytest.mark.parametrize(
    "code", ['x = os.environ.get("COLOUR")', 'x = env("COLOUR", default="red")', 'os.environ["COLOUR"] = "x"']
)
def test_a_variable_with_a_default_is_left_to_it(init: Init, code: str) -> None:
    assert "variables" not in init(f"{ONE}=== app.py\n{code}\n").data


def test_settings_of_other_places_are_not_read(init: Init) -> None:
    files = "".join(
        f"=== {path}\nimport os\nx = os.environ['{name}']\n"
        for path, name in {
            "config/settings/local.py": "A",
            "app/tests/test_x.py": "B",
            "scripts/tool.py": "C",
            "app/migrations/1.py": "D",
            ".worktree/app.py": "E",
            "do-it.py": "F",
            "shop/management/commands/seed.py": "G",
        }.items()
    )

    assert "variables" not in init(ONE + files).data


def test_a_mysql_database_is_a_secret_address_and_no_postgresql(init: Init) -> None:
    found = init(f"{ONE}=== requirements.txt\nmysqlclient\n=== app.py\nimport os\nx = os.environ['DATABASE_URL']\n")

    assert "database" not in found.data
    assert found.data["secrets"].keys() == {"DATABASE_URL"}
    assert "PostgreSQL only" in found.output


def test_examples_of_env_files_name_the_variables_of_other_languages(init: Init) -> None:
    found = init(
        f"{ONE}=== .env.example\nDATABASE_URL=postgres://x\nSTRIPE_SECRET=\nCOLOUR=red\n=== Gemfile\ngem 'rails'\n"
    )

    assert found.data["variables"] == {"DATABASE_URL": "${database.url}"}
    assert found.data["secrets"].keys() == {"STRIPE_SECRET"}
    assert "COLOUR" in found.output
    assert "red" not in found.text


def test_variables_of_pages_are_asked_for(init: Init) -> None:
    package = '{"scripts": {"build": "vite build"}, "devDependencies": {"vite": "7"}}'
    pages = f"=== web/package.json\n{package}\n=== web/index.html\nx\n"
    found = init(f"=== api/Dockerfile\nFROM scratch\nEXPOSE 80\n{pages}=== web/.env.example\nVITE_API_URL=http://x\n")

    assert "write VITE_API_URL under `variables` of the frontend" in found.output


def test_a_build_argument_without_a_default_is_named(init: Init) -> None:
    found = init("=== Dockerfile\nFROM scratch\nARG NPM_TOKEN\nARG TARGETARCH\nEXPOSE 80\n")

    assert "the build argument NPM_TOKEN" in found.output
    assert "TARGETARCH" not in found.output


def test_a_domain_outside_us_east_1_needs_a_certificate_there(init: Init) -> None:
    answers = Answers(
        **{**vars(ANSWERS), "region": "eu-central-1", "domain": "shop.example.org", "hosted_zone": "Z0EXAMPLE"}
    )
    found = init(ONE, answers)

    assert found.data["environments"]["staging"]["edge"]["domain"]["name"] == "staging.shop.example.org"
    assert (
        ":us-east-1:222233334444:certificate/"
        in found.data["environments"]["production"]["edge"]["domain"]["certificate_arn"]
    )
    assert "create a certificate" in found.output


def test_containers_of_hosts_answer_at_the_port_of_one(init: Init) -> None:
    data = init(ONE, on_hosts=True).data

    assert data["containers"] == {"web": {"image": "app", "ports": ["8080:8000"], "proxy": True}}
    assert data["environments"]["staging"]["target"] == "hosts"


@pytest.mark.parametrize(
    ("manifest", "expected"),
    [
        ("count: 5", {"count": 5}),
        ("count: {spot: 2}", {"count": 2, "capacity": "spot"}),
        (
            "count: {range: {min: 1, max: 4, spot_from: 2}, cpu_percentage: {value: 60}}",
            {"count": 1, "scaling": {"maximum": 4, "cpu_percent": 60}},
        ),
        ("exec: true", {"shell_access": True}),
        ("http: {path: '/', healthcheck: /ok}", {"health_path": "/ok"}),
        ("command: gunicorn app", {"command": ["gunicorn", "app"]}),
        ("entrypoint: [tini, --]\ncommand: serve --all", {"command": ["tini", "--", "serve", "--all"]}),
    ],
)
def test_keys_of_a_copilot_service(init: Init, manifest: str, expected: dict[str, Any]) -> None:
    section = init(f"{ONE}{COPILOT_WEB}{manifest}\n").data["services"]["web"]

    assert expected.items() <= section.items()


@pytest.mark.parametrize(
    ("times", "expected"),
    [
        ("@daily", {"cron": "@daily"}),
        ("@every 90m", {"rate": "90 minutes"}),
        ("rate(1 hour)", {"rate": "1 hour"}),
        ("15 3 * * 1-5", {"cron": "15 3 * * 1-5"}),
        ("none", {"rate": "1 day", "enabled": False}),
    ],
)
def test_times_of_a_copilot_job(init: Init, times: str, expected: dict[str, Any]) -> None:
    keys = f'on: {{schedule: "{times}"}}\nimage: {{build: Dockerfile}}\ncommand: run\n'
    found = init(f"{ONE}{COPILOT_WEB}=== copilot/job/manifest.yml\ntype: Scheduled Job\n{keys}")

    assert expected.items() <= found.data["schedules"]["job"].items()
    assert found.product.schedules["job"].expression


@pytest.mark.parametrize(
    ("command", "expected"),
    [
        ("gunicorn app --bind 0.0.0.0:8123", 8123), ("daphne -b 0.0.0.0 -p 9001 x", 9001),
        ("uvicorn x --port 8002", 8002),
        ("python manage.py runserver 0.0.0.0:8003", 8003), ("serve -l 5000", 5000), ("start ${PORT:-3001}", 3001),
        ("mkdir -p 2024", 2024), ("gunicorn app", None), ("run --port 99999", None),
    ],
)  # fmt: skip
def test_ports_that_commands_name(command: str, expected: int | None) -> None:
    assert port_in(command) == expected


@pytest.mark.parametrize(
    ("command", "name", "expected"),
    [
        ("celery -A x worker", "y", "worker"), ("celery -A x beat", "y", "beat"), ("gunicorn x", "worker", "web"),
        ("python manage.py migrate", "y", "release"), ("", "beat", "beat"), ("", "my-api", "web"),
        ("", "thing", "other"),
        ("node server.js", "queue", "worker"),
    ],
)  # fmt: skip
def test_kinds_of_processes(command: str, name: str, expected: str) -> None:
    assert commands.kind(commands.words(command), name) == expected


def test_a_dockerfiles_here_document_is_no_instruction(tmp_path: Any) -> None:
    (tmp_path / "Dockerfile").write_text(
        "FROM a\nRUN <<-'END'\nCMD [\"x\"]\nEXPOSE 1\n  END\nEXPOSE 2/tcp\nCMD run \\\n  # why\n  all\n"
    )
    found = read(Tree(tmp_path), "Dockerfile")

    assert found
    assert found.ports == (2,)
    assert found.command == ("sh", "-c", "run   all")


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("git@github.com:a-b/c.d.git", ("a-b", "c.d")), ("https://github.com/a/b", ("a", "b")),
        ("https://token@github.com/a/b.git", ("a", "b")),
        ("ssh://git@github.com/a/b.git", ("a", "b")), ("https://gitlab.com/a/b", ("", "")),
        ("https://github.com.evil.org/a/b", ("", "")),
    ],
)  # fmt: skip
def test_addresses_of_repositories(url: str, expected: tuple[str, str]) -> None:
    assert parsed(url) == expected


@pytest.mark.parametrize(
    ("name", "expected"),
    [("My_Shop.v2", "my-shop-v2"), ("full-stack-fastapi-template", "full-stack-fastapi"), ("2048", "p-2048"),
     ("---", ""),
     ("aws", "aws-app"), ("averyveryverylongsinglename", "averyveryverylongsing")],
)  # fmt: skip
def test_names_of_products(name: str, expected: str) -> None:
    assert naming.product(name) == expected


@pytest.mark.parametrize("name", ["PUBLIC_KEY", "SORT_KEY", "PORT", "COLOUR", "PASSENGERS"])
def test_names_that_are_no_secrets(name: str) -> None:
    assert not known.is_secret(name)


@pytest.mark.parametrize(
    "value", ["yes", "0755", "1e3", "2026-11-30", "~", "a: b", "x # y", "*a", "- b", "", "é\x07", "${a}", "[", "null"]
)
def test_a_text_stays_a_text(value: str) -> None:

    assert yaml.safe_load(f"key: {scalar(value)}\nlist: [{scalar(value)}]") == {"key": value, "list": [value]}


def test_a_reason_is_behind_its_line_or_above_it() -> None:
    written = text({"a": Said(1, "why"), "b": Said("x" * 110, "because of\nwhat")}, [])

    assert "a: 1                                    # why" in written
    assert "# because of what\nb: xxx" in written


def test_merge_keys_and_tags_of_yaml_are_data(tmp_path: Any) -> None:
    (tmp_path / "a.yml").write_text(
        "base: &b {x: 1, y: 2}\nown:\n  <<: *b\n  y: 3\n  z: !Sub '${A}'\n  when: 2026-11-30\n"
    )
    found = yamls.read(Tree(tmp_path), "a.yml")

    assert found
    assert found.data["own"] == {"x": 1, "y": 3, "z": "${A}", "when": "2026-11-30"}
    assert str(found.place("own", "z")) == "a.yml:5"


def test_a_service_that_only_migrates_is_the_migration(init: Init) -> None:
    services = "  web: {build: ., ports: ['80:80']}\n  migrate: {build: ., command: alembic upgrade head}\n"
    data = init(compose(services)).data

    assert list(data["services"]) == ["web"]
    assert data["migration"]["command"] == ["alembic", "upgrade", "head"]


def test_a_migration_on_hosts_names_the_service_that_runs_it(init: Init) -> None:
    services = "  site: {build: ., ports: ['80:80']}\n  migrate: {build: ., command: alembic upgrade head}\n"

    assert init(compose(services), on_hosts=True).data["migration"]["service"] == "site"


def test_two_productions_have_two_domains(init: Init) -> None:
    environments = "".join(
        f"=== copilot/environments/{name}/manifest.yml\ntype: Environment\nname: {name}\n"
        for name in ("prod-eu", "prod-us", "release")
    )
    answers = Answers(**{**vars(ANSWERS), "domain": "shop.example.org", "hosted_zone": "Z0EXAMPLE"})
    found = init(f"{ONE}{COPILOT_WEB}{environments}", answers).data["environments"]

    assert {name: section["edge"]["domain"]["name"] for name, section in found.items()} == {
        "prod-eu": "shop.example.org",
        "prod-us": "prod-us.shop.example.org",
        "release-env": "release-env.shop.example.org",
    }
