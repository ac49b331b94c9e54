"""Tags of documents and associations; those of parameters are MiniStack's."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from localcloud.ssm import documents, pages
from localcloud.ssm.errors import ServiceError

Request = Mapping[str, Any]
Find = Callable[[str], dict[str, str]]


def _of_document(name: str) -> dict[str, str]:
    try:
        return documents.find(name).tags
    except ServiceError as error:
        raise ServiceError("InvalidResourceId", str(error)) from error


#: Resource type -> the function that returns the tags of a resource, to be changed in place.
TAGGED: dict[str, Find] = {"Document": _of_document}


def tags_of(request: Request) -> dict[str, str]:
    """Returns the tags of the resource that a request names.

    Raises:
        ServiceError: `InvalidResourceType` or `InvalidResourceId`.
    """
    kind = request["ResourceType"]
    if kind not in TAGGED:
        raise ServiceError("InvalidResourceType", f"The local cloud has no tags of the resource type {kind}.")
    return TAGGED[kind](request["ResourceId"])


def _add(request: Request) -> dict[str, Any]:
    tags_of(request).update(pages.tags(request["Tags"]))
    return {}


def _remove(request: Request) -> dict[str, Any]:
    known = tags_of(request)
    for key in request["TagKeys"]:
        known.pop(key, None)
    return {}


def _list(request: Request) -> dict[str, Any]:
    return {"TagList": pages.tag_list(tags_of(request))}


OPERATIONS: dict[str, Callable[[Request], dict[str, Any]]] = {
    "AddTagsToResource": _add,
    "RemoveTagsFromResource": _remove,
    "ListTagsForResource": _list,
}
