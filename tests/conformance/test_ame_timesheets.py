"""AME Timesheets' pipelines match its own documentation, whose diagram is below, word for word."""

from __future__ import annotations

import json
import re

import pytest

from tests.conformance.reading import Deployed, host_configuration, settings
from tests.support.synthesis import shipped

PRODUCT = "ame-timesheets"
DIAGRAM = """\
  A[Pull Request to main] --> B[GitHub Actions: build-and-push.yml]
  B --> C[Configure AWS Credentials]
  C --> D[Login to ECR]
  D --> E[Build Backend Image with Build Args]
  E --> F[Push Backend to ECR]
  D --> G[Build Frontend Image with Build Args]
  G --> H[Push Frontend to ECR]

  I[Push to main] --> J[GitHub Actions: deploy-prod.yml]
  J --> K[Run for each EC2 IP]
  K --> L[SSH into EC2]
  L --> M[Configure AWS CLI and pgpass]
  M --> N[Login to ECR from EC2]
  N --> O[Pull Backend Image]
  O --> P[Stop & Remove Old Backend]
  P --> Q[Run New Backend Container]
  Q --> R[Copy pgpass into Container]
  R --> S[Restart Backend]
  S --> T[Run Migrations]

  N --> U[Pull Frontend Image]
  U --> V[Stop & Remove Old Frontend]
  V --> W[Run New Frontend Container]
"""
BOXES = dict(re.findall(r"(\w)\[([^\]]+)\]", DIAGRAM))
ARROWS = [(before, after) for before, after in re.findall(r"(\w)(?:\[[^\]]+\])? --> (\w)", DIAGRAM)]
STARTS = [text for box, text in BOXES.items() if box not in {after for _, after in ARROWS}]
# § Pull Request Trigger: "injecting secrets and environment variables"; "injecting Vite-specific env vars".
INJECTED = {"Backend": "VERSION=", "Frontend": "VITE_"}
# Our names of the two workflows, and what starts them.
FLOWS = {
    "Pull Request to main": (
        "pull-request",
        {"PullRequest": [{"Branches": {"Includes": ["main"]}, "Events": ["OPEN", "UPDATED"]}]},
    ),
    "Push to main": ("main", {"Push": [{"Branches": {"Includes": ["main"]}}]}),
}


def named(pattern: str) -> list[str]:
    """Returns what a pattern's group matches in the boxes of the diagram."""
    return [found[1] for text in BOXES.values() if (found := re.fullmatch(pattern, text))]


def test_the_workflows_start_as_documented() -> None:
    assert set(STARTS) == set(FLOWS)
    for flow, trigger in FLOWS.values():
        assert Deployed.of(PRODUCT, flow).trigger == trigger


def test_a_pull_request_builds_and_pushes_the_documented_images_in_parallel_and_nothing_else() -> None:
    deployed = Deployed.of(PRODUCT, "pull-request")
    built, pushed = named(r"Build (\w+) Image with Build Args"), named(r"Push (\w+) to ECR")

    assert built == pushed
    assert deployed.stages == ["Source", "Publish"]
    assert deployed.steps("Publish") == [set(built)]


@pytest.mark.parametrize("image", named(r"Build (\w+) Image with Build Args"))
@pytest.mark.parametrize("flow", ["pull-request", "main"])
def test_an_image_is_built_with_the_documented_build_arguments(flow: str, image: str) -> None:
    assert INJECTED[image] in Deployed.of(PRODUCT, flow).variables("Publish", image)["BUILD_ARGS"]


@pytest.mark.parametrize("flow", ["pull-request", "main"])
def test_the_build_of_the_backend_gets_a_secret(flow: str) -> None:
    assert Deployed.of(PRODUCT, flow).variables("Publish", "Backend")["BUILD_SECRETS"] == "signing_key"


def test_images_of_a_pull_request_are_apart_from_those_that_are_deployed() -> None:
    of = {
        flow: Deployed.of(PRODUCT, flow).variables("Publish", "Backend")["REPOSITORY_URI"]
        for flow in ("pull-request", "main")
    }

    assert of["pull-request"].endswith("/ame-timesheets/candidates/backend")
    assert of["main"].endswith("/ame-timesheets/backend")


def test_main_deploys_and_our_release_comes_after_the_documented_steps() -> None:
    deployed = Deployed.of(PRODUCT, "main")

    assert deployed.stages == ["Source", "Publish", "Production", "Release"]
    # The document migrates last, on each host; we once, before any container of the release runs (issue 14).
    assert deployed.steps("Production") == [{"Migrate"}, {"Deploy"}, {"Verify"}]
    assert named(r"Run (Migrations)")


def test_each_host_is_deployed_to() -> None:
    action = Deployed.of(PRODUCT, "main").action("Production", "Deploy")
    hosts = shipped(PRODUCT).resources("AWS::AutoScaling::AutoScalingGroup")  # one for each host, with a fixed zone

    assert named(r"Run for each (EC2) IP")
    assert json.loads(action["Configuration"]["UserParameters"])["images"].keys() == {"backend", "frontend"}
    assert settings(PRODUCT, "ProductionDeploy")["expected"] == len(hosts) == 2


def test_a_host_runs_the_documented_containers_with_the_images_of_the_release() -> None:
    configured = host_configuration(PRODUCT, "production")
    services = configured["rendered"]["services"]

    assert set(services) == {name.lower() for name in named(r"Run New (\w+) Container")}
    assert dict(configured["files"][".env"]) == {
        f"{name.upper()}_IMAGE": [{"image": name.lower()}] for name in named(r"Pull (\w+) Image")
    }


def test_the_backend_gets_its_password_from_the_documented_file_and_from_nowhere_else() -> None:
    configured = host_configuration(PRODUCT, "production")
    variables = dict(configured["files"][".env.backend"])
    (line,) = configured["pgpass"]

    assert named(r"Copy (pgpass) into Container")
    assert configured["rendered"]["services"]["backend"]["environment"] == {"PGPASSFILE": "/run/secrets/pgpass"}
    assert [part["key"] for part in line if isinstance(part, dict)][-1] == "password"
    assert not [name for name, value in variables.items() if "password" in json.dumps(value)]


def test_nobody_logs_in_to_a_host() -> None:
    """The document's SSH is replaced by Systems Manager: no key, and no port but the load balancer's."""
    assert named(r"(SSH) into EC2")
    assert not shipped(PRODUCT).resources("AWS::EC2::KeyPair")
    rules = shipped(PRODUCT).resources("AWS::EC2::SecurityGroupIngress").values()
    assert 22 not in [rule["Properties"].get("FromPort") for rule in rules]


def test_a_build_of_a_pull_request_names_only_variables_that_its_run_has() -> None:
    """A run of a pull request has PullRequestId, and no BranchName: github.com/aws/aws-cdk/issues/31000."""
    text = json.dumps(Deployed.of("ame-timesheets", "pull-request").properties)

    assert "#{Source.BranchName}" not in text
    assert "pull-request-#{Source.PullRequestId}" in text
