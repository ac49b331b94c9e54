"""Two commits with the same short SHA, really built: main builds its own image, also in an upgraded registry."""

from __future__ import annotations

import copy
import hashlib
import io
import json
import zipfile
from pathlib import Path
from typing import Any

import boto3
import pytest

from localcloud import keys
from localcloud.testing.builds import LOGS, REGISTRY, Builder, allow, exported
from localcloud.testing.cloud import IMAGE, Cloud
from localcloud.testing.plain import REGION, unique
from localcloud.testing.tasks import run, stack
from publish_build import handler
from shared.job import Done, Job
from tests.conformance.reading import Deployed
from tests.support.collision import SHORT, Twins, twins
from tests.support.synthesis import Json, listed, shipped, statements

pytestmark = [pytest.mark.local, pytest.mark.docker, pytest.mark.slow]

PRODUCT = "edenco"  # its documented tags contain only the short SHA of a commit
MAIN, BRANCHES = f"{PRODUCT}/backend", f"{PRODUCT}/branches/backend"
OF_BUILDS = f"{PRODUCT}/builds/"  # where images wait for the tests
FILES = {
    "backend/Dockerfile": f"FROM {IMAGE} AS production\nCOPY page /page\n",
    "backend/config/__init__.py": '__version__ = "1.2.0"\n',
}


@pytest.fixture(scope="module")
def commits(tmp_path_factory: pytest.TempPathFactory) -> Twins:
    ours, theirs = ({**FILES, "backend/page": page} for page in ("of main", "of a feature branch"))
    return twins(tmp_path_factory.mktemp("twins") / "git", ours, theirs)


def registry() -> Json:
    """The Registry stack as synthesized, without what the CDK CLI checks."""
    template = copy.deepcopy(shipped(PRODUCT)[f"tooling-{PRODUCT}-registry"])
    return {"Resources": template["Resources"]}


def registry_of_before() -> Json:
    """The Registry stack before branches had their own repository: one repository for all tags and layers."""
    template = registry()
    for logical_id, resource in list(template["Resources"].items()):
        name = resource["Properties"]["RepositoryName"]
        if name == BRANCHES or name.startswith(OF_BUILDS):
            del template["Resources"][logical_id]
        else:
            moving = ["latest", "feature-*", "main", "cache-*"]
            resource["Properties"]["ImageTagMutabilityExclusionFilters"] = [
                {"ImageTagMutabilityExclusionFilterType": "WILDCARD", "ImageTagMutabilityExclusionFilterValue": tag}
                for tag in moving
            ]
    return template


@pytest.fixture(scope="module")
def before(cloud: Cloud, commits: Twins) -> dict[str, str]:
    """Fills the registry, upgrades it with one deployment, and returns the tags and digests from before."""
    stack, ecr = unique("registry"), cloud.client("ecr")
    cloud.deploy(registry_of_before(), stack)
    held = {}
    for number, tags in enumerate(
        [
            ["1.1.0", "1.1.0-abc1234", "v1.1.0-abc1234"],  # a release
            [f"1.2.0-{commits.main[:SHORT]}", "1.2.0", "cache-main", "cache-general", "feature-twin"],  # a branch's
        ]
    ):
        manifest = json.dumps(
            {"schemaVersion": 2, "mediaType": "application/vnd.oci.image.manifest.v1+json", "layers": [], "n": number}
        )
        for tag in tags:
            ecr.put_image(repositoryName=MAIN, imageManifest=manifest, imageTag=tag)
            held[tag] = f"sha256:{hashlib.sha256(manifest.encode()).hexdigest()}"
    cloud.deploy(registry(), stack)
    return held


def tags(cloud: Cloud, repository: str) -> dict[str, str]:
    found = cloud.client("ecr").describe_images(repositoryName=repository)["imageDetails"]
    return {tag: image["imageDigest"] for image in found for tag in image.get("imageTags", [])}


def rights(stack: str, role: str, product: str = PRODUCT) -> list[dict[str, Any]]:
    """Returns the statements of a role on the registry, as synthesized, for the repositories of `PRODUCT`."""
    found = [
        statement
        for logical_id, statement in statements(shipped(product)[stack])
        if logical_id.startswith(role)
        and any(str(action).startswith("ecr:") for action in listed(statement.get("Action", [])))
    ]
    assert found
    joined = '{"Fn::Join": ["", ["arn:", {"Ref": "AWS::Partition"}, "'
    plain: list[dict[str, Any]] = json.loads(
        json.dumps(found)
        .replace(joined, '"arn:aws')
        .replace('"]]}', '"')
        .replace(f":repository/{product}/", f":repository/{PRODUCT}/")
    )
    return plain


def builder(cloud: Cloud, flow: str, commits: Twins, folder: Path, **more: str) -> Builder:
    """The project of a flow's image build: its buildspec, variables and rights, on a checked-out commit."""
    commit, branch = {"main": (commits.main, "main"), "feature": (commits.feature, "feature/twin")}[flow]
    bucket, s3 = unique("source"), cloud.client("s3")
    s3.create_bucket(Bucket=bucket)
    source, packed = commits.check_out(commit, folder), io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for file in source.rglob("*"):
            archive.write(file, file.relative_to(source))
    s3.put_object(Bucket=bucket, Key="source.zip", Body=packed.getvalue())
    deployed = Deployed.of(PRODUCT, flow)
    settings = {
        **deployed.variables("Test", "BuildBackend"),
        "COMMIT": commit,
        "BRANCH": branch,
        "PLATFORM": "",
        **more,
    }
    return Builder(
        cloud,
        deployed.buildspec("Test", "BuildBackend"),
        LOGS,
        allow(["s3:GetObject"]),
        *rights(f"tooling-{PRODUCT}-delivery", f"{flow.capitalize()}TestBuildBackendRole"),
        privileged=True,
        source={"type": "S3", "location": f"{bucket}/source.zip"},
        variables=[{"name": key, "value": value} for key, value in settings.items()],
    )


def published(cloud: Cloud, flow: str, commits: Twins, folder: Path) -> tuple[str, str]:
    """The repository and the digest of the image that a flow built, or found, and published as after its tests."""
    project = builder(cloud, flow, commits, folder)
    build = project.run()
    assert build["buildStatus"] == "SUCCEEDED", "\n".join(project.log(build))
    said, uris = exported(build), Deployed.of(PRODUCT, flow).variables("Test", "BuildBackend")
    repositories = [uris[name].partition("/")[2] for name in ("REPOSITORY_URI", "PUBLISHED_URI")]
    image = publish(
        cloud,
        {
            "image": said["IMAGE"],
            "commit": {"main": commits.main, "feature": commits.feature}[flow],
            "repositories": dict([repositories]),
            "tags": said["PUBLISHED_TAGS"],
            "version": said["RELEASE_VERSION"],
            "release_tag": said["RELEASE_TAG"],
        },
    )
    repository, _, digest = image.partition("/")[2].partition("@")
    return repository, digest


def publish(cloud: Cloud, parameters: Json) -> str:
    """Runs the function that publishes until it is done; returns the URI of the image."""
    data: Json = {"actionConfiguration": {"configuration": {"UserParameters": json.dumps(parameters)}}}
    with pytest.MonkeyPatch.context() as environment:
        environment.setattr(boto3, "DEFAULT_SESSION", None)  # it keeps the credentials of its first client
        own = {"AWS_ENDPOINT_URL": cloud.url, "AWS_REGION": REGION, "AWS_DEFAULT_REGION": REGION}
        for name, value in {**own, **keys.root(cloud.settings).variables()}.items():
            environment.setenv(name, value)
        while True:
            outcome = handler.publish(Job({"CodePipeline.job": {"id": unique("job"), "data": data}}, minutes=30))
            if isinstance(outcome, Done):
                return outcome.variables["IMAGE"]


@pytest.fixture(scope="module")
def both(
    cloud: Cloud, before: dict[str, str], commits: Twins, tmp_path_factory: pytest.TempPathFactory
) -> dict[str, tuple[str, str]]:
    """Returns what the feature branch built first, and what main built then."""
    folder = tmp_path_factory.mktemp("sources")
    return {flow: published(cloud, flow, commits, folder / flow) for flow in ("feature", "main")}


def test_main_builds_its_own_image(
    cloud: Cloud, both: dict[str, tuple[str, str]], before: dict[str, str], commits: Twins, tmp_path: Path
) -> None:
    assert [repository for repository, _ in both.values()] == [BRANCHES, MAIN]
    digests = [digest for _, digest in both.values()]
    assert len({*digests, *before.values()}) == 4
    assert published(cloud, "main", commits, tmp_path / "again") == both["main"]


def test_only_main_writes_the_version_latest_and_mains_branch_tag(
    cloud: Cloud, both: dict[str, tuple[str, str]], commits: Twins
) -> None:
    in_main, in_branches = tags(cloud, MAIN), tags(cloud, BRANCHES)
    short = f"1.2.0-{commits.main[:SHORT]}"

    assert {in_main[tag] for tag in (f"commit-{commits.main}", "latest", "main")} == {both["main"][1]}
    assert set(in_branches) == {
        f"commit-{commits.feature}",
        short,
        "feature-twin",
    }


def test_the_upgrade_keeps_every_image_and_every_tag(
    cloud: Cloud, both: dict[str, tuple[str, str]], before: dict[str, str]
) -> None:
    assert both
    found = tags(cloud, MAIN)

    assert {tag: found[tag] for tag in before} == before


@pytest.mark.parametrize("variable", ["REPOSITORY_URI", "PUBLISHED_URI"])
def test_a_feature_build_that_names_a_repository_of_main_is_refused(
    cloud: Cloud, both: dict[str, tuple[str, str]], commits: Twins, tmp_path: Path, variable: str
) -> None:
    uri = Deployed.of(PRODUCT, "main").variables("Test", "BuildBackend")[variable]
    repository = uri.partition("/")[2]
    project = builder(cloud, "feature", commits, tmp_path / "source", REPOSITORY_URI=uri)
    seen = tags(cloud, repository)

    build = project.run()

    assert build["buildStatus"] == "FAILED"
    assert f"repository/{repository}" in "\n".join(project.log(build))
    assert tags(cloud, repository) == seen
    assert both


@pytest.mark.parametrize(
    "puller",
    [
        pytest.param(("allthrive", "services", "WebTaskExecutionRole"), id="fargate"),
        pytest.param(("edenco", "hosts", "Role"), id="hosts"),
    ],
)
@pytest.mark.parametrize(
    ("environment", "flow", "ends"),
    [
        ("staging", "feature", "EssentialContainerExited"),
        ("staging", "main", "EssentialContainerExited"),
        ("production", "main", "EssentialContainerExited"),
        ("production", "feature", "TaskFailedToStart"),
    ],
)
def test_an_environment_can_run_images_of_branches_only_if_a_flow_deploys_them(
    cloud: Cloud,
    both: dict[str, tuple[str, str]],
    *,
    puller: tuple[str, str, str],
    environment: str,
    flow: str,
    ends: str,
) -> None:
    """A task runs with the statements of the role that pulls images in the environment: a task's role, or a host's."""
    name, (repository, digest) = unique("task"), both[flow]
    product, stack_of, role = puller
    pull = rights(f"{environment}-{product}-{stack_of}", role, product)
    image = f"{REGISTRY}/{repository}@{digest}"
    cloud.deploy(stack(name, "cat", "/page", statements=tuple(pull), Image=image), name)

    task = cloud.stopped(name, run(cloud, name))

    assert task["stopCode"] == ends, task
    if ends == "TaskFailedToStart":
        assert "not authorized to perform: ecr:BatchGetImage" in task["stoppedReason"]
    else:
        assert task["containers"][0]["exitCode"] == 0
