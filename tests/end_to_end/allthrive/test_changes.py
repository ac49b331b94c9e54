"""What a second deployment changes, what a rotation and a bad release do, what destroy leaves."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from localcloud.testing.cloud import until
from paths import ROOT
from slipway_cli.release.verify import get
from tests.end_to_end.allthrive.conftest import AllThrive

pytestmark = [pytest.mark.local, pytest.mark.docker, pytest.mark.slow]

STAGING = "staging-allthrive"


def stateful(allthrive: AllThrive) -> dict[str, Any]:
    """What must not move under a change of the web service: database, cache, image."""
    task = running_definition(allthrive)
    databases = allthrive.client("rds").describe_db_instances()["DBInstances"]
    caches = allthrive.client("elasticache").describe_replication_groups()["ReplicationGroups"]
    return {
        "databases": sorted(each["DbiResourceId"] for each in databases),
        "caches": sorted(each["ARN"] for each in caches),
        "image": task["containerDefinitions"][0]["image"],
    }


def running_definition(allthrive: AllThrive) -> dict[str, Any]:
    ecs = allthrive.client("ecs")
    services = ecs.describe_services(cluster=f"{STAGING}-cluster", services=[f"{STAGING}-web"])["services"]
    found: dict[str, Any] = ecs.describe_task_definition(taskDefinition=services[0]["taskDefinition"])["taskDefinition"]
    return found


@pytest.fixture(name="larger_web")
def _larger_web(tmp_path: Path) -> Path:
    """A copy of this app, whose manifest asks for a larger web service."""
    for name in ("app.py", "paths.py", "cdk.json", "products", "policy", "builds", "stacks", "constructs", "lambda"):
        source, target = ROOT / name, tmp_path / name
        if source.is_dir():
            shutil.copytree(source, target, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(source, target)
    manifest = tmp_path / "products" / "allthrive.yaml"
    small = "health_path: /api/v1/health/\n    size: {cpu: 512, memory: 1024}"
    assert small in manifest.read_text()
    manifest.write_text(manifest.read_text().replace(small, small.replace("512", "1024").replace("1024}", "2048}")))
    return tmp_path


def test_deploying_again_changes_nothing(allthrive: AllThrive) -> None:
    done = allthrive.cdk("deploy", "production/*", "-c", "product=allthrive", "--require-approval", "never")

    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
    assert (done.stdout + done.stderr).count("(no changes)") == 6


def test_more_cpu_for_web_touches_neither_image_nor_database_nor_cache(allthrive: AllThrive, larger_web: Path) -> None:
    before = stateful(allthrive)
    app = f"{sys.executable} {larger_web}/app.py"

    done = allthrive.cdk("deploy", "staging/*", "-a", app, "-c", "product=allthrive", "--require-approval", "never")

    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
    assert running_definition(allthrive)["cpu"] == "1024"
    assert stateful(allthrive) == before
    assert get(f"{allthrive.urls['staging']}/api/v1/status/").json()["ok"] is True


def in_web(allthrive: AllThrive, script: str) -> str:
    """Returns what a Python script prints after VALUE in production's web container."""
    done = allthrive.shell(
        "TASK_ARN=$(aws ecs list-tasks --cluster production-allthrive-cluster --service-name production-allthrive-web "
        "--query 'taskArns[0]' --output text)\n"
        "aws ecs execute-command --cluster production-allthrive-cluster --task $TASK_ARN --container web --interactive "
        f'--command "python manage.py shell -c \\"{script}\\""'
    )
    assert "VALUE " in done.stdout, done.stdout + done.stderr
    return done.stdout.rpartition("VALUE ")[2].splitlines()[0].strip()


def database_value(allthrive: AllThrive, statement: str) -> str:
    """Returns one row of production's database, read by its web service with its own login."""
    script = "from django.db import connection as c; k=c.cursor(); k.execute('{}'); print('VALUE', k.fetchone())"
    return in_web(allthrive, script.format(statement))


def test_the_application_owns_its_tables_and_is_not_the_master(allthrive: AllThrive) -> None:
    who = "select session_user, current_user, rolsuper from pg_roles where rolname = session_user"
    owners = "select count(*) > 5, min(tableowner), max(tableowner) from pg_tables where schemaname = current_schema()"

    assert re.fullmatch(r"\('app_[12]', 'app_owner', False\)", database_value(allthrive, who))  # a rotation takes turns
    assert database_value(allthrive, owners) == "(True, 'app_owner', 'app_owner')"


def test_the_application_refuses_a_database_whose_certificate_is_of_another_authority(allthrive: AllThrive) -> None:
    """The bundle of public authorities does not know RDS's, nor those of the local databases."""
    script = (
        "import os, botocore, psycopg\n"
        "authorities = botocore.__path__[0] + '/cacert.pem'\n"
        "try:\n    psycopg.connect(os.environ['DATABASE_URL'], sslrootcert=authorities)\n"
        "except psycopg.OperationalError as error:\n    print('VALUE', 'verify failed' in str(error), 'at all')"
    )

    assert in_web(allthrive, script) == "True at all"


def test_a_rotated_password_reaches_the_tasks(allthrive: AllThrive) -> None:
    secrets = allthrive.client("secretsmanager")
    secret = allthrive.output_of("production-allthrive-data", "DatabaseUserSecret")
    before = json.loads(secrets.get_secret_value(SecretId=secret)["SecretString"])

    ecs = allthrive.client("ecs")
    names = {"cluster": "production-allthrive-cluster", "services": ["production-allthrive-web"]}
    old = ecs.describe_services(**names)["services"][0]["deployments"][0]["id"]

    secrets.rotate_secret(SecretId=secret)

    def settled() -> bool:
        deployments = ecs.describe_services(**names)["services"][0]["deployments"]
        return len(deployments) == 1 and deployments[0]["id"] != old and deployments[0]["rolloutState"] == "COMPLETED"

    until("tasks that know the new password", settled, 240)
    after = json.loads(secrets.get_secret_value(SecretId=secret)["SecretString"])
    assert after["password"] != before["password"]
    assert {before["username"], after["username"]} == {"app_1", "app_2"}
    assert get(f"{allthrive.urls['production']}/api/v1/status/").json()["database"]["ok"] is True


def test_uploaded_media_are_served_through_cloudfront(allthrive: AllThrive) -> None:
    image = b"\x89PNG\r\n\x1a\n" + b"\0" * 64
    body = b'--x\r\nContent-Disposition: form-data; name="file"; filename="a.png"\r\n\r\n' + image + b"\r\n--x--\r\n"
    url = allthrive.urls["staging"]

    uploaded = get(f"{url}/api/v1/media/", method="POST", body=body, content_type="multipart/form-data; boundary=x")
    served = get(url + uploaded.json()["url"])

    assert (served.status, served.body) == (200, image)
    assert "sandbox" in served.headers["content-security-policy"].split("; ")
    assert served.headers["x-content-type-options"] == "nosniff"


def test_a_container_may_touch_its_media_and_nothing_else(allthrive: AllThrive) -> None:
    script = (
        "import os,boto3; s3=boto3.client('s3'); b=os.environ['AWS_STORAGE_BUCKET_NAME']; "
        "s3.put_object(Bucket=b,Key='media/own',Body=b'x'); s3.put_object(Bucket=b,Key='elsewhere',Body=b'x')"
    )

    done = allthrive.shell(
        "TASK_ARN=$(aws ecs list-tasks --cluster staging-allthrive-cluster --service-name staging-allthrive-web "
        "--query 'taskArns[0]' --output text)\n"
        "aws ecs execute-command --cluster staging-allthrive-cluster --task $TASK_ARN --container web --interactive "
        f'--command "python -c \\"{script}\\""'
    )

    assert "AccessDenied" in done.stdout + done.stderr
    assert "elsewhere" in done.stdout + done.stderr or "s3:PutObject" in done.stdout + done.stderr


@pytest.mark.last
def test_destroying_staging_leaves_what_the_manifest_says_to_keep(allthrive: AllThrive, tmp_path: Path) -> None:
    done = allthrive.cdk("destroy", "staging/*", "--force", "-c", "product=allthrive")

    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-2000:]
    left = allthrive.client("cloudformation").describe_stacks()["Stacks"]
    assert not [each["StackName"] for each in left if each["StackName"].startswith(STAGING)]
    buckets = [each["Name"] for each in allthrive.client("s3").list_buckets()["Buckets"]]
    assert not [name for name in buckets if name.startswith(STAGING)]
    assert not allthrive.client("logs").describe_log_groups(logGroupNamePrefix=f"/ecs/{STAGING}")["logGroups"]
    containers = subprocess.run(
        ["docker", "ps", "--format", "{{.Names}}"], capture_output=True, text=True, check=True
    ).stdout
    assert STAGING not in containers
    assert get(f"{allthrive.urls['production']}/api/v1/status/").status == 200
