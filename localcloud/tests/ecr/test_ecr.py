"""ECR: images, immutable tags, layers and logins."""

from __future__ import annotations

import base64
import hashlib
import json
import subprocess
import urllib.error
import urllib.request
from typing import Any

import pytest
from botocore.exceptions import ClientError

from localcloud.testing.plain import Plain, plain, resources, unique

__all__ = ["plain"]

pytestmark = pytest.mark.local


def manifest(word: str) -> str:
    layer = {"mediaType": "application/vnd.docker.image.rootfs.diff.tar.gzip", "size": 1000, "digest": f"sha256:{word}"}
    body = {"schemaVersion": 2, "config": {"size": 24, "digest": f"sha256:c{word}"}, "layers": [layer]}
    return json.dumps(body)


def digest(text: str) -> str:
    return f"sha256:{hashlib.sha256(text.encode()).hexdigest()}"


def repository(plain: Plain, **props: Any) -> str:
    return plain.deploy(resources(Repository=("AWS::ECR::Repository", {"EmptyOnDelete": True, **props})))["Repository"]


def excluding(pattern: str) -> list[dict[str, str]]:
    kind = "ImageTagMutabilityExclusionFilterType"
    return [{kind: "WILDCARD", "ImageTagMutabilityExclusionFilterValue": pattern}]


def test_an_unknown_tag_is_an_error(plain: Plain) -> None:
    ecr, name = plain.client("ecr"), repository(plain)
    with pytest.raises(ecr.exceptions.ImageNotFoundException, match="imageTag:'v9'"):
        ecr.describe_images(repositoryName=name, imageIds=[{"imageTag": "v9"}])


def test_the_size_of_an_image_is_the_sum_of_its_layers(plain: Plain) -> None:
    ecr, name = plain.client("ecr"), repository(plain)
    ecr.put_image(repositoryName=name, imageManifest=manifest("a"), imageTag="v1")
    assert ecr.describe_images(repositoryName=name)["imageDetails"][0]["imageSizeInBytes"] == 1024


def test_a_second_tag_keeps_the_digest(plain: Plain) -> None:
    ecr, name = plain.client("ecr"), repository(plain, ImageTagMutability="IMMUTABLE")
    ecr.put_image(repositoryName=name, imageManifest=manifest("a"), imageTag="abc123")
    found = ecr.batch_get_image(repositoryName=name, imageIds=[{"imageTag": "abc123"}])["images"][0]
    again = ecr.put_image(repositoryName=name, imageManifest=found["imageManifest"], imageTag="release-1")["image"]
    assert again["imageId"]["imageDigest"] == digest(manifest("a"))
    details = ecr.describe_images(repositoryName=name)["imageDetails"]
    assert [sorted(item["imageTags"]) for item in details] == [["abc123", "release-1"]]


def test_an_immutable_tag_cannot_be_moved_but_an_excluded_one_can(plain: Plain) -> None:
    filters = excluding("latest*")
    name = repository(plain, ImageTagMutability="IMMUTABLE_WITH_EXCLUSION", ImageTagMutabilityExclusionFilters=filters)
    ecr = plain.client("ecr")
    for tag in ("v1", "latest-main"):
        ecr.put_image(repositoryName=name, imageManifest=manifest("a"), imageTag=tag)
    ecr.put_image(repositoryName=name, imageManifest=manifest("b"), imageTag="latest-main")
    with pytest.raises(ecr.exceptions.ImageTagAlreadyExistsException, match="immutable"):
        ecr.put_image(repositoryName=name, imageManifest=manifest("b"), imageTag="v1")
    shown = ecr.describe_repositories(repositoryNames=[name])["repositories"][0]
    assert shown["imageTagMutabilityExclusionFilters"] == [{"filterType": "WILDCARD", "filter": "latest*"}]


def test_putting_the_same_image_and_tag_again_is_a_specific_error(plain: Plain) -> None:
    ecr, name = plain.client("ecr"), repository(plain)
    ecr.put_image(repositoryName=name, imageManifest=manifest("a"), imageTag="v1")
    with pytest.raises(ecr.exceptions.ImageAlreadyExistsException):
        ecr.put_image(repositoryName=name, imageManifest=manifest("a"), imageTag="v1")


def test_a_wrong_digest_is_refused(plain: Plain) -> None:
    ecr, name = plain.client("ecr"), repository(plain)
    with pytest.raises(ecr.exceptions.ImageDigestDoesNotMatchException):
        ecr.put_image(repositoryName=name, imageManifest=manifest("a"), imageTag="v1", imageDigest=digest("other"))


def test_mutability_scanning_and_lifecycle_policy_can_be_updated(plain: Plain) -> None:
    stack, ecr = unique("repository"), plain.client("ecr")

    def template(mode: str, *, scan: bool, policy: str | None, pattern: str | None) -> dict[str, Any]:
        props: dict[str, Any] = {"ImageTagMutability": mode, "ImageScanningConfiguration": {"ScanOnPush": scan}}
        if policy:
            props["LifecyclePolicy"] = {"LifecyclePolicyText": policy}
        if pattern:
            props["ImageTagMutabilityExclusionFilters"] = excluding(pattern)
        return resources(Repository=("AWS::ECR::Repository", props))

    first = template("IMMUTABLE_WITH_EXCLUSION", scan=True, policy='{"rules": []}', pattern="dev*")
    name = plain.deploy(first, stack)["Repository"]
    assert ecr.get_lifecycle_policy(repositoryName=name)["lifecyclePolicyText"] == '{"rules": []}'
    plain.deploy(template("MUTABLE", scan=False, policy=None, pattern=None), stack)
    shown = ecr.describe_repositories(repositoryNames=[name])["repositories"][0]
    assert (shown["imageTagMutability"], shown["imageScanningConfiguration"]["scanOnPush"]) == ("MUTABLE", False)
    assert "imageTagMutabilityExclusionFilters" not in shown
    with pytest.raises(ClientError, match="LifecyclePolicyNotFound"):
        ecr.get_lifecycle_policy(repositoryName=name)


def request(
    plain: Plain, method: str, path: str, body: bytes = b"", kind: str = ""
) -> tuple[int, dict[str, str], bytes]:
    sent = urllib.request.Request(f"{plain.url}{path}", data=body or None, method=method)
    if kind:
        sent.add_header("Content-Type", kind)
    with urllib.request.urlopen(sent) as answer:
        return answer.status, dict(answer.headers), answer.read()


def test_layers_are_stored_on_disk_and_deleted_with_their_repository(plain: Plain) -> None:
    ecr, name = plain.client("ecr"), unique("layers")
    ecr.create_repository(repositoryName=name)
    data = b"layer" * 1000
    wanted = f"sha256:{hashlib.sha256(data).hexdigest()}"
    assert request(plain, "POST", f"/v2/{name}/blobs/uploads/?digest={wanted}", data)[0] == 201
    assert request(plain, "GET", f"/v2/{name}/blobs/{wanted}")[2] == data
    files = [file for file in (plain.state / "ecr").rglob("sha256-*") if file.read_bytes() == data]
    assert len(files) == 1
    ecr.delete_repository(repositoryName=name, force=True)
    assert not files[0].exists()


def test_a_push_cannot_move_an_immutable_tag(plain: Plain) -> None:
    ecr, name = plain.client("ecr"), unique("push")
    ecr.create_repository(repositoryName=name, imageTagMutability="IMMUTABLE")
    kind = "application/vnd.docker.distribution.manifest.v2+json"
    assert request(plain, "PUT", f"/v2/{name}/manifests/v1", manifest("a").encode(), kind)[0] == 201
    assert request(plain, "PUT", f"/v2/{name}/manifests/v1", manifest("a").encode(), kind)[0] == 201
    with pytest.raises(urllib.error.HTTPError, match="400"):
        request(plain, "PUT", f"/v2/{name}/manifests/v1", manifest("b").encode(), kind)


@pytest.mark.docker
def test_docker_logs_in_with_the_token(plain: Plain, tmp_path: Any) -> None:
    ecr = plain.client("ecr")
    token = ecr.get_authorization_token()["authorizationData"][0]["authorizationToken"]
    user, password = base64.b64decode(token).decode().split(":", 1)
    command = ["docker", "--config", str(tmp_path), "login", "-u", user, "--password-stdin", f"localhost:{plain.port}"]
    done = subprocess.run(command, input=password, text=True, capture_output=True, check=False)
    assert "Login Succeeded" in done.stdout, done.stderr


def test_a_scan_reports_that_images_are_not_scanned(plain: Plain) -> None:
    name = repository(plain)
    put = plain.client("ecr").put_image(repositoryName=name, imageManifest=manifest("a"), imageTag="v1")

    found = plain.client("ecr").describe_image_scan_findings(
        repositoryName=name, imageId={"imageDigest": put["image"]["imageId"]["imageDigest"]}
    )

    assert found["imageScanStatus"]["status"] == "FAILED"
    assert "does not scan" in found["imageScanStatus"]["description"]


def test_a_layer_that_was_uploaded_is_available_in_its_repository_and_in_no_other(plain: Plain) -> None:
    ecr, name, other = plain.client("ecr"), unique("held"), unique("empty")
    for repository_name in (name, other):
        ecr.create_repository(repositoryName=repository_name)
    data = b"layer" * 100
    wanted = f"sha256:{hashlib.sha256(data).hexdigest()}"
    upload = {"repositoryName": name, "uploadId": ecr.initiate_layer_upload(repositoryName=name)["uploadId"]}
    ecr.upload_layer_part(**upload, partFirstByte=0, partLastByte=len(data) - 1, layerPartBlob=data)
    ecr.complete_layer_upload(**upload, layerDigests=[wanted])

    here, there = (
        ecr.batch_check_layer_availability(repositoryName=where, layerDigests=[wanted])["layers"][0]
        for where in (name, other)
    )

    assert (here["layerAvailability"], here["layerSize"]) == ("AVAILABLE", len(data))
    assert there["layerAvailability"] == "UNAVAILABLE"
