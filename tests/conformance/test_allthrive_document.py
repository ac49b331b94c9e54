"""Each line of AllThrive's documentation is in the product literally, or is named here with the reason why it is not.

test_allthrive.py compares stages, triggers and order; this file compares tools, commands and names.
"""

from __future__ import annotations

import json
from functools import cache

import pytest

from paths import ROOT
from tests.conformance.reading import Deployed
from tests.support.synthesis import shipped

EXAMPLE = "examples/allthrive"

# § by the document; what is written there; the place that has it.
LINES: list[tuple[str, str, str]] = [
    ("Pipeline Flow, local", "postgres:18", f"{EXAMPLE}/docker-compose.yml"),
    ("Pipeline Flow, local", "redis/redis-stack", f"{EXAMPLE}/docker-compose.yml"),
    ("Pipeline Flow, local", "minio/minio", f"{EXAMPLE}/docker-compose.yml"),
    ("Pipeline Flow, local", '"daphne", "-b", "0.0.0.0", "-p", "8000"', f"{EXAMPLE}/backend/Dockerfile.prod"),
    ("Environments, Local", ":3000", f"{EXAMPLE}/docker-compose.yml"),
    ("Environments, Local", ":8000", f"{EXAMPLE}/docker-compose.yml"),
    ("Environments, Production", "allthrive.ai", "products/allthrive.yaml"),
    ("Environments, Production", '"Engine": "postgres"', "stack production data"),
    ("Test Job, Services", "postgres:18", "build pull-request Test Backend"),
    ("Test Job, Services", "redis:7", "build pull-request Test Backend"),
    ("Test Job, Environment", "DATABASE_URL", "build pull-request Test Backend"),
    ("Test Job, Environment", "SECRET_KEY: ci-secret-key", "build pull-request Test Backend"),
    ("Test Job, Environment", 'DEBUG: "False"', "build pull-request Test Backend"),
    ("Test Job, Environment", 'SECURE_SSL_REDIRECT: "False"', "build pull-request Test Backend"),
    ("Test Job, Steps 3", "python manage.py check", "build pull-request Test Backend"),
    ("Test Job, Steps 4", "ruff check", "build pull-request Test Backend"),
    ("Test Job, Steps 4", "bandit", "build pull-request Test Backend"),
    ("Test Job, Steps 5", "manage.py test", "build pull-request Test Backend"),
    ("Test Job, Steps 6", "SECURITY_TESTS: tests/security", "build pull-request Test Backend"),
    ("Test Job, Steps 8", '"lint": "eslint', f"{EXAMPLE}/frontend/package.json"),
    ("Test Job, Steps 9", '"typecheck": "tsc', f"{EXAMPLE}/frontend/package.json"),
    ("Test Job, Steps 10", '"test": "vitest', f"{EXAMPLE}/frontend/package.json"),
    ("Test Job, Steps 11", "robots.txt", "builds/programs/seo.py"),
    ("Test Job, Steps 11", "ai-plugin.json", "builds/programs/seo.py"),
    ("Test Job, Steps 11", "sitemap", "builds/programs/seo.py"),
    ("E2E Job, Services", "postgres:18", "build main Test Browser"),
    ("E2E Job, Services", "redis:7", "build main Test Browser"),
    ("E2E Job, Steps 1", "seed_$each", "build main Test Browser"),
    ("E2E Job, Steps 2", "daphne", "build main Test Browser"),
    ("E2E Job, Steps 4", "playwright test", "build main Test Browser"),
    ("CI-Only Variables", 'DEBUG: "True"', "build main Test Browser"),
    ("CI-Only Variables", "SECRET_KEY: ci-secret-key", "build main Test Browser"),
    ("Build Backend", "latest", "products/allthrive.yaml"),
    ("Build Backend", '"{sha}"', "products/allthrive.yaml"),
    ("Build Frontend", '"build": "vite build"', f"{EXAMPLE}/frontend/package.json"),
    ("Build Frontend", "no-cache", "builds/publish-frontend.yml"),
    ("ECS Services", "production-allthrive-cluster", "stack production services"),
    ("ECS Services", "production-allthrive-web", "stack production services"),
    ("ECS Services", "production-allthrive-celery", "stack production services"),
    ("ECS Services", "production-allthrive-celery-beat", "stack production services"),
    ("Services Used, ElastiCache", "AWS::ElastiCache::ReplicationGroup", "stack production data"),
    ("Services Used, RDS", "AWS::RDS::DBInstance", "stack production data"),
    ("Services Used, S3", "AWS::S3::Bucket", "stack production edge"),
    ("Services Used, CloudFront", "AWS::CloudFront::Distribution", "stack production edge"),
    ("Services Used, Secrets Manager", "AWS::SecretsManager::Secret", "stack production data"),
    ("Services Used, ECR", "AWS::ECR::Repository", "stack tooling registry"),
    ("Production Dockerfile", " AS builder", f"{EXAMPLE}/backend/Dockerfile.prod"),
    ("Production Dockerfile", " AS production", f"{EXAMPLE}/backend/Dockerfile.prod"),
    ("Production Dockerfile", "USER 10001", f"{EXAMPLE}/backend/Dockerfile.prod"),
    ("Production Dockerfile", "collectstatic", f"{EXAMPLE}/backend/Dockerfile.prod"),
    ("Production Dockerfile", "HEALTHCHECK", f"{EXAMPLE}/backend/Dockerfile.prod"),
    ("Production Dockerfile", "pip wheel", f"{EXAMPLE}/backend/Dockerfile.prod"),
    ("Production Dockerfile", "PGSSLROOTCERT=/etc/ssl/rds/rds.pem", f"{EXAMPLE}/backend/Dockerfile.prod"),
    ("Environment Variables", '"SECRET_KEY"', "stack production services"),
    ("Environment Variables", '"DATABASE_URL"', "stack production services"),
    ("Environment Variables", '"REDIS_HOST"', "stack production services"),
    ("Environment Variables", '"REDIS_AUTH_TOKEN"', "stack production services"),
    ("Environment Variables", '"AWS_STORAGE_BUCKET_NAME"', "stack production services"),
    ("Authentication", "production-allthrive-github-actions-role", "stack tooling identity"),
    ("Run Commands on ECS", '"EnableExecuteCommand": true', "stack production services"),
    ("Run Commands on ECS", "aws ecs execute-command", "docs/runbook.md"),
    ("View Logs", "/ecs/production-allthrive-web", "stack production services"),
    ("View Logs", '--filter-pattern "ERROR"', "docs/runbook.md"),
    ("Seed Data on AWS", "seed_topics", f"{EXAMPLE}/README.md"),
    ("Best Practices 4", "test-backend:", f"{EXAMPLE}/Makefile"),
    ("Future Improvements", '"Rollback": true', "stack production services"),
    ("Future Improvements", "  staging:", "products/allthrive.yaml"),
    ("Future Improvements", "slack_secret", "products/allthrive.yaml"),
    ("Future Improvements", "discord_secret", "products/allthrive.yaml"),
    ("Future Improvements", "approval: true", "products/allthrive.yaml"),
]
# § by the document; what differs, and why.
DIFFERENT = {
    "Pipeline Flow: Run migrations via ECS exec": "a task of its own runs them, once per release: a shell in a running "
    "container has no exit code, and needs `shell_access`; docs/adr/0007",
    "Deploy Backend: Force new deployment to pull latest image": "a release names its image by digest; `latest` moves, "
    "and what was tested might not be what runs",
    "Build Backend: GitHub Actions cache": "the layers are cached in ECR: CodeBuild has no cache of GitHub Actions",
    "Production Dockerfile: python:3.11-slim": "3.11 gets security fixes only until 2027-10; PYTHON_IMAGE chooses",
    "Manual Deployment: gh workflow run deploy-aws.yml": "CodePipeline deploys, and no workflow of GitHub: type "
    "`slipway start main`",
    "Environments, CI: Storage N/A": "the same: builds have no bucket of media files",
    "Future Improvements: performance testing in CI": "it is a future improvement of theirs, and no stage here",
    "Best Practices 1, 2, 3 and 5": "advice to people; GitHub's branch protection enforces 1 and 2",
}


@cache
def text_of(place: str) -> str:
    """Returns the text of a file, the JSON of a stack's template, or a build's buildspec with its variables."""
    kind, _, rest = place.partition(" ")
    if kind == "stack":
        environment, name = rest.split()
        return json.dumps(shipped("allthrive")[f"{environment}-allthrive-{name}"])
    if kind == "build":
        flow, stage, action = rest.split()
        deployed = Deployed.of("allthrive", flow)
        return deployed.buildspec(stage, action) + json.dumps(deployed.variables(stage, action))
    return (ROOT / place).read_text(encoding="utf-8")


@pytest.mark.parametrize(("section", "literal", "place"), LINES)
def test_what_the_document_names_is_there_literally(section: str, literal: str, place: str) -> None:
    assert literal in text_of(place), f"§ {section}: {place} has no {literal!r}"


def test_what_differs_from_the_document_is_as_described() -> None:
    assert {"Migrate"} in Deployed.of("allthrive", "main").steps("Production")
    assert "@sha256:" in text_of("stack production services")
    assert "ARG PYTHON_IMAGE" in text_of(f"{EXAMPLE}/backend/Dockerfile.prod")
    assert not (ROOT / ".github" / "workflows" / "deploy-aws.yml").exists()


@pytest.mark.parametrize("stack", ["production services"])
def test_the_documented_numbers_of_instances_run(stack: str) -> None:
    services = {
        resource["Properties"]["ServiceName"]: resource["Properties"]["DesiredCount"]["Fn::If"][1]
        for resource in json.loads(text_of(f"stack {stack}"))["Resources"].values()
        if resource["Type"] == "AWS::ECS::Service"
    }
    minimum = {
        name: json.loads(text_of(f"stack {stack}"))["Parameters"][count["Ref"]]["Default"]
        if isinstance(count, dict)
        else count
        for name, count in services.items()
    }

    assert minimum == {
        "production-allthrive-web": 2,
        "production-allthrive-celery": 2,
        "production-allthrive-celery-beat": 1,
    }


def test_browser_tests_run_before_anything_is_published() -> None:
    for flow in ("pull-request", "main"):
        assert {"Browser"} in Deployed.of("allthrive", flow).steps("Test")


def test_the_running_product_is_asked_for_the_files_of_crawlers() -> None:
    assert Deployed.of("allthrive", "main").variables("Test", "Browser")["SEO"] == "yes"
