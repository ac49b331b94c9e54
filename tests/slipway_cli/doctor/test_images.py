"""Images in use must be built for the architecture of their environment."""

from __future__ import annotations

import hashlib
import json
from typing import Any

import pytest

from tests.slipway_cli.doctor.conftest import Account
from tests.slipway_cli.doctor.findings import check, missing, ok

pytestmark = pytest.mark.local

REPOSITORY, RUNNING = "allthrive/backend", "in-use-staging-running"
MANIFEST = "application/vnd.oci.image.manifest.v1+json"
INDEX = "application/vnd.oci.image.index.v1+json"
X86 = {f"environments.{name}.architecture": "x86_64" for name in ("staging", "production")}


def upload(ecr: Any, content: bytes) -> dict[str, Any]:
    """Uploads a blob, and returns its descriptor."""
    digest = f"sha256:{hashlib.sha256(content).hexdigest()}"
    begun = ecr.initiate_layer_upload(repositoryName=REPOSITORY)["uploadId"]
    ecr.upload_layer_part(
        repositoryName=REPOSITORY, uploadId=begun, partFirstByte=0, partLastByte=len(content) - 1, layerPartBlob=content
    )
    ecr.complete_layer_upload(repositoryName=REPOSITORY, uploadId=begun, layerDigests=[digest])
    return {"mediaType": "application/vnd.oci.image.config.v1+json", "digest": digest, "size": len(content)}


def put(ecr: Any, manifest: dict[str, Any]) -> None:
    """Puts an image's manifest with the tag of what staging runs."""
    ecr.put_image(
        repositoryName=REPOSITORY,
        imageManifest=json.dumps({"schemaVersion": 2, **manifest}),
        imageManifestMediaType=manifest["mediaType"],
        imageTag=RUNNING,
    )


def test_an_image_for_another_architecture_cannot_run(account: Account) -> None:
    asked, ecr = check("images"), account.client("ecr")
    assert account.ask(asked, "tooling") == []  # no repository yet
    ecr.create_repository(repositoryName=REPOSITORY)
    assert account.ask(asked, "tooling") == []  # no image yet

    configuration = upload(ecr, json.dumps({"architecture": "arm64", "os": "linux"}).encode())
    put(ecr, {"mediaType": MANIFEST, "config": configuration, "layers": []})

    assert ok(account.ask(asked, "tooling")) == {"image backend in staging": "built for arm64"}
    found = missing(account.ask(asked, "tooling", X86))
    assert found.detail == "built for arm64, the manifest says x86_64"


def test_an_image_for_several_architectures_names_them_itself(account: Account) -> None:
    asked, ecr = check("images"), account.client("ecr")
    ecr.create_repository(repositoryName=REPOSITORY)
    digest = f"sha256:{'0' * 64}"
    entries = [
        {"mediaType": MANIFEST, "digest": digest, "size": 2, "platform": {"os": "linux", "architecture": name}}
        for name in ("amd64", "unknown")  # BuildKit's attestations are for no platform
    ]
    put(ecr, {"mediaType": INDEX, "manifests": entries})

    assert ok(account.ask(asked, "tooling", X86)) == {"image backend in staging": "built for amd64"}
    assert missing(account.ask(asked, "tooling")).detail == "built for amd64, the manifest says arm64"
