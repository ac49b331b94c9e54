"""Checks the pods of Kubernetes manifests: what would make a container root of its host, and images of others."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Iterator, List, Tuple

from compose_yaml import Items, Table
from manifest_yaml import Manifest, listed, table

_NAMESPACES = ("hostNetwork", "hostPID", "hostIPC")
# Volumes that hold nothing of the host, and nothing that outlives the pod.
_VOLUMES = frozenset({"configMap", "downwardAPI", "emptyDir", "projected", "secret"})
_CAPABILITIES = frozenset({"NET_BIND_SERVICE"})  # the one that Kubernetes' restricted profile lets a container add
_INSTEAD = "A pod must not become root of its host: remove it"


@dataclass(frozen=True)
class Reference:
    """A place in a pod that reads a ConfigMap or a Secret."""

    path: Tuple[Any, ...]
    kind: str
    name: str
    key: str
    """The key that it reads; empty for all."""
    optional: bool


def check_pod(manifest: Manifest, path: Any, pod: Table, images: Tuple[str, List[str]], problems: Any) -> None:
    """Adds the problems of a pod; `images` are that of the deployment's container, and the names of the manifest's."""
    owner = f"the {manifest.kind} {manifest.name}"
    for key in _NAMESPACES:
        if pod.get(key) is True:
            problems.add(manifest.where(*path, key), f"{owner} has {key}: true. {_INSTEAD}")
    _volumes(manifest, path, pod, owner, problems)
    _security(manifest, (*path, "securityContext"), table(pod, "securityContext"), owner, problems)
    for kind in ("initContainers", "containers"):
        for number, container in listed(pod, kind):
            where = (*path, kind, number)
            _container(manifest, where, container, problems)
            _image(manifest, where, container, images, problems)


def _volumes(manifest: Manifest, path: Any, pod: Table, owner: str, problems: Any) -> None:
    for number, volume in listed(pod, "volumes"):
        for kind in volume:
            if kind != "name" and kind not in _VOLUMES:
                what = f"mounts {table(volume, kind).get('path')} of the host" if kind == "hostPath" else "keeps data"
                problems.add(
                    manifest.where(*path, "volumes", number, kind),
                    f"{owner} has a volume {volume.get('name')} of the kind {kind}, which {what}. A pod has "
                    f"{', '.join(sorted(_VOLUMES))}: remove it",
                )


def _container(manifest: Manifest, path: Any, container: Table, problems: Any) -> None:
    named = f"the container {container.get('name')} of {manifest.name}"
    _security(manifest, (*path, "securityContext"), table(container, "securityContext"), named, problems)
    for index, port in listed(container, "ports"):
        if "hostPort" in port:
            where = manifest.where(*path, "ports", index, "hostPort")
            problems.add(where, f"{named} opens a port of the host. {_INSTEAD}")
    if "volumeDevices" in container:
        problems.add(manifest.where(*path, "volumeDevices"), f"{named} reaches devices of the host. {_INSTEAD}")


def _security(manifest: Manifest, path: Any, context: Table, who: str, problems: Any) -> None:
    if context.get("privileged") is True:
        problems.add(manifest.where(*path, "privileged"), f"{who} is privileged. {_INSTEAD}")
    if context.get("allowPrivilegeEscalation") is True:
        problems.add(
            manifest.where(*path, "allowPrivilegeEscalation"), f"{who} has allowPrivilegeEscalation: true. {_INSTEAD}"
        )
    added = table(context, "capabilities").get("add")
    for capability in added if isinstance(added, Items) else ():
        if capability not in _CAPABILITIES:
            problems.add(
                manifest.where(*path, "capabilities", "add"), f"{who} adds the capability {capability}. {_INSTEAD}"
            )
    for kind in ("seccompProfile", "appArmorProfile"):
        if table(context, kind).get("type") == "Unconfined":
            problems.add(manifest.where(*path, kind), f"{who} has {kind} Unconfined. {_INSTEAD}")
    if context.get("procMount", "Default") != "Default":
        problems.add(manifest.where(*path, "procMount"), f"{who} has procMount {context['procMount']}. {_INSTEAD}")


def _image(manifest: Manifest, path: Any, container: Table, images: Tuple[str, List[str]], problems: Any) -> None:
    own, known = repository(images[0]), images[1]
    written = str(container.get("image") or "")
    name = repository(written)
    if not written:
        problems.add(manifest.where(*path), f"the container {container.get('name')} of {manifest.name} has no image")
    elif name != own and name.rpartition("/")[2] not in known:
        own_or = f"{own}, as the deployment's container, or " if own else ""
        problems.add(
            manifest.where(*path, "image"),
            f"the container {container.get('name')} of {manifest.name} runs {written}, which this product does not "
            f"build: write {own_or}an image of the manifest: {', '.join(known)}",
        )


def repository(image: str) -> str:
    """Returns an image's name without tag and digest; hosts/slipway_host/kubernetes/rendering.py has the same rule."""
    head, slash, last = image.partition("@")[0].rpartition("/")
    return f"{head}{slash}{last.partition(':')[0]}"


def references(pod: Any, path: Tuple[Any, ...] = ()) -> Iterator[Reference]:
    """Yields the references of a pod to ConfigMaps and Secrets; a missing pull secret is no error, so it is none."""
    keys = {
        "configMapRef": ("ConfigMap", "name"),
        "configMapKeyRef": ("ConfigMap", "name"),
        "configMap": ("ConfigMap", "name"),
        "secretRef": ("Secret", "name"),
        "secretKeyRef": ("Secret", "name"),
        "secret": ("Secret", "secretName"),
    }
    if isinstance(pod, Items):
        for number, item in enumerate(pod):
            yield from references(item, (*path, number))
    for key, value in pod.items() if isinstance(pod, Table) else ():
        if key in keys and isinstance(value, Table):
            kind, attribute = keys[key]
            name = value.get(attribute) or value.get("name")
            if name:
                yield Reference(
                    (*path, key), kind, str(name), str(value.get("key") or ""), value.get("optional") is True
                )
        yield from references(value, (*path, key))
