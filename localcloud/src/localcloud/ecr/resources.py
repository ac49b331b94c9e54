"""ECR repositories: immutable tags with exclusions, correct image details, and layers on disk, not in memory."""

from __future__ import annotations

import fnmatch
import hashlib
import json
import shutil
from collections.abc import Iterator, MutableMapping
from pathlib import Path
from typing import Any

from ministack.core.responses import AccountRegionScopedDict, get_account_id, get_region
from ministack.services import ecr

from localcloud import adapter, settings
from localcloud.cloudformation import completion

SYMBOLS: tuple[str, ...] = (
    *completion.SYMBOLS,
    "ministack.core.responses:AccountRegionScopedDict",
    "ministack.services.ecr:_create_repository",
    "ministack.services.ecr:_delete_repository",
    "ministack.services.ecr:_describe_images",
    "ministack.services.ecr:_find_image",
    "ministack.services.ecr:_images",
    "ministack.services.ecr:_layer_blobs",
    "ministack.services.ecr:_manifest_blobs",
    "ministack.services.ecr:_put_image",
    "ministack.services.ecr:_put_image_tag_mutability",
    "ministack.services.ecr:_repo_shape",
    "ministack.services.ecr:_repositories",
    "ministack.services.ecr:_v2_put_manifest",
    "ministack.services.ecr:error_response_json",
)

_FILTERS = "imageTagMutabilityExclusionFilters"
Answer = tuple[int, dict[str, str], bytes]


# --- layers on disk --------------------------------------------------------------------------------------------------


class DiskBlobs(MutableMapping[str, bytes]):
    """The layers of a repository as files: digest -> content."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def _path(self, digest: str) -> Path:
        return self._folder / digest.replace(":", "-").replace("/", "_")

    def __getitem__(self, digest: str) -> bytes:
        try:
            return self._path(digest).read_bytes()
        except FileNotFoundError:
            raise KeyError(digest) from None

    def size(self, digest: str) -> int:
        """Returns the bytes of a layer, without reading them."""
        return self._path(digest).stat().st_size

    def __setitem__(self, digest: str, data: bytes) -> None:
        self._folder.mkdir(parents=True, exist_ok=True)
        temporary = self._path(digest).with_suffix(".part")
        temporary.write_bytes(data)
        temporary.replace(self._path(digest))

    def __delitem__(self, digest: str) -> None:
        try:
            self._path(digest).unlink()
        except FileNotFoundError:
            raise KeyError(digest) from None

    def __contains__(self, digest: object) -> bool:
        return self._path(str(digest)).exists()

    def __iter__(self) -> Iterator[str]:
        files = self._folder.iterdir() if self._folder.exists() else ()
        return (file.name.replace("-", ":", 1) for file in files if file.suffix != ".part")

    def __len__(self) -> int:
        return sum(1 for _ in self)

    def __deepcopy__(self, _memo: dict[int, object]) -> DiskBlobs:
        return self  # MiniStack copies its state on shutdown, but the layers are in the files


class DiskRegistry(AccountRegionScopedDict):  # type: ignore[misc]  # MiniStack ships no types
    """Replaces MiniStack's store of layers; each repository has a folder."""

    __slots__ = ("_root",)

    def __init__(self, root: Path) -> None:
        super().__init__()
        self._root = root
        shutil.rmtree(root, ignore_errors=True)  # repositories are empty after a start, so are their layers

    def setdefault(self, key: str, default: Any = None) -> DiskBlobs:  # noqa: ARG002 - the store's signature
        """Returns the layers of a repository; its folder is created with the first layer."""
        folder = self._root / get_account_id() / get_region() / key.replace("/", "%2F")
        blobs: DiskBlobs = super().setdefault(key, DiskBlobs(folder))
        return blobs

    def pop(self, key: str, *default: Any) -> Any:
        """Remove a repository and its files."""
        blobs = super().pop(key, *default)
        if isinstance(blobs, DiskBlobs):
            shutil.rmtree(blobs._folder, ignore_errors=True)
        return blobs

    def clear(self) -> None:
        """Remove all repositories and files."""
        super().clear()
        shutil.rmtree(self._root, ignore_errors=True)


# --- immutable tags --------------------------------------------------------------------------------------------------


def immutable(repository: dict[str, Any], tag: str) -> bool:
    """True if the tag of the repository is immutable."""
    mode = repository.get("imageTagMutability", "MUTABLE")
    matches = any(fnmatch.fnmatchcase(tag, item["filter"]) for item in repository.get(_FILTERS) or [])
    if mode == "IMMUTABLE_WITH_EXCLUSION":
        return not matches
    if mode == "MUTABLE_WITH_EXCLUSION":
        return matches
    return bool(mode == "IMMUTABLE")


def _holder(name: str, tag: str) -> dict[str, Any] | None:
    found: dict[str, Any] | None = ecr._find_image(name, {"imageTag": tag})
    return found


def _refusal(name: str, tag: str, digest: str) -> tuple[str, str] | None:
    """Returns the error code and message if the tag may not be assigned to the image; None if it may."""
    holder = _holder(name, tag)
    if holder is None:
        return None
    if holder["imageDigest"] == digest:
        return (
            "ImageAlreadyExistsException",
            f"Image with digest '{digest}' and tag '{tag}' already exists in the repository with name '{name}'",
        )
    if immutable(ecr._repositories[name], tag):
        taken = f"The image tag '{tag}' already exists in the '{name}' repository"
        return (
            "ImageTagAlreadyExistsException",
            f"{taken} and cannot be overwritten because the repository is immutable.",
        )
    return None


def _delete_repository(original: Any) -> Any:
    """The deletion of a repository also deletes its layers and manifests."""

    def delete(data: dict[str, Any]) -> Answer:
        answer: Answer = original(data)
        if answer[0] == 200:  # noqa: PLR2004 - success
            for store in (ecr._layer_blobs, ecr._manifest_blobs):
                store.pop(data["repositoryName"], None)
        return answer

    return delete


def _put_image(original: Any) -> Any:
    def put(data: dict[str, Any]) -> Answer:
        name, tag, manifest = data.get("repositoryName", ""), data.get("imageTag"), data.get("imageManifest", "")
        if name not in ecr._repositories:
            return original(data)  # type: ignore[no-any-return]  # MiniStack ships no types
        digest = f"sha256:{hashlib.sha256(manifest.encode()).hexdigest()}"
        if data.get("imageDigest") not in (None, digest):
            message = f"The specified image digest does not match: {data['imageDigest']} is not {digest}"
            return ecr.error_response_json("ImageDigestDoesNotMatchException", message, 400)  # type: ignore[no-any-return]  # MiniStack ships no types
        refusal = _refusal(name, tag, digest) if tag else None
        if refusal:
            return ecr.error_response_json(*refusal, 400)  # type: ignore[no-any-return]  # MiniStack ships no types
        ecr._manifest_blobs.setdefault(name, {})[digest] = manifest.encode()
        return original(data)  # type: ignore[no-any-return]  # MiniStack ships no types

    return put


def _put_manifest(original: Any) -> Any:
    """A push by tag respects immutable tags; pushing the same image again is allowed."""

    def put(name: str, ref: str, headers: dict[str, str], body: bytes) -> Answer:
        repository = ecr._repositories.get(name)
        holder = _holder(name, ref) if repository and not ref.startswith("sha256:") else None
        digest = f"sha256:{hashlib.sha256(body).hexdigest()}"
        if repository and holder and holder["imageDigest"] != digest and immutable(repository, ref):
            error = {"code": "TAG_INVALID", "message": f"tag '{ref}' is immutable", "detail": {"tag": ref}}
            return 400, {"Content-Type": "application/json"}, json.dumps({"errors": [error]}).encode()
        return original(name, ref, headers, body)  # type: ignore[no-any-return]  # MiniStack ships no types

    return put


def _keeping_filters(original: Any) -> Any:
    """CreateRepository and PutImageTagMutability store the exclusion filters."""

    def handle(data: dict[str, Any]) -> Answer:
        answer: Answer = original(data)
        if answer[0] != 200:  # noqa: PLR2004 - success
            return answer
        repository = ecr._repositories[data["repositoryName"]]
        repository[_FILTERS] = data.get(_FILTERS) or []
        body = json.loads(answer[2])
        body.get("repository", body)[_FILTERS] = repository[_FILTERS]
        return answer[0], answer[1], json.dumps(body).encode()

    return handle


def _shape(original: Any) -> Any:
    def shape(repository: dict[str, Any]) -> dict[str, Any]:
        filters = repository.get(_FILTERS)
        return {**original(repository), **({_FILTERS: filters} if filters else {})}

    return shape


# --- image details ---------------------------------------------------------------------------------------------------


def _size(image: dict[str, Any]) -> int | None:
    manifest = json.loads(image.get("imageManifest") or "{}")
    if "layers" not in manifest:
        return None
    return int(manifest.get("config", {}).get("size", 0)) + sum(int(layer["size"]) for layer in manifest["layers"])


def _describe_images(original: Any) -> Any:
    """An unknown image is an error, on which the CDK relies to publish it; sizes are those of the layers."""

    def describe(data: dict[str, Any]) -> Answer:
        answer: Answer = original(data)
        if answer[0] != 200:  # noqa: PLR2004 - success
            return answer
        name = data["repositoryName"]
        for wanted in data.get("imageIds") or []:
            if not ecr._find_image(name, wanted):
                shown = ", ".join(f"{key}:'{value}'" for key, value in wanted.items())
                message = (
                    f"The image with imageId {{{shown}}} does not exist within the repository with name '{name}' "
                    f"in the registry with id '{get_account_id()}'"
                )
                return ecr.error_response_json("ImageNotFoundException", message, 400)  # type: ignore[no-any-return]  # MiniStack ships no types
        body = json.loads(answer[2])
        for detail in body["imageDetails"]:
            size = _size(ecr._find_image(name, {"imageDigest": detail["imageDigest"]}))
            detail["imageSizeInBytes"] = detail["imageSizeInBytes"] if size is None else size
        return answer[0], answer[1], json.dumps(body).encode()

    return describe


def _mutability(name: str, _value: Any, props: adapter.Props) -> None:
    wanted = {"RepositoryName": name, "ImageTagMutability": props.get("ImageTagMutability", "MUTABLE")}
    filters = [
        {
            "filterType": item["ImageTagMutabilityExclusionFilterType"],
            "filter": item["ImageTagMutabilityExclusionFilterValue"],
        }
        for item in props.get("ImageTagMutabilityExclusionFilters") or []
    ]
    adapter.call("ecr", "put_image_tag_mutability", {**wanted, _FILTERS: filters} if filters else wanted)


def install() -> None:
    """Correct the registry, and complete `AWS::ECR::Repository`."""
    ecr._layer_blobs = DiskRegistry(settings.current().state / "ecr")
    ecr._create_repository = _keeping_filters(ecr._create_repository)
    ecr._put_image_tag_mutability = _keeping_filters(ecr._put_image_tag_mutability)
    ecr._repo_shape = _shape(ecr._repo_shape)
    ecr._delete_repository = _delete_repository(ecr._delete_repository)
    ecr._put_image = _put_image(ecr._put_image)
    ecr._v2_put_manifest = _put_manifest(ecr._v2_put_manifest)
    ecr._describe_images = _describe_images(ecr._describe_images)
    completion.complete(
        "AWS::ECR::Repository",
        {"ImageTagMutabilityExclusionFilters": _mutability, "ImageTagMutability": _mutability},
    )
