"""The resource types of EKS: cluster, access entry and Pod Identity association."""

from __future__ import annotations

from typing import Any

from ministack.services import eks
from ministack.services.cloudformation import provisioners

from localcloud import adapter

SYMBOLS: tuple[str, ...] = (
    *adapter.SYMBOLS,
    "ministack.services.cloudformation.provisioners:_eks_cluster_attrs",
    "ministack.services.cloudformation.provisioners:_pascal_to_camel",
    "ministack.services.eks:_clusters",
)

CLUSTER, ENTRY = "AWS::EKS::Cluster", "AWS::EKS::AccessEntry"
ASSOCIATION = "AWS::EKS::PodIdentityAssociation"
_START_SECONDS = 240
# Parts of a cluster with members of another name or type than the API's.
_OWN_FORM = ("Logging", "Tags", "Name", "ZonalShiftConfig", "UpgradePolicy", "RemoteNetworkConfig")
_REPLACING = ("EncryptionConfig", "Name", "RoleArn")


def _request(name: str, props: adapter.Props) -> dict[str, Any]:
    """Returns the request of CreateCluster that a template means."""
    known = provisioners._pascal_to_camel({key: value for key, value in props.items() if key not in _OWN_FORM})
    enabled = ((props.get("Logging") or {}).get("ClusterLogging") or {}).get("EnabledTypes") or []
    request = {**_booleans(known), "name": name, "tags": adapter.tags(props.get("Tags"))}
    if enabled:
        request["logging"] = {"clusterLogging": [{"types": [entry["Type"] for entry in enabled], "enabled": True}]}
    return request


def _booleans(value: Any) -> Any:
    """Returns a value with the texts `true` and `false` as booleans: templates may have either."""
    if isinstance(value, dict):
        return {key: _booleans(part) for key, part in value.items()}
    if isinstance(value, list):
        return [_booleans(part) for part in value]
    return {"true": True, "false": False}.get(value, value) if isinstance(value, str) else value


def _create_cluster(logical_id: str, props: adapter.Props, stack_name: str) -> adapter.Result:
    name = props.get("Name") or adapter.physical_name(stack_name, logical_id, max_len=100)
    client = adapter.client("eks")
    client.create_cluster(**_request(name, props))

    def ended() -> bool:
        return bool(client.describe_cluster(name=name)["cluster"]["status"] != "CREATING")

    adapter.wait_until(ended, f"the start of the cluster {name}", _START_SECONDS)
    found = client.describe_cluster(name=name)["cluster"]
    if found["status"] != "ACTIVE":
        reasons = "; ".join(str(issue["message"]) for issue in (found.get("health") or {}).get("issues", ()))
        client.delete_cluster(name=name)
        raise ValueError(f"the cluster {name} did not start: {reasons}")
    return name, _attributes(name)


def _attributes(name: str) -> dict[str, Any]:
    record = eks._clusters[name]
    keys = [entry.get("provider", {}).get("keyArn", "") for entry in record["encryptionConfig"]]
    return {
        **provisioners._eks_cluster_attrs(record),
        "EncryptionConfigKeyArn": next(iter(keys), ""),
        "KubernetesNetworkConfig.ServiceIpv6Cidr": "",
    }


def _update_cluster(name: str, old: adapter.Props, new: adapter.Props, stack_name: str) -> adapter.Result:
    if adapter.changed(old, new, *_REPLACING):
        return adapter.replace(_create_cluster, adapter.logical_id_of(name), new, stack_name)
    changed = {key: value for key, value in _request(name, new).items() if key != "name"}
    network = changed.pop("resourcesVpcConfig", {})
    record = eks._clusters[name]
    record["resourcesVpcConfig"].update(network)
    record.update(changed)
    return name, _attributes(name)


def _delete_cluster(name: str, _props: adapter.Props) -> None:
    adapter.client("eks").delete_cluster(name=name)


# --- access entries --------------------------------------------------------------------------------------------------


def _entry_id(props: adapter.Props) -> str:
    return f"{props['PrincipalArn']}|{props['ClusterName']}"


def _create_entry(_logical_id: str, props: adapter.Props, _stack_name: str) -> adapter.Result:
    place = {"clusterName": props["ClusterName"], "principalArn": props["PrincipalArn"]}
    given = {"kubernetesGroups": props.get("KubernetesGroups"), "username": props.get("Username")}
    wanted = {key: value for key, value in given.items() if value}
    made = adapter.client("eks").create_access_entry(
        **place, **wanted, type=props.get("Type") or "STANDARD", tags=adapter.tags(props.get("Tags"))
    )
    _associate(place, props)
    return _entry_id(props), {"AccessEntryArn": made["accessEntry"]["accessEntryArn"]}


def _associate(place: dict[str, Any], props: adapter.Props) -> None:
    for policy in props.get("AccessPolicies") or ():
        adapter.client("eks").associate_access_policy(
            **place,
            policyArn=policy["PolicyArn"],
            accessScope=provisioners._pascal_to_camel(policy["AccessScope"]),
        )


def _update_entry(physical_id: str, old: adapter.Props, new: adapter.Props, stack_name: str) -> adapter.Result:
    if adapter.changed(old, new, "ClusterName", "PrincipalArn", "Type"):
        return _create_entry("", new, stack_name)
    place = {"clusterName": new["ClusterName"], "principalArn": new["PrincipalArn"]}
    client = adapter.client("eks")
    updated = client.update_access_entry(**place, kubernetesGroups=new.get("KubernetesGroups") or [])
    kept = {policy["PolicyArn"] for policy in new.get("AccessPolicies") or ()}
    for policy in old.get("AccessPolicies") or ():
        if policy["PolicyArn"] not in kept:
            client.disassociate_access_policy(**place, policyArn=policy["PolicyArn"])
    _associate(place, new)
    return physical_id, {"AccessEntryArn": updated["accessEntry"]["accessEntryArn"]}


def _delete_entry(physical_id: str, _props: adapter.Props) -> None:
    principal, _, cluster = physical_id.rpartition("|")
    adapter.client("eks").delete_access_entry(clusterName=cluster, principalArn=principal)


# --- Pod Identity ----------------------------------------------------------------------------------------------------


def _create_association(_logical_id: str, props: adapter.Props, _stack_name: str) -> adapter.Result:
    made = adapter.client("eks").create_pod_identity_association(
        clusterName=props["ClusterName"],
        namespace=props["Namespace"],
        serviceAccount=props["ServiceAccount"],
        roleArn=props["RoleArn"],
        tags=adapter.tags(props.get("Tags")),
    )["association"]
    attributes = {"AssociationArn": made["associationArn"], "AssociationId": made["associationId"]}
    return str(made["associationArn"]), attributes


def _delete_association(physical_id: str, props: adapter.Props) -> None:
    adapter.client("eks").delete_pod_identity_association(
        clusterName=props["ClusterName"], associationId=physical_id.rpartition("/")[2]
    )


def _update_association(physical_id: str, old: adapter.Props, new: adapter.Props, stack_name: str) -> adapter.Result:
    if adapter.changed(old, new, "ClusterName", "Namespace", "ServiceAccount"):
        return _create_association("", new, stack_name)
    place = {"clusterName": new["ClusterName"], "associationId": physical_id.rpartition("/")[2]}
    adapter.client("eks").update_pod_identity_association(**place, roleArn=new["RoleArn"])
    return physical_id, {"AssociationArn": physical_id, "AssociationId": place["associationId"]}


def install() -> None:
    """Register the resource types."""
    adapter.register(CLUSTER, _create_cluster, _delete_cluster, _update_cluster)
    adapter.register(ENTRY, _create_entry, _delete_entry, _update_entry)
    adapter.register(ASSOCIATION, _create_association, _delete_association, _update_association)
