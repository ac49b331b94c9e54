"""ECR Public takes an image by its API, in us-east-1, for those who may."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
from typing import Any

import pytest
from botocore.exceptions import ClientError

from localcloud.testing.plain import ACCOUNT, Plain, plain, resources, unique

__all__ = ["plain"]

pytestmark = pytest.mark.local
PART = 5 * 1024 * 1024


def digest(content: bytes) -> str:
    return f"sha256:{hashlib.sha256(content).hexdigest()}"


@pytest.fixture(name="name")
def _name(plain: Plain) -> str:
    name = unique("shop").lower()
    made = plain.deploy(resources(Public=("AWS::ECR::PublicRepository", {"RepositoryName": name})))["Public"]
    assert made == name
    return name


def upload(api: Any, name: str, *parts: bytes) -> str:
    identifier, first = api.initiate_layer_upload(repositoryName=name)["uploadId"], 0
    for part in parts:
        api.upload_layer_part(
            repositoryName=name,
            uploadId=identifier,
            partFirstByte=first,
            partLastByte=first + len(part) - 1,
            layerPartBlob=part,
        )
        first += len(part)
    content = digest(b"".join(parts))
    api.complete_layer_upload(repositoryName=name, uploadId=identifier, layerDigests=[content])
    return content


def manifest(*layers: str) -> str:
    config, *others = layers
    parts = [{"mediaType": "application/vnd.oci.image.layer.v1.tar+gzip", "digest": found} for found in others]
    return json.dumps({"schemaVersion": 2, "config": {"digest": config}, "layers": parts})


def test_a_repository_of_a_template_has_a_public_address(plain: Plain, name: str) -> None:
    (found,) = plain.client("ecr-public").describe_repositories(repositoryNames=[name])["repositories"]

    assert found["repositoryUri"] == f"public.ecr.aws/localcloud/{name}"
    assert found["repositoryArn"] == f"arn:aws:ecr-public::{ACCOUNT}:repository/{name}"


def test_an_image_needs_its_layers_first(plain: Plain, name: str) -> None:
    api = plain.client("ecr-public")
    config = upload(api, name, b"{}")
    layer = upload(api, name, b"a" * PART, b"b")
    document = manifest(config, layer)

    with pytest.raises(api.exceptions.LayersNotFoundException):
        api.put_image(repositoryName=name, imageManifest=manifest(config, digest(b"missing")), imageTag="v1")
    api.put_image(repositoryName=name, imageManifest=document, imageTag="v1")

    (image,) = api.describe_images(repositoryName=name, imageIds=[{"imageTag": "v1"}])["imageDetails"]
    assert (image["imageDigest"], image["imageSizeInBytes"]) == (digest(document.encode()), PART + 3)
    states = api.batch_check_layer_availability(repositoryName=name, layerDigests=[layer, digest(b"missing")])
    assert [found["layerAvailability"] for found in states["layers"]] == ["AVAILABLE", "UNAVAILABLE"]
    with pytest.raises(api.exceptions.ImageNotFoundException):
        api.describe_images(repositoryName=name, imageIds=[{"imageTag": "v2"}])


def test_a_tag_moves_to_another_image(plain: Plain, name: str) -> None:
    api = plain.client("ecr-public")
    first, second = (manifest(upload(api, name, content)) for content in (b"1", b"2"))
    for document in (first, second):
        api.put_image(repositoryName=name, imageManifest=document, imageTag="v1")

    (image,) = api.describe_images(repositoryName=name, imageIds=[{"imageTag": "v1"}])["imageDetails"]
    assert image["imageDigest"] == digest(second.encode())


def test_wrong_parts_are_refused(plain: Plain, name: str) -> None:
    api = plain.client("ecr-public")
    with pytest.raises(api.exceptions.LayerPartTooSmallException):
        upload(api, name, b"small", b"small too")
    identifier = api.initiate_layer_upload(repositoryName=name)["uploadId"]
    with pytest.raises(api.exceptions.InvalidLayerPartException):
        api.upload_layer_part(
            repositoryName=name, uploadId=identifier, partFirstByte=7, partLastByte=9, layerPartBlob=b"abc"
        )
    with pytest.raises(api.exceptions.EmptyUploadException):
        api.complete_layer_upload(repositoryName=name, uploadId=identifier, layerDigests=[digest(b"")])


def test_a_role_may_push_to_its_repository_only(plain: Plain, name: str) -> None:
    allowed = {
        "Effect": "Allow",
        "Action": "ecr-public:InitiateLayerUpload",
        "Resource": f"arn:aws:ecr-public::{ACCOUNT}:repository/{name}",
    }
    api = plain.client("ecr-public", plain.session(plain.role(unique("pusher"), allowed)))

    api.initiate_layer_upload(repositoryName=name)
    with pytest.raises(ClientError, match="ecr-public:InitiateLayerUpload"):
        api.initiate_layer_upload(repositoryName="other")


def test_a_password_needs_the_right_to_a_bearer_token(plain: Plain) -> None:
    token = {"Effect": "Allow", "Action": "ecr-public:GetAuthorizationToken", "Resource": "*"}
    bearer = {"Effect": "Allow", "Action": "sts:GetServiceBearerToken", "Resource": "*"}
    lacking = plain.client("ecr-public", plain.session(plain.role(unique("lacking"), token)))
    having = plain.client("ecr-public", plain.session(plain.role(unique("having"), token, bearer)))

    with pytest.raises(ClientError, match="sts:GetServiceBearerToken"):
        lacking.get_authorization_token()
    assert having.get_authorization_token()["authorizationData"]["authorizationToken"]


def test_other_regions_have_no_endpoint(plain: Plain) -> None:
    api = plain.client("ecr-public", region="eu-west-1")

    with pytest.raises(api.exceptions.UnsupportedCommandException, match="us-east-1 only"):
        api.describe_registries()


def test_the_cli_prints_a_password(plain: Plain) -> None:
    words = ["aws", "ecr-public", "get-login-password", "--region", "us-east-1", "--endpoint-url", plain.url]
    keys = plain.key.credentials()
    names = {"AWS_ACCESS_KEY_ID": keys["AccessKeyId"], "AWS_SECRET_ACCESS_KEY": keys["SecretAccessKey"]}

    printed = subprocess.run(
        words, capture_output=True, text=True, check=False, timeout=60, env={**os.environ, **names}
    )

    assert printed.returncode == 0, printed.stderr
    assert len(printed.stdout.strip()) > 20
