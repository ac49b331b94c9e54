"""Access entries and access policies: who a token belongs to, and Kubernetes' roles that stand for access policies."""

from __future__ import annotations

import base64
import json
import logging
import threading
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs, urlsplit

from ministack.core.responses import request_scope
from ministack.services import eks

from localcloud import settings
from localcloud.eks.door import User
from localcloud.kubernetes.api import Api, ApiError, Json

SYMBOLS: tuple[str, ...] = (
    "ministack.core.responses:request_scope",
    "ministack.services.eks:_ACCESS_POLICY_BINDING_LABEL",
    "ministack.services.eks:_EKS_TOKEN_PREFIX",
    "ministack.services.eks:_access_entries",
    "ministack.services.eks:_access_policy_rbac_objects",
    "ministack.services.eks:_ae_key",
    "ministack.services.eks:_associate_access_policy",
    "ministack.services.eks:_authenticate_token_review",
    "ministack.services.eks:_clusters",
    "ministack.services.eks:_decode_aws_iam_token",
    "ministack.services.eks:_schedule_access_policy_reconcile",
)

_RBAC = "/apis/rbac.authorization.k8s.io/v1"
_KINDS = {"ClusterRole": "clusterroles", "ClusterRoleBinding": "clusterrolebindings", "RoleBinding": "rolebindings"}
#: The policy of nodes that EKS manages, which is the only one for entries of the type EC2:
#: docs.aws.amazon.com/eks/latest/userguide/create-node-class.html.
_NODE_POLICY = "/AmazonEKSAutoNodePolicy"
_LONGEST = 16_384  # characters of a token
_REGION = 2  # its place in a credential: key, date, region, service, aws4_request
_lock = threading.RLock()  # a policy that is associated is reconciled at once
logger = logging.getLogger("localcloud")


def user_of(token: str, account: str, region: str, name: str) -> User | None:
    """Returns the user of a token of `aws eks get-token`; None if it is not valid, or has no access entry."""
    cluster = eks._clusters.get_scoped(account, region, name)
    if cluster is None:
        return None
    review = {"spec": {"token": token}}
    with request_scope(account, region):
        _status, _headers, body = eks._authenticate_token_review(name, account, region, review, cluster["_auth_token"])
    status = json.loads(body)["status"]
    if not status["authenticated"]:
        return None
    return User(str(status["user"]["username"]), tuple(status["user"]["groups"]))


@dataclass(frozen=True)
class _OwnUrl:
    """The URL of a token that was signed for the local cloud instead of for STS."""

    netloc: str
    hostname: str
    path: str


_decode = eks._decode_aws_iam_token


def decoded(token: Any) -> Any:
    """Returns URL and query of a token, as MiniStack does, which knows the address of STS only.

    The AWS CLI signs for the address in AWS_ENDPOINT_URL: `http://localhost:4701`, as containers and this machine do.
    """
    found = _decode(token)
    if found is not None or not isinstance(token, str) or len(token) > _LONGEST:
        return found
    encoded = token.removeprefix(eks._EKS_TOKEN_PREFIX)
    try:
        url = urlsplit(base64.urlsafe_b64decode(encoded + "=" * (-len(encoded) % 4)).decode())
    except (ValueError, UnicodeError):
        return None
    query = parse_qs(url.query, keep_blank_values=True)
    credential = query.get("X-Amz-Credential", [""])[0].split("/")
    known = {urlsplit(address).netloc for address in _addresses()}
    if url.scheme != "http" or url.netloc not in known or len(credential) < _REGION + 1:
        return None
    return _OwnUrl(url.netloc, f"sts.{credential[_REGION]}.amazonaws.com", url.path), query


def _addresses() -> tuple[str, ...]:
    chosen = settings.current()
    return f"http://localhost:{chosen.port}", f"http://127.0.0.1:{chosen.port}", chosen.container_url


def _path(thing: Json) -> str:
    namespace = thing["metadata"].get("namespace")
    return f"{_RBAC}/{f'namespaces/{namespace}/' if namespace else ''}{_KINDS[thing['kind']]}"


def reconcile(api: Api, account: str, region: str, name: str) -> None:
    """Gives Kubernetes the roles and bindings that the access policies of a cluster mean.

    Raises:
        ApiError: if the API server refuses one.
    """
    with _lock:
        namespaces = [found["metadata"]["name"] for found in api.get("/api/v1/namespaces")["items"]]
        wanted: list[Any] = eks._access_policy_rbac_objects(name, account, region, namespaces)
        kept = {(_path(thing), thing["metadata"]["name"]) for thing in wanted}
        for thing in wanted:
            api.apply(_path(thing), thing)
        for kind in ("ClusterRoleBinding", "RoleBinding"):
            label = f"{eks._ACCESS_POLICY_BINDING_LABEL}%3Dtrue"
            for found in api.get(f"{_RBAC}/{_KINDS[kind]}?labelSelector={label}")["items"]:
                path = _path({**found, "kind": kind})
                if (path, found["metadata"]["name"]) not in kept:
                    api.delete(f"{path}/{found['metadata']['name']}")


def reconcile_quietly(api: Api, account: str, region: str, name: str) -> None:
    """Does the same; a failure is logged, and the next change tries again."""
    try:
        reconcile(api, account, region, name)
    except ApiError as error:
        logger.warning("access policies of the cluster %s: %s", name, error)


_associate = eks._associate_access_policy


def associate(name: str, principal: str, body: Json) -> Any:
    """Associates a policy with an entry; one of the type EC2 takes the policy of nodes, which Kubernetes need not know.

    The reply is that of MiniStack, which knows the type STANDARD only.
    """
    entry = eks._access_entries.get(eks._ae_key(name, principal))
    if entry is None or entry["type"] != "EC2" or not str(body.get("policyArn")).endswith(_NODE_POLICY):
        return _associate(name, principal, body)
    with _lock:
        entry["type"] = "STANDARD"
        try:
            return _associate(name, principal, body)
        finally:
            entry["type"] = "EC2"
