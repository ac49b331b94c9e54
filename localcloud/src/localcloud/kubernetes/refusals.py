"""Requests of pods that the local cloud refuses: they would give a pod this machine, or no container can meet them.

Fields that the node agent does not know are harmless: they say nothing that a container of Docker has by default.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from localcloud.kubernetes.api import Json

VOLUMES = ("emptyDir", "configMap", "secret", "projected", "downwardAPI")
PROJECTED = ("configMap", "secret", "downwardAPI", "serviceAccountToken")
#: Docker gives containers this capability without being asked; restricted pods add it by name.
_ADDED = ("NET_BIND_SERVICE", "CAP_NET_BIND_SERVICE")
_FILES = ("configMap", "secret")


def of(pod: Json) -> list[str]:
    """Returns why a pod cannot run here, one sentence for each reason, with the path of the field."""
    return [*_pod(pod["spec"]), *_volumes(pod["spec"]), *_containers(pod["spec"])]


def _pod(spec: Mapping[str, Any]) -> Iterator[str]:
    for field in ("hostNetwork", "hostPID", "hostIPC"):
        if spec.get(field):
            yield f"spec.{field}: a pod of the local cloud has no access to this machine's namespaces"
    if (spec.get("securityContext") or {}).get("sysctls"):
        yield "spec.securityContext.sysctls: the local cloud sets no kernel parameters"
    if spec.get("activeDeadlineSeconds"):
        yield "spec.activeDeadlineSeconds: give it to the Job, whose controller ends the pod"
    if spec.get("runtimeClassName"):
        yield f"spec.runtimeClassName: the local cloud has no runtime {spec['runtimeClassName']}"


def _volumes(spec: Mapping[str, Any]) -> Iterator[str]:
    for volume in spec.get("volumes") or ():
        kind = next((name for name in volume if name != "name"), "emptyDir")
        if kind not in VOLUMES:
            yield f"spec.volumes[{volume['name']}].{kind}: the local cloud has only {', '.join(VOLUMES)}"
        for source in (volume.get("projected") or {}).get("sources") or ():
            for name in source:
                if name not in PROJECTED:
                    yield f"spec.volumes[{volume['name']}].projected.sources.{name}: only {', '.join(PROJECTED)}"


def _containers(spec: Mapping[str, Any]) -> Iterator[str]:
    kinds = {
        volume["name"]: next((n for n in volume if n != "name"), "emptyDir") for volume in spec.get("volumes") or ()
    }
    for list_name in ("initContainers", "containers"):
        for container in spec.get(list_name) or ():
            place = f"spec.{list_name}[{container['name']}]"
            yield from _context(place, container.get("securityContext") or {})
            for port in container.get("ports") or ():
                if port.get("hostPort"):
                    yield f"{place}.ports.hostPort {port['hostPort']}: use a Service or an Ingress"
            yield from _mounts(place, container, kinds)
            if (container.get("lifecycle") or {}).get("postStart"):
                yield f"{place}.lifecycle.postStart: the local cloud has preStop only"
            if container.get("restartPolicy"):
                yield f"{place}.restartPolicy: the local cloud has no sidecars among init containers"
            for kind in ("livenessProbe", "readinessProbe", "startupProbe"):
                if "grpc" in (container.get(kind) or {}):
                    yield f"{place}.{kind}.grpc: the local cloud probes by httpGet, tcpSocket and exec"


def _mounts(place: str, container: Mapping[str, Any], kinds: Mapping[str, str]) -> Iterator[str]:
    if container.get("volumeDevices"):
        yield f"{place}.volumeDevices: the local cloud has no block devices"
    for mount in container.get("volumeMounts") or ():
        path = mount.get("subPath") or mount.get("subPathExpr")
        if path and (mount.get("subPathExpr") or kinds.get(mount["name"]) not in _FILES):
            yield f"{place}.volumeMounts[{mount['name']}].subPath: only for configMap and secret volumes"
        if mount.get("mountPropagation") not in (None, "None"):
            yield f"{place}.volumeMounts[{mount['name']}].mountPropagation: not supported"


def _context(place: str, context: Mapping[str, Any]) -> Iterator[str]:
    if context.get("privileged"):
        yield f"{place}.securityContext.privileged: a pod of the local cloud must not become root of this machine"
    added = [name for name in (context.get("capabilities") or {}).get("add") or () if name not in _ADDED]
    if added:
        yield f"{place}.securityContext.capabilities.add {', '.join(added)}: only {_ADDED[0]} may be added"
    if context.get("procMount") not in (None, "Default"):
        yield f"{place}.securityContext.procMount: only Default"
