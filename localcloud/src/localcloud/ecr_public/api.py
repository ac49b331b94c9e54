"""The operations of ECR Public, which AWS has in us-east-1 only."""

from __future__ import annotations

import base64
import shutil
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from ministack.core import iam_evaluator
from ministack.core.responses import AccountRegionScopedDict, get_account_id, get_region

from localcloud import json_services, settings
from localcloud.ecr import login
from localcloud.ecr.resources import DiskBlobs
from localcloud.ecr_public import images
from localcloud.ecr_public.images import Repository
from localcloud.json_services import JsonService, Operation, Request, ServiceError

SYMBOLS: tuple[str, ...] = (
    *json_services.SYMBOLS,
    *login.SYMBOLS,
    "ministack.core.responses:AccountRegionScopedDict",
    "ministack.core.responses:get_account_id",
    "ministack.core.responses:get_region",
)

REGION = "us-east-1"  # docs.aws.amazon.com/general/latest/gr/ecr-public.html
_ALIAS = "localcloud"  # AWS gives each registry a random one
_BEARER = "sts:GetServiceBearerToken"

_repositories: Any = AccountRegionScopedDict()


def clear() -> None:
    """Deletes every repository with its layers."""
    _repositories.clear()
    shutil.rmtree(_folder(), ignore_errors=True)


def _folder() -> Path:
    return settings.current().state / "ecr-public"


def put(name: str, description: str) -> Repository:
    """Creates a repository.

    Raises:
        ServiceError: if there is one of this name.
    """
    if name in _repositories:
        raise ServiceError(
            "RepositoryAlreadyExistsException",
            f"The repository with name '{name}' already exists in the registry with id '{get_account_id()}'",
        )
    layers = DiskBlobs(_folder() / get_account_id() / name.replace("/", "%2F"))
    made: Repository = _repositories.setdefault(name, Repository(name, get_account_id(), description, layers))
    return made


def remove(name: str, *, force: bool) -> Repository:
    """Deletes a repository.

    Raises:
        ServiceError: if there is none, or if it has images and the deletion is not forced.
    """
    found = _found({"repositoryName": name})
    if found.images and not force:
        raise ServiceError("RepositoryNotEmptyException", f"The repository with name '{name}' still contains images")
    del _repositories[name]
    shutil.rmtree(_folder() / get_account_id() / name.replace("/", "%2F"), ignore_errors=True)
    return found


def arn(name: str) -> str:
    """Returns the ARN of a repository; it has no region."""
    return f"arn:aws:ecr-public::{get_account_id()}:repository/{name}"


def _found(request: Request) -> Repository:
    if request.get("registryId") not in (None, get_account_id()):
        raise ServiceError("RepositoryNotFoundException", "Only the caller's own registry is here")
    found: Repository | None = _repositories.get(request["repositoryName"])
    if found is None:
        raise ServiceError(
            "RepositoryNotFoundException",
            f"The repository with name '{request['repositoryName']}' does not exist in the registry with id "
            f"'{get_account_id()}'",
        )
    return found


def _shown(repository: Repository) -> dict[str, Any]:
    return {
        "repositoryArn": arn(repository.name),
        "registryId": repository.account,
        "repositoryName": repository.name,
        "repositoryUri": f"public.ecr.aws/{_ALIAS}/{repository.name}",
        "createdAt": repository.created,
    }


def _create(request: Request) -> dict[str, Any]:
    catalog = request.get("catalogData") or {}
    return {"repository": _shown(put(request["repositoryName"], str(catalog.get("description", ""))))}


def _describe(request: Request) -> dict[str, Any]:
    names = request.get("repositoryNames")
    found = [_found({"repositoryName": name}) for name in names] if names else list(_repositories.values())
    return {"repositories": [_shown(repository) for repository in found]}


def _delete(request: Request) -> dict[str, Any]:
    return {"repository": _shown(remove(request["repositoryName"], force=bool(request.get("force"))))}


def _registries(_request: Request) -> dict[str, Any]:
    account = get_account_id()
    alias = {"name": _ALIAS, "status": "ACTIVE", "primaryRegistryAlias": True, "defaultRegistryAlias": True}
    registry = {
        "registryId": account,
        "registryArn": f"arn:aws:ecr-public::{account}:registry/{account}",
        "registryUri": f"public.ecr.aws/{_ALIAS}",
        "verified": False,
        "aliases": [alias],
    }
    return {"registries": [registry]}


def _catalog(request: Request) -> dict[str, Any]:
    return {"catalogData": {"description": _found(request).description}}


def _token(_request: Request) -> dict[str, Any]:
    """GetAuthorizationToken also needs the right to get a bearer token, as on AWS."""
    key = iam_evaluator._verified_key.get()
    if iam_evaluator.enforce(key, _BEARER, "sts", get_region(), resource_arn="*"):
        raise ServiceError("AccessDeniedException", f"User is not authorized to perform: {_BEARER} on resource: *")
    encoded = base64.b64encode(f"AWS:{login.issue(key)}".encode()).decode()
    return {"authorizationData": {"authorizationToken": encoded, "expiresAt": time.time() + login.LIFETIME_SECONDS}}


def _of_repository(operation: Callable[[Repository, Request], dict[str, Any]]) -> Operation:
    return lambda request: operation(_found(request), request)


def _only_here(operation: Operation) -> Operation:
    def answer(request: Request) -> dict[str, Any]:
        if get_region() != REGION:
            raise ServiceError(
                "UnsupportedCommandException", f"ECR Public has an endpoint in {REGION} only, not in {get_region()}"
            )
        return operation(request)

    return answer


_OPERATIONS: dict[str, Operation] = {
    "CreateRepository": _create,
    "DescribeRepositories": _describe,
    "DeleteRepository": _delete,
    "DescribeRegistries": _registries,
    "GetRepositoryCatalogData": _catalog,
    "GetAuthorizationToken": _token,
    "BatchCheckLayerAvailability": _of_repository(images.check_layers),
    "InitiateLayerUpload": _of_repository(images.begin_layer),
    "UploadLayerPart": _of_repository(images.add_part),
    "CompleteLayerUpload": _of_repository(images.end_layer),
    "PutImage": _of_repository(images.put_image),
    "DescribeImages": _of_repository(images.describe_images),
    "DescribeImageTags": _of_repository(images.describe_tags),
}
SERVICE = JsonService(
    "ecr-public",
    {name: _only_here(operation) for name, operation in _OPERATIONS.items()},
    clear,
    invalid="InvalidParameterException",
)
