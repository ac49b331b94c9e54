"""Clusters of EKS in Auto Mode: a control plane and our node, as MicroK8s has them, behind the door of EKS.

MiniStack would run k3s in a privileged container, whose pods can be privileged, too: whoever may call
`eks:CreateCluster` in this cloud would be root of the developer's machine.
"""

from __future__ import annotations

import base64
import logging
import secrets
import threading
from dataclasses import dataclass
from typing import Any

import docker
from botocore.exceptions import ClientError
from docker.errors import DockerException
from ministack.core.responses import get_account_id, get_region, new_uuid, request_scope
from ministack.services import eks

from localcloud import adapter, containers, settings
from localcloud.eks import access, bindings, identity
from localcloud.eks.door import Door
from localcloud.eks.store import Store
from localcloud.kubernetes.api import Access, ApiError, Json, Watch
from localcloud.kubernetes.clusters import Cluster
from localcloud.kubernetes.control_plane import ControlPlaneError, Place
from localcloud.kubernetes.node import Description

SYMBOLS: tuple[str, ...] = (
    *access.SYMBOLS,
    *bindings.SYMBOLS,
    *identity.SYMBOLS,
    "ministack.core.responses:get_account_id",
    "ministack.core.responses:get_region",
    "ministack.core.responses:new_uuid",
    "ministack.services.eks:_VALID_ACCESS_ENTRY_TYPES",
    "ministack.services.eks:_cluster_arn",
    "ministack.services.eks:_create_cluster",
    "ministack.services.eks:_delete_cluster",
    "ministack.services.eks:_error",
    "ministack.services.eks:_issuer_url",
    "ministack.services.eks:_json_resp",
    "ministack.services.eks:_new_oidc_id",
    "ministack.services.eks:_now",
    "ministack.services.eks:_sanitize",
    "ministack.services.eks:_start_k3s_container",
    "ministack.services.eks:_tags",
)

NO_DOCKER = (
    "A cluster of EKS needs Docker, which the local cloud runs without. Start Docker, then the local cloud again."
)
OLD_NODES = (
    "The local cloud runs clusters of EKS in Auto Mode only: set computeConfig.enabled, storageConfig.blockStorage."
    "enabled and kubernetesNetworkConfig.elasticLoadBalancing.enabled."
)
_CPUS, _MEMORY_MIB = 4, 16_384
Key = tuple[str, str, str]  # account, region, name
logger = logging.getLogger("localcloud")


@dataclass
class Running:
    """The control plane and the door of a cluster."""

    cluster: Cluster
    store: Store
    bindings: bindings.Bindings | None = None
    namespaces: Watch | None = None

    def stop(self) -> None:
        """Ends what follows the cluster, and removes it."""
        if self.bindings is not None:
            self.bindings.stop()
        if self.namespaces is not None:
            self.namespaces.stop()
        self.cluster.remove()


_running: dict[Key, Running] = {}


def find(account: str, region: str, name: str) -> Cluster | None:
    """Returns a cluster that runs; None if there is none of this name."""
    known = _running.get((account, region, name))
    return known.cluster if known else None


def _create(body: Json, creator_arn: str | None = None) -> Any:
    """Answers CreateCluster."""
    refusal = _refusal(body)
    if refusal:
        return refusal
    try:
        record = _record(body)
    except ClientError as error:
        return eks._error(400, "InvalidParameterException", str(error))
    name, key = str(body["name"]), (get_account_id(), get_region(), str(body["name"]))
    eks._clusters[name] = record
    eks._tags[record["arn"]] = dict(record["tags"])
    eks._bootstrap_creator_access_entry(name, record, creator_arn)
    _running[key] = running = _made(key, record)
    threading.Thread(target=_start, args=(key, record, running), daemon=True, name=f"localcloud-eks-{name}").start()
    return eks._json_resp(200, {"cluster": eks._sanitize(record)})


def _refusal(body: Json) -> Any:
    if not body.get("name"):
        return eks._error(400, "InvalidParameterException", "Cluster name is required.")
    if body["name"] in eks._clusters:
        return eks._error(409, "ResourceInUseException", f"Cluster already exists with name: {body['name']}")
    if not settings.current().docker:
        return eks._error(400, "ClientException", NO_DOCKER)
    parts = (
        body.get("computeConfig") or {},
        (body.get("storageConfig") or {}).get("blockStorage") or {},
        (body.get("kubernetesNetworkConfig") or {}).get("elasticLoadBalancing") or {},
    )
    if not all(part.get("enabled") for part in parts):
        return eks._error(400, "InvalidParameterException", OLD_NODES)
    return None


def _record(body: Json) -> Json:
    name, network = str(body["name"]), body.get("resourcesVpcConfig") or {}
    subnets = adapter.client("ec2").describe_subnets(SubnetIds=network.get("subnetIds") or [])["Subnets"]
    vpc = subnets[0]["VpcId"] if subnets else ""
    given = {"GroupName": f"eks-cluster-sg-{name}-{new_uuid()[:8]}", "Description": f"EKS cluster {name}"}
    group = adapter.client("ec2").create_security_group(VpcId=vpc, **given)["GroupId"]
    return {
        "name": name,
        "arn": eks._cluster_arn(name),
        "createdAt": eks._now(),
        "version": str(body.get("version") or "1.34"),
        "endpoint": "",
        "roleArn": body["roleArn"],
        "resourcesVpcConfig": {
            "endpointPublicAccess": True,
            "endpointPrivateAccess": False,
            "publicAccessCidrs": ["0.0.0.0/0"],
            **network,
            "clusterSecurityGroupId": group,
            "vpcId": vpc,
        },
        "kubernetesNetworkConfig": {
            "serviceIpv4Cidr": "10.43.0.0/16",
            "ipFamily": "ipv4",
            **(body.get("kubernetesNetworkConfig") or {}),
        },
        "logging": body.get("logging") or {"clusterLogging": []},
        "identity": {"oidc": {"issuer": eks._issuer_url(eks._new_oidc_id())}},
        "status": "CREATING",
        "certificateAuthority": {"data": ""},
        "platformVersion": "eks.1",
        "tags": dict(body.get("tags") or {}),
        "encryptionConfig": body.get("encryptionConfig") or [],
        "accessConfig": body.get("accessConfig") or {},
        "computeConfig": body["computeConfig"],
        "storageConfig": body["storageConfig"],
        "deletionProtection": bool(body.get("deletionProtection")),
        "_auth_token": secrets.token_urlsafe(32),
        "_docker_id": None,
    }


def _made(key: Key, record: Json) -> Running:
    account, region, name = key
    place = Place(f"eks-{secrets.token_hex(4)}", containers.free_address(docker.from_env(timeout=60).containers))
    node = f"i-{secrets.token_hex(8)}"
    labels = {"eks.amazonaws.com/compute-type": "auto", "topology.kubernetes.io/region": region}
    made = Cluster(place, Description(node, place.address, _CPUS, _MEMORY_MIB, labels))

    def access_of() -> Access | None:
        return made.api.access if made.api else None

    def changed() -> None:
        if running.bindings is not None:
            running.bindings.wake()

    running = Running(made, Store(lambda: made.api, changed))
    made.serve_api = Door(lambda token: access.user_of(token, account, region, name), access_of, running.store)
    made.puller = identity.NodePuller(lambda: _node_role(running, record), account, region)
    made.identities = identity.PodIdentities(name, account, region, lambda: running.bindings)
    return running


def _node_role(running: Running, record: Json) -> str:
    """Returns the ARN of the role of nodes: that of the cluster's node pools, or of a NodeClass."""
    given = record["computeConfig"].get("nodeRoleArn")
    if given:
        return str(given)
    found = running.store.list("nodeclasses")
    name = next((str(known["spec"]["role"]) for known in found if (known.get("spec") or {}).get("role")), "")
    role = f"arn:aws:iam::{record['arn'].split(':')[4]}:role/{name}" if name else ""
    entry = eks._access_entries.get_scoped(
        record["arn"].split(":")[4], record["arn"].split(":")[3], eks._ae_key(record["name"], role)
    )
    return role if entry and entry["type"] == "EC2" else ""


def _start(key: Key, record: Json, running: Running) -> None:
    account, region, name = key
    cluster = running.cluster
    with request_scope(account, region):
        try:
            cluster.start()
            api = cluster.api
            assert api is not None  # noqa: S101 - for mypy: a cluster that has started has one
            access.reconcile(api, account, region, name)
        except (ControlPlaneError, ApiError, DockerException, OSError) as error:
            logger.warning("the cluster %s of EKS: %s", name, error)
            record.update(status="FAILED", health={"issues": [{"code": "InternalFailure", "message": str(error)}]})
            return

        def changed(_kind: str, _thing: Json) -> None:
            access.reconcile_quietly(api, account, region, name)

        running.namespaces = Watch(api, "/api/v1/namespaces", changed)
        running.namespaces.start()
        running.bindings = bindings.Bindings(api, running.store, name, account, region)
        running.bindings.start()
        record["certificateAuthority"] = {"data": base64.b64encode(api.access.authority.read_bytes()).decode()}
        record.update(endpoint=f"https://{cluster.place.address}", status="ACTIVE")


_delete_record = eks._delete_cluster


def _delete(name: str) -> Any:
    """Answers DeleteCluster."""
    record = eks._clusters.get(name)
    if record and record.get("deletionProtection"):
        return eks._error(400, "InvalidRequestException", f"Cluster {name} has deletion protection.")
    answer = _delete_record(name)
    running = _running.pop((get_account_id(), get_region(), name), None)
    if record and running:
        running.stop()
        group = record["resourcesVpcConfig"]["clusterSecurityGroupId"]
        try:
            adapter.client("ec2").delete_security_group(GroupId=group)
        except ClientError as error:
            logger.debug("the security group of the cluster %s: %s", name, error)
    return answer


def _reconciled(name: str, account: str | None = None, region: str | None = None) -> None:
    """Takes changed access policies over, before the call that changed them is answered."""
    account, region = account or get_account_id(), region or get_region()
    cluster = find(account, region, name)
    if cluster is not None and cluster.api is not None:
        access.reconcile_quietly(cluster.api, account, region, name)


def _never(*_arguments: Any, **_named: Any) -> Any:
    raise RuntimeError("the local cloud starts no privileged container for a cluster of EKS")


def install() -> None:
    """Run clusters of EKS without privileges."""
    eks._create_cluster = _create
    eks._delete_cluster = _delete
    eks._schedule_access_policy_reconcile = _reconciled
    eks._associate_access_policy = access.associate
    eks._decode_aws_iam_token = access.decoded
    eks._start_k3s_container = _never
    eks._VALID_ACCESS_ENTRY_TYPES = (*eks._VALID_ACCESS_ENTRY_TYPES, "EC2")
