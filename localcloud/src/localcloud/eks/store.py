"""The kinds that Auto Mode brings into a cluster: TargetGroupBindings, NodeClasses, NodePools.

The local cloud serves them itself, at the door. As custom resources they would end the API server of a machine without
a registry: its version 1.20, built by Debian's Go, crashes at every custom resource that is written.
"""

from __future__ import annotations

import re
import threading
import uuid
from collections.abc import Callable, Mapping
from http import HTTPStatus
from typing import Any

import yaml

from localcloud.eks.door import User, status
from localcloud.kubernetes.api import Api, Json
from localcloud.kubernetes.events import now

SYMBOLS: tuple[str, ...] = ()

BINDINGS = "targetgroupbindings"
#: By plural: group, version, kind, and whether an object belongs to a namespace.
KINDS: Mapping[str, tuple[str, str, str, bool]] = {
    BINDINGS: ("eks.amazonaws.com", "v1", "TargetGroupBinding", True),
    "nodeclasses": ("eks.amazonaws.com", "v1", "NodeClass", False),
    "ingressclassparams": ("eks.amazonaws.com", "v1", "IngressClassParams", False),
    "nodepools": ("karpenter.sh", "v1", "NodePool", False),
}
_PATH = re.compile(
    r"^/apis/(?P<group>eks\.amazonaws\.com|karpenter\.sh)/v1"
    r"(?:/namespaces/(?P<namespace>[^/]+))?/(?P<plural>[a-z]+)(?:/(?P<name>[^/]+))?$"
)
_GROUP = re.compile(r"^/apis/(eks\.amazonaws\.com|karpenter\.sh)(/v1)?$")
_VERBS = {"GET": "get", "POST": "create", "PUT": "update", "PATCH": "patch", "DELETE": "delete"}
_REVIEWS = "/apis/authorization.k8s.io/v1/subjectaccessreviews"
Key = tuple[str, str, str]  # plural, namespace, name
Answer = tuple[int, Json]


class Store:
    """The objects of these kinds in one cluster; `changed` is called after each change."""

    def __init__(self, api: Callable[[], Api | None], changed: Callable[[], None]) -> None:
        self._api, self._changed = api, changed
        self._objects: dict[Key, Json] = {}
        self._lock, self._version = threading.Lock(), 1

    def list(self, plural: str) -> list[Json]:
        """Returns all objects of a kind."""
        with self._lock:
            return [thing for key, thing in self._objects.items() if key[0] == plural]

    def serves(self, path: str) -> bool:
        """True if a path belongs to these kinds."""
        return bool(_PATH.match(path) or _GROUP.match(path))

    def answer(self, user: User, method: str, path: str, body: bytes) -> Answer:
        """Returns status and body of the answer to a request, which the roles of Kubernetes must allow."""
        if group := _GROUP.match(path):
            return HTTPStatus.OK, _discovery(group[1], is_version=bool(group[2]))
        asked = _PATH.match(path)
        kind = KINDS.get(asked["plural"]) if asked else None
        if asked is None or kind is None or kind[0] != asked["group"]:
            return status(HTTPStatus.NOT_FOUND, "NotFound", "the server could not find the requested resource")
        verb = "list" if method == "GET" and not asked["name"] else _VERBS.get(method, method.lower())
        if not self._allowed(user, asked, verb):
            text = f'{asked["plural"]}.{asked["group"]} is forbidden: User "{user.name}" cannot {verb} it'
            return status(HTTPStatus.FORBIDDEN, "Forbidden", text)
        answer = self._done(asked, kind, method, body)
        if method != "GET":
            self._changed()
        return answer

    def _allowed(self, user: User, asked: re.Match[str], verb: str) -> bool:
        api = self._api()
        wanted = {
            "group": asked["group"],
            "resource": asked["plural"],
            "namespace": asked["namespace"] or "",
            "name": asked["name"] or "",
            "verb": verb,
        }
        spec = {"user": user.name, "groups": list(user.groups), "resourceAttributes": wanted}
        review = {"apiVersion": "authorization.k8s.io/v1", "kind": "SubjectAccessReview", "spec": spec}
        return api is not None and bool(api.post(_REVIEWS, review)["status"]["allowed"])

    def _done(self, asked: re.Match[str], kind: tuple[str, str, str, bool], method: str, body: bytes) -> Answer:
        group, version, name_of_kind, _ = kind
        plural, namespace = asked["plural"], asked["namespace"] or ""
        if method == "GET" and not asked["name"]:
            found = [thing for thing in self.list(plural) if namespace in ("", thing["metadata"].get("namespace", ""))]
            listed = {"apiVersion": f"{group}/{version}", "kind": f"{name_of_kind}List", "items": found}
            return HTTPStatus.OK, {**listed, "metadata": {"resourceVersion": str(self._version)}}
        given = yaml.safe_load(body) if body and method != "DELETE" else {}
        name = asked["name"] or str((given.get("metadata") or {}).get("name", ""))
        key = (plural, namespace, name)
        with self._lock:
            known = self._objects.get(key)
            missing = f'{plural}.{group} "{name}" not found'
            if method == "POST" and known:
                return status(HTTPStatus.CONFLICT, "AlreadyExists", f'{plural}.{group} "{name}" already exists')
            if method in ("GET", "DELETE") and known is None:
                return status(HTTPStatus.NOT_FOUND, "NotFound", missing)
            if method == "DELETE":
                self._objects.pop(key)
                return status(HTTPStatus.OK, "", "")
            if method != "GET":
                known = self._put(key, {**given, "apiVersion": f"{group}/{version}", "kind": name_of_kind}, known)
            return HTTPStatus.CREATED if method == "POST" else HTTPStatus.OK, known or {}

    def _put(self, key: Key, given: Json, known: Json | None) -> Json:
        self._version += 1
        own: dict[str, Any] = {
            "uid": str(uuid.uuid4()),
            "creationTimestamp": now(),
            **((known or {}).get("metadata") or {}),
            **(given.get("metadata") or {}),
            "name": key[2],
            "resourceVersion": str(self._version),
        }
        if key[1]:
            own["namespace"] = key[1]
        self._objects[key] = {**given, "metadata": own}
        return self._objects[key]


def _discovery(group: str, *, is_version: bool) -> Json:
    """Returns what `kubectl` asks before it uses a kind."""
    version = {"groupVersion": f"{group}/v1", "version": "v1"}
    if not is_version:
        head = {"kind": "APIGroup", "apiVersion": "v1", "name": group}
        return {**head, "versions": [version], "preferredVersion": version}
    resources = [
        {
            "name": plural,
            "singularName": kind.lower(),
            "namespaced": namespaced,
            "kind": kind,
            "verbs": ["create", "delete", "get", "list", "patch", "update"],
        }
        for plural, (own, _, kind, namespaced) in KINDS.items()
        if own == group
    ]
    return {"kind": "APIResourceList", "apiVersion": "v1", "groupVersion": f"{group}/v1", "resources": resources}
