"""The book shop's workflows match its own documentation, whose sentences are below."""

from __future__ import annotations

import json
import re
from typing import Any

import yaml

from paths import ROOT
from products import load
from tests.conformance.reading import Deployed, host_configuration, settings
from tests.support.synthesis import listed, shipped, statements

PRODUCT, FLOW = "book-shop", "dev"
# § Dev Workflow.
DOCUMENT = """\
Event: Monitor the repository for a push.
Filter: Only act if the push happens on the dev branch.
Read Version: Open pyproject.toml, find the version = "X.Y.Z" line, and grab the numbers.
Get SHA: Grab the unique 7-character "Short SHA" of the current commit.
Combine: Create a variable called IMAGE_TAG that looks like X.Y.Z-SNAPSHOT-<SHA> (e.g., 1.2.0-SNAPSHOT-7d2a1b).
Docker Build: Run the command to create the image based on your Dockerfile.
ECR Access: Specifically log into your Amazon ECR Public registry so you have permission to push images.
Push: Upload that specific tagged image to your ECR repository.
Connect: Use an SSH Action to open a secure tunnel into your EC2 instance using the EC2_SSH_KEY.
Pull: Download the brand-new IMAGE_TAG from ECR.
Stop/Clean: Stop the old "dev-app" container if it's running and delete it.
Map Port 8080 on the EC2 to Port 8000 (or whatever Django uses) inside the container.
Name it dev-app for easy tracking.
Cleanup: Remove old, unused Docker images to save that 30GB disk space.
"""
# § Prod Workflow.
PROD = """\
Filter: Only act if the push happens on the main branch.
Alternative: You could trigger this when a Pull Request is merged from dev to main.
Read Version: Extract the version (e.g., 1.2.0) from pyproject.toml.
Find Snapshot: Determine the tag of the image currently in ECR that corresponds to this commit.
Tag: (The version we read from the file).
Notes: Automatically generate a list of all commits/PRs merged since the last release.
Take the image currently labeled SNAPSHOT and give it a second label like vX.Y.Z (e.g., v1.2.0).
This ensures the production code is 100% identical to what you just tested in dev. No new layers are uploaded.
Apply the Manifest: It runs microk8s kubectl apply -f k8s/app-prod.yaml.
It runs the set image command: microk8s kubectl set image deployment/django-app django-container=book-shop
Rollout Status: It monitors the transition.
"""


def said(pattern: str, document: str = DOCUMENT) -> str:
    """Returns what the group of a pattern matches in the document."""
    found = re.search(pattern, document)
    assert found, pattern
    return found[1]


def test_a_push_to_the_documented_branch_starts_the_workflow() -> None:
    branch = said(r"push happens on the (\w+) branch")

    assert Deployed.of(PRODUCT, FLOW).trigger == {"Push": [{"Branches": {"Includes": [branch]}}]}


def test_a_start_by_hand_builds_the_documented_branch() -> None:
    source = Deployed.of(PRODUCT, FLOW).action("Source", "GitHub")

    assert source["Configuration"]["BranchName"] == said(r"on the (\w+) branch")


def test_the_image_is_built_pushed_and_deployed_after_our_checks() -> None:
    deployed = Deployed.of(PRODUCT, FLOW)

    assert deployed.stages == ["Source", "Test", "Publish", "Dev"]
    assert deployed.steps("Test") == [{"App", "BuildApp", "Compose"}]
    assert deployed.steps("Publish") == [{"App"}]
    assert deployed.steps("Dev")[-1] == {"Verify"}


def test_the_image_has_the_documented_tag_with_the_version_of_the_documented_file() -> None:
    variables = Deployed.of(PRODUCT, FLOW).variables("Test", "BuildApp")
    form = said(r"looks like (\S+)")

    assert variables["VERSION_FILE"] == said(r"Open (\S+),")
    assert variables["TAGS"] == form.replace("X.Y.Z", "{version}").replace("<SHA>", f"{{sha{said('unique ([0-9])')}}}")
    assert (ROOT / "examples" / PRODUCT / variables["CONTEXT"] / variables["DOCKERFILE"]).is_file()


def test_the_host_runs_the_image_under_the_documented_name_and_port() -> None:
    configured = host_configuration(PRODUCT, "dev")
    (service,) = configured["rendered"]["services"].values()
    outside, inside = said(r"Map Port (\d+)"), said(r"to Port (\d+)")

    assert (service["container_name"], service["ports"]) == (said(r"Name it (\S+)"), [f"{outside}:{inside}"])
    assert service["container_name"] == said(r'the old "(\S+)" container')
    assert service["image"] == "${APP_IMAGE}"
    assert dict(configured["files"][".env"])["APP_IMAGE"] == [{"image": "app"}]


def test_the_disk_has_the_documented_size_and_old_images_are_removed() -> None:
    manifest = yaml.safe_load((ROOT / "products" / f"{PRODUCT}.yaml").read_text())

    assert manifest["environments"]["dev"]["hosts"]["disk_gb"] == int(said(r"(\d+)GB disk"))
    assert host_configuration(PRODUCT, "dev")["keep_releases"] == 2


def test_nobody_logs_in_to_the_host() -> None:
    """The document's SSH is replaced by Systems Manager: no key, and no port but the load balancer's."""
    assert said("using the EC2_SSH_KEY()") == ""
    assert not shipped(PRODUCT).resources("AWS::EC2::KeyPair")
    rules = shipped(PRODUCT).resources("AWS::EC2::SecurityGroupIngress", "dev-book-shop-network").values()
    admitted = [rule["Properties"] for rule in rules if "Application" in str(rule["Properties"]["GroupId"])]
    assert [(rule["FromPort"], rule["ToPort"]) for rule in admitted] == [(8080, 8080)]


def parameters(stage: str, action: str) -> dict[str, Any]:
    """Returns what an action of main passes to its function."""
    configuration = Deployed.of(PRODUCT, "main").action(stage, action)["Configuration"]
    return dict(json.loads(configuration["UserParameters"]))


def test_a_push_to_main_releases() -> None:
    branch = said(r"push happens on the (\w+) branch", PROD)

    assert Deployed.of(PRODUCT, "main").trigger == {"Push": [{"Branches": {"Includes": [branch]}}]}


def test_the_documented_order_is_identification_release_promotion() -> None:
    main = Deployed.of(PRODUCT, "main")

    assert main.stages[:3] == ["Source", "Snapshot", "Release"]
    assert {"Find"} <= main.steps("Snapshot")[0]
    assert main.steps("Release") == [{"GitHub"}, {"Promote"}, {"Public"}]


def test_main_builds_no_image_and_may_push_no_layer() -> None:
    template = shipped(PRODUCT)[f"tooling-{PRODUCT}-delivery"]
    pushing = {
        logical_id.partition("Role")[0]
        for logical_id, statement in statements(template)
        if "ecr:UploadLayerPart" in listed(statement["Action"])
    }

    assert "No new layers are uploaded" in PROD
    assert pushing == {"DevTestBuildApp", "PublishBuild"}
    assert "#{SnapshotFind.AppImage}" in str(Deployed.of(PRODUCT, "main").properties)
    assert "#{TestBuildApp." not in str(Deployed.of(PRODUCT, "main").properties)


def test_the_snapshot_is_what_dev_built_in_the_repository_that_is_released() -> None:
    found = settings(PRODUCT, "FindSnapshot")
    pushed = Deployed.of(PRODUCT, FLOW).variables("Test", "BuildApp")

    assert found["images"] == {"AppImage": pushed["PUBLISHED_URI"]}
    assert (found["from_branch"], found["pipeline"]) == (said(r"merged from (\w+) to", PROD), f"{PRODUCT}-{FLOW}")
    assert (pushed["REPOSITORY_OF"], pushed["MAIN_BRANCH"]) == ("snapshots", "dev")
    assert found["version_file"] == said(r"1\.2\.0\) from (\S+)\.\n", PROD)


def test_the_git_tag_is_the_version_and_the_registrys_is_the_documented_one() -> None:
    pipeline = load(PRODUCT).pipeline

    assert pipeline is not None
    assert pipeline.git_tag == "{version}" == f"{{{said(r'Tag: .The (version)', PROD)}}}"
    assert pipeline.release_tag == said(r"label like (\S+)", PROD).replace("X.Y.Z", "{version}")
    assert parameters("Release", "GitHub")["tag"] == "#{SnapshotFind.GIT_TAG}"
    assert parameters("Release", "Promote") == {
        "deadline_minutes": 5,
        "images": ["#{SnapshotFind.AppImage}"],
        "tag": "#{SnapshotFind.RELEASE_TAG}",
    }


def test_production_is_identical_to_what_dev_tested() -> None:
    """The image that is released is the digest that dev's run deployed; nothing else passes between the two."""
    assert "100% identical" in PROD
    assert parameters("Snapshot", "Find") == {"deadline_minutes": 30, "commit": "#{Source.CommitId}"}


def cluster() -> Any:
    """Returns the configuration of production's MicroK8s."""
    return host_configuration(PRODUCT, "production", "kubernetes")


def test_production_applies_the_documented_file_and_sets_the_image_of_the_documented_container() -> None:
    wanted = json.loads(Deployed.of(PRODUCT, "main").variables("Snapshot", "Manifests")["KUBERNETES"])
    production, found = wanted["environments"]["production"], cluster()

    assert production["files"] == [said(r"kubectl apply -f (\S+)\.\n", PROD)]
    assert found["deployment"] == said(r"set image deployment/(\S+)", PROD)
    assert found["container"] == said(r"set image deployment/\S+ ([\w-]+)=", PROD)
    assert found["image"] == production["image"] == "app"


def test_the_documented_container_is_in_the_documented_file() -> None:
    found = cluster()
    text = (ROOT / "examples" / PRODUCT / said(r"kubectl apply -f (\S+)\.\n", PROD)).read_text()
    deployment = next(part for part in yaml.safe_load_all(text) if part["kind"] == "Deployment")

    assert deployment["metadata"]["name"] == found["deployment"]
    assert [part["name"] for part in deployment["spec"]["template"]["spec"]["containers"]] == [found["container"]]


def test_the_rollout_is_waited_for_and_release_comes_before_deployment() -> None:
    assert cluster()["rollout_seconds"] == 300
    assert Deployed.of(PRODUCT, "main").stages[-2:] == ["Release", "Production"]


def test_releases_are_in_the_documented_public_registry() -> None:
    """Snapshots stay private: what nobody released is not published."""
    assert said("your Amazon ECR (Public) registry") == "Public"
    (public,) = shipped(PRODUCT).resources("AWS::ECR::PublicRepository").values()
    rights = {
        action
        for _, statement in statements(shipped(PRODUCT)[f"tooling-{PRODUCT}-delivery"])
        for action in listed(statement["Action"])
        if action.startswith(("ecr-public:", "sts:GetServiceBearerToken"))
    }

    assert public["Properties"]["RepositoryName"] == "book-shop/app"
    assert public["DeletionPolicy"] == "Retain"
    assert parameters("Release", "Public")["images"] == ["#{SnapshotFind.AppImage}"]
    assert "ecr-public:PutImage" in rights
    assert not rights & {"ecr-public:BatchDeleteImage", "ecr-public:GetAuthorizationToken", "sts:GetServiceBearerToken"}
