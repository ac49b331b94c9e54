"""The Production Experience Showcase's pipelines match its own documentation, whose sentences are below."""

from __future__ import annotations

import re

import yaml

from paths import ROOT
from products import load
from tests.conformance.reading import Deployed
from tests.support.synthesis import shipped

PRODUCT, FLOW, INFRASTRUCTURE = "showcase", "main", "infrastructure"
EXAMPLE = ROOT / "examples" / PRODUCT
DOCUMENT = """\
- Code is pushed to the `main` branch
5. **Build Images**:
   - Builds the backend Docker image
   - Builds the Prometheus Docker image
   - Tags images with the latest tag
6. **Push Images**:
   - Pushes backend image to ECR
   - Pushes Prometheus image to ECR
7. **Run Tests**: Executes the backend test suite
8. **Deploy Infrastructure**: Uses CDKTF to deploy infrastructure changes
   - Scan images for vulnerabilities before deployment
   - Use specific tags rather than `latest` in production
   - Implement test coverage thresholds
   - Consider adding code scanning and security analysis steps
   - Validate infrastructure changes before applying
   - Consider adding a manual approval step for critical environments
   - Implement drift detection
   - Add support for multiple environments (dev, staging, prod)
   - Add Slack/email notifications for deployment status
   - Implement alerts for deployment failures
"""


def said(pattern: str) -> str:
    """Returns what the group of a pattern matches in the document."""
    found = re.search(pattern, DOCUMENT)
    assert found, pattern
    return found[1]


def test_a_push_to_the_documented_branch_starts_the_pipeline() -> None:
    assert Deployed.of(PRODUCT, FLOW).trigger == {"Push": [{"Branches": {"Includes": [said("to the `(.+)` branch")]}}]}


def test_images_are_built_and_pushed_then_tested_then_deployed_in_the_documented_order() -> None:
    stages = Deployed.of(PRODUCT, FLOW).stages
    steps = re.findall(r"\*\*(\w+) (?:Images|Tests|Infrastructure)\*\*", DOCUMENT)

    assert steps == ["Build", "Push", "Run", "Deploy"]
    assert stages[:4] == ["Source", "Publish", "Test", "Dev"]  # one action builds an image and pushes it


def test_the_infrastructure_is_deployed_by_the_same_push_after_its_images_are_pushed_and_tested() -> None:
    last = re.findall(r"^(\d)\. \*\*(.+?)\*\*", DOCUMENT, re.MULTILINE)[-1]
    deployed = Deployed.of(PRODUCT, INFRASTRUCTURE)
    awaited = deployed.variables("Review", "Review")

    assert last == ("8", "Deploy Infrastructure")
    assert deployed.trigger == Deployed.of(PRODUCT, FLOW).trigger
    assert awaited["AFTER"] == f"{PRODUCT}-{FLOW}"
    assert set(awaited["AFTER_ACTIONS"].split()) == {
        *(f"Publish/{name}" for step in Deployed.of(PRODUCT, FLOW).steps("Publish") for name in step),
        *(f"Test/{name}" for step in Deployed.of(PRODUCT, FLOW).steps("Test") for name in step),
    }


def test_the_infrastructure_is_in_the_product_s_own_repository() -> None:
    source = Deployed.of(PRODUCT, INFRASTRUCTURE).action("Source", "GitHub")["Configuration"]

    assert source["FullRepositoryId"] == "showcase/showcase"
    assert source == Deployed.of(PRODUCT, FLOW).action("Source", "GitHub")["Configuration"]


def test_infrastructure_is_validated_and_reviewed_and_a_person_may_be_asked_before_each_environment() -> None:
    said("(Validate infrastructure) changes before applying")
    said("(manual approval) step for critical environments")
    deployed = Deployed.of(PRODUCT, INFRASTRUCTURE)

    assert deployed.steps("Check") == [{"Check", "Policy", "Synth"}]
    stages = deployed.stages[deployed.stages.index("Review") + 1 :]
    targets = [*(name.capitalize() for name in load(PRODUCT).environments), "Tooling"]
    assert stages == [name for target in targets for name in (f"Approve{target}", target)]


def test_the_repository_and_its_packages_are_audited() -> None:
    said("(code scanning and security analysis) steps")
    variables = Deployed.of(PRODUCT, FLOW).variables("Test", "Audit")

    for path in variables["PYTHON"].split():
        assert (EXAMPLE / path).is_file()


def test_both_images_are_built_from_their_own_folders() -> None:
    deployed = Deployed.of(PRODUCT, FLOW)
    documented = {name.lower() for name in re.findall(r"Builds the (\w+) Docker image", DOCUMENT)}

    assert {name.lower() for name in deployed.steps("Publish")[0]} == documented
    for image in documented:
        variables = deployed.variables("Publish", image.capitalize())
        assert (EXAMPLE / variables["CONTEXT"] / variables["DOCKERFILE"]).is_file()


def test_images_have_the_documented_tag_and_a_specific_one_beside_it() -> None:
    tags = Deployed.of(PRODUCT, FLOW).variables("Publish", "Backend")["TAGS"].split()

    assert said(r"with the (\w+) tag") in tags
    assert "{version}-{sha7}" in tags


def test_production_runs_images_by_digest_only() -> None:
    said("rather than `(.+)` in production")
    template = shipped(PRODUCT)["production-showcase-services"]

    for image in ("BackendImage", "PrometheusImage"):
        assert template["Parameters"][image]["AllowedPattern"].endswith("@sha256:[0-9a-f]{64})$")


def test_images_are_scanned_before_they_are_deployed() -> None:
    said("(Scan images) for vulnerabilities before deployment")

    assert Deployed.of(PRODUCT, FLOW).steps("Publish")[1] == {"ScanBackend", "ScanPrometheus"}


def test_the_backends_tests_run_with_a_coverage_threshold() -> None:
    said("test coverage (thresholds)")
    variables = Deployed.of(PRODUCT, FLOW).variables("Test", "Backend")

    assert "pytest" in variables["TEST_COMMAND"]
    assert int(variables["COVERAGE_PERCENT"]) >= 80


def test_the_documented_environments_are_deployed_one_after_the_other() -> None:
    documented = [name.strip() for name in said(r"multiple environments \((.+)\)").split(",")]
    environments = [stage for stage in Deployed.of(PRODUCT, FLOW).stages if stage.lower() in load(PRODUCT).environments]

    assert [stage.lower() for stage in environments] == [name.replace("prod", "production") for name in documented]


def test_people_are_told_by_slack_and_by_email() -> None:
    said("(Slack/email) notifications")
    manifest = yaml.safe_load((ROOT / "products" / f"{PRODUCT}.yaml").read_text(encoding="utf-8"))
    notifications = manifest["pipeline"]["notifications"]

    assert notifications["slack_secret"]
    assert notifications["emails"]


def test_drift_is_detected_in_every_environment() -> None:
    said("(drift detection)")
    template = shipped(PRODUCT)["tooling-showcase-delivery"]
    rules = [
        resource["Properties"]["ScheduleExpression"]
        for resource in template["Resources"].values()
        if resource["Type"] == "AWS::Events::Rule" and "ScheduleExpression" in resource["Properties"]
    ]

    assert sorted(rules) == ["cron(0 3 * * ? *)", "cron(20,50 3 * * ? *)"]
    for environment in load(PRODUCT).environments:
        roles = [
            resource["Properties"].get("RoleName")
            for resource in shipped(PRODUCT)[f"{environment}-showcase-access"]["Resources"].values()
        ]
        assert f"{environment}-showcase-pipeline-drift" in roles


def test_prometheus_is_one_task_that_stops_before_the_next_starts_and_that_no_balancer_reaches() -> None:
    resources = shipped(PRODUCT)["production-showcase-services"]["Resources"].values()
    (service,) = [
        resource["Properties"]
        for resource in resources
        if resource["Type"] == "AWS::ECS::Service"
        and resource["Properties"]["ServiceName"] == "production-showcase-prometheus"
    ]

    assert service["DesiredCount"]["Fn::If"][1] == 1
    deployment = service["DeploymentConfiguration"]
    assert (deployment["MinimumHealthyPercent"], deployment["MaximumPercent"]) == (0, 100)
    assert not service.get("LoadBalancers")
    assert service["EnableExecuteCommand"] is True
