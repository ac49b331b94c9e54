"""The book shop's dev workflow matches its own documentation, whose sentences are below."""

from __future__ import annotations

import re

import yaml

from paths import ROOT
from tests.conformance.reading import Deployed, host_configuration
from tests.support.synthesis import shipped

PRODUCT, FLOW = "book-shop", "dev"
# § Dev Workflow.
DOCUMENT = """\
Event: Monitor the repository for a push.
Filter: Only act if the push happens on the dev branch.
Read Version: Open pyproject.toml, find the version = "X.Y.Z" line, and grab the numbers.
Get SHA: Grab the unique 7-character "Short SHA" of the current commit.
Combine: Create a variable called IMAGE_TAG that looks like X.Y.Z-SNAPSHOT-<SHA> (e.g., 1.2.0-SNAPSHOT-7d2a1b).
Docker Build: Run the command to create the image based on your Dockerfile.
Push: Upload that specific tagged image to your ECR repository.
Connect: Use an SSH Action to open a secure tunnel into your EC2 instance using the EC2_SSH_KEY.
Pull: Download the brand-new IMAGE_TAG from ECR.
Stop/Clean: Stop the old "dev-app" container if it's running and delete it.
Map Port 8080 on the EC2 to Port 8000 (or whatever Django uses) inside the container.
Name it dev-app for easy tracking.
Cleanup: Remove old, unused Docker images to save that 30GB disk space.
"""


def said(pattern: str) -> str:
    """Returns what the group of a pattern matches in the document."""
    found = re.search(pattern, DOCUMENT)
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
    assert deployed.steps("Publish") == [{"App", "Compose"}]
    assert deployed.steps("Dev")[-1] == {"Verify"}


def test_the_image_has_the_documented_tag_with_the_version_of_the_documented_file() -> None:
    variables = Deployed.of(PRODUCT, FLOW).variables("Publish", "App")
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
