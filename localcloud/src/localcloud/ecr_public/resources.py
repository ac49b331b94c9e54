"""The resource type of ECR Public."""

from __future__ import annotations

from typing import Any

from localcloud import adapter
from localcloud.ecr_public import api

SYMBOLS: tuple[str, ...] = api.SYMBOLS


def _description(props: adapter.Props) -> str:
    return str((props.get("RepositoryCatalogData") or {}).get("RepositoryDescription", ""))


def _attributes(name: str) -> dict[str, Any]:
    return {"Arn": api.arn(name)}


def _create(logical_id: str, props: adapter.Props, stack_name: str) -> adapter.Result:
    name = props.get("RepositoryName") or adapter.physical_name(stack_name, logical_id, max_len=205, lowercase=True)
    catalog = {"catalogData": {"description": _description(props)}} if _description(props) else {}
    adapter.call("ecr-public", "create_repository", {"repositoryName": name, **catalog})
    return name, _attributes(name)


def _delete(name: str, _props: adapter.Props) -> None:
    with adapter.ignore_not_found():
        adapter.client("ecr-public").delete_repository(repositoryName=name)


def _update(name: str, old: adapter.Props, new: adapter.Props, stack_name: str) -> adapter.Result:
    if adapter.changed(old, new, "RepositoryName"):
        return _create(adapter.logical_id_of(name), new, stack_name)
    return name, _attributes(name)


def install() -> None:
    """Add the API and the resource type."""
    api.clear()  # repositories are empty after a start, so are their layers
    api.SERVICE.install()
    adapter.register("AWS::ECR::PublicRepository", _create, _delete, _update)
    adapter.RECORDED["AWS::ECR::PublicRepository"] = (
        "its API takes and lists images; nobody pulls them, and a changed description is kept as it was"
    )
