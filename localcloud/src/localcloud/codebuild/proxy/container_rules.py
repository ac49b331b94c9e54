"""What a container of a build may not be: privileged, or anything else that leads from it to the host.

The daemon reads JSON names in any case and merges what comes twice. So a request is not only looked at: what goes to
the daemon is written anew, with the names that were checked and no others.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from localcloud.codebuild.container import SOURCE

Json = dict[str, Any]


class RefusedError(Exception):
    """The proxy does not pass this on; the message goes to the user of `docker`."""


@dataclass
class Wanted:
    """What a container needs of others, to be asked for before it is created."""

    containers: list[str] = field(default_factory=list)
    networks: list[str] = field(default_factory=list)
    volumes: list[str] = field(default_factory=list)
    mode: str = ""


def folded(value: object, what: str) -> Json:
    """A JSON object with its names in lower case, each once."""
    if value is None:
        return {}
    if not isinstance(value, Mapping):
        raise RefusedError(f"{what}: expected an object")
    found: Json = {}
    for name, item in value.items():
        if name.casefold() in found:
            raise RefusedError(f"{what}: {name} comes twice")
        found[name.casefold()] = item
    return found


# --- HostConfig ------------------------------------------------------------------------------------------------------

#: Passed on as they are: limits of the container's own.
_FREE = [
    "AutoRemove",
    "BlkioWeight",
    "CapDrop",
    "ConsoleSize",
    "ContainerIDFile",
    "CpuCount",
    "CpuPercent",
    "CpuPeriod",
    "CpuQuota",
    "CpuRealtimePeriod",
    "CpuRealtimeRuntime",
    "CpuShares",
    "CpusetCpus",
    "CpusetMems",
    "Dns",
    "DnsOptions",
    "DnsSearch",
    "ExtraHosts",
    "GroupAdd",
    "Init",
    "KernelMemory",
    "KernelMemoryTCP",
    "Memory",
    "MemoryReservation",
    "MemorySwap",
    "MemorySwappiness",
    "NanoCpus",
    "OomKillDisable",
    "PidsLimit",
    "ReadonlyRootfs",
    "RestartPolicy",
    "ShmSize",
    "StorageOpt",
    "Sysctls",
    "Tmpfs",
    "Ulimits",
    "IOMaximumBandwidth",
    "IOMaximumIOps",
]
_NEVER = {
    "Privileged": "--privileged",
    "CapAdd": "--cap-add",
    "Devices": "--device",
    "DeviceRequests": "--gpus",
    "DeviceCgroupRules": "--device-cgroup-rule",
    "VolumesFrom": "--volumes-from",
    "CgroupParent": "--cgroup-parent",
    "Cgroup": "a cgroup of another container",
    "PublishAllPorts": "--publish-all (name the ports, or use a network)",
    "Annotations": "--annotation",
    "BlkioWeightDevice": "--blkio-weight-device",
    "BlkioDeviceReadBps": "--device-read-bps",
    "BlkioDeviceWriteBps": "--device-write-bps",
    "BlkioDeviceReadIOps": "--device-read-iops",
    "BlkioDeviceWriteIOps": "--device-write-iops",
}
#: Values a member may have; the first is what nothing means.
_ONE_OF = {
    "UTSMode": ("",),
    "UsernsMode": ("",),
    "CgroupnsMode": ("", "private"),
    "Isolation": ("", "default"),
    "Runtime": ("", "runc", "io.containerd.runc.v2"),
    "VolumeDriver": ("", "local"),
}
_SECURITY = {"no-new-privileges", "no-new-privileges:true", "no-new-privileges=true"}
_LOG_DRIVERS = ("", "json-file", "local", "none")
_NETWORK_WORDS = ("", "default", "bridge", "none")


def _refuse(what: str) -> RefusedError:
    return RefusedError(f"{what} is refused: it leads to the machine that runs the local cloud")


class HostConfig:
    """Checks a HostConfig; `cleaned` is what the daemon gets."""

    def __init__(self, value: object, source_volume: str) -> None:
        self._given = folded(value, "HostConfig")
        self._source_volume = source_volume
        self.wanted = Wanted()
        self.cleaned: Json = {}
        for name in _FREE:
            if self._given.get(name.casefold()) is not None:
                self.cleaned[name] = self._take(name)
        for name, option in _NEVER.items():
            if self._take(name):
                raise _refuse(option)
        for name, allowed in _ONE_OF.items():
            value = self._take(name) or ""
            if value not in allowed:
                raise _refuse(f"{name} {value}")
        for check in (self._security, self._network, self._namespaces, self._binds, self._mounts, self._ports):
            check()
        self._log_driver()
        self._links()
        unknown = sorted(name for name, value in self._given.items() if value not in (None, "", 0, False, [], {}))
        if unknown:
            raise RefusedError(f"HostConfig: {', '.join(unknown)} is not known to the local cloud")

    def _take(self, name: str) -> Any:
        return self._given.pop(name.casefold(), None)

    def _security(self) -> None:
        options = self._take("SecurityOpt") or []
        for option in options:
            if option not in _SECURITY:
                raise _refuse(f"--security-opt {option}")
        if options:
            self.cleaned["SecurityOpt"] = options
        for name in ("MaskedPaths", "ReadonlyPaths"):
            if self._take(name) is not None:
                raise _refuse("--security-opt systempaths=unconfined")
        if (score := self._take("OomScoreAdj") or 0) < 0:
            raise _refuse(f"--oom-score-adj {score}")

    def _network(self) -> None:
        mode = str(self._take("NetworkMode") or "")
        if mode == "host":
            raise _refuse("--network host")
        if mode.startswith("container:"):
            self.wanted.containers.append(mode.partition(":")[2])
        elif mode not in _NETWORK_WORDS:
            self.wanted.networks.append(mode)
        self.wanted.mode = self.cleaned["NetworkMode"] = mode or "default"

    def _namespaces(self) -> None:
        for name, option, free in (("PidMode", "--pid", ()), ("IpcMode", "--ipc", ("private", "shareable", "none"))):
            mode = str(self._take(name) or "")
            if mode.startswith("container:"):
                self.wanted.containers.append(mode.partition(":")[2])
            elif mode and mode not in free:
                raise _refuse(f"{option} {mode}")
            self.cleaned[name] = mode

    def _binds(self) -> None:
        binds = []
        for bind in self._take("Binds") or []:
            source, _, target = str(bind).partition(":")
            binds.append(f"{self._volume(source)}:{target}" if target else source)
        self.cleaned["Binds"] = binds

    def _volume(self, source: str) -> str:
        """The name of the volume to mount in place of a source."""
        if source.rstrip("/") == SOURCE:
            return self._source_volume
        if "/" in source or source.startswith((".", "~")):
            raise _refuse(f"the bind mount of {source}")
        self.wanted.volumes.append(source)
        return source

    def _mounts(self) -> None:
        self.cleaned["Mounts"] = [self._mount(folded(mount, "Mounts")) for mount in self._take("Mounts") or []]

    def _mount(self, mount: Json) -> Json:
        kind, source = str(mount.get("type") or "volume"), str(mount.get("source") or "")
        plain: Json = {"Type": kind, "Target": mount.get("target"), "ReadOnly": bool(mount.get("readonly"))}
        if kind == "tmpfs":
            return {**plain, "TmpfsOptions": mount.get("tmpfsoptions") or {}}
        options = folded(mount.get("volumeoptions"), "VolumeOptions")
        if options.get("driverconfig"):
            raise _refuse("a volume driver")
        if kind == "bind" and source.rstrip("/") != SOURCE:
            raise _refuse(f"the bind mount of {source}")
        if kind not in ("bind", "volume"):
            raise _refuse(f"a mount of the type {kind}")
        return {**plain, "Type": "volume", "Source": self._volume(source) if source else ""}

    def _ports(self) -> None:
        """Published on loopback only, as everything of the local cloud."""
        bindings: Json = {}
        for port, hosts in (self._take("PortBindings") or {}).items():
            listed = [folded(host, "PortBindings") for host in hosts or [{}]]
            bindings[port] = [{"HostIp": "127.0.0.1", "HostPort": str(host.get("hostport") or "")} for host in listed]
        self.cleaned["PortBindings"] = bindings

    def _log_driver(self) -> None:
        declared = folded(self._take("LogConfig"), "LogConfig")
        if (driver := declared.get("type") or "") not in _LOG_DRIVERS:
            raise _refuse(f"--log-driver {driver}")
        if driver:
            self.cleaned["LogConfig"] = {"Type": driver, "Config": declared.get("config") or {}}

    def _links(self) -> None:
        links = self._take("Links") or []
        self.wanted.containers += [str(link).partition(":")[0] for link in links]
        if links:
            self.cleaned["Links"] = links


# --- the whole request -----------------------------------------------------------------------------------------------

_ENDPOINT = {"aliases": "Aliases", "ipamconfig": "IPAMConfig", "macaddress": "MacAddress", "gwpriority": "GwPriority"}


def _endpoint(value: object) -> Json:
    given = folded(value, "EndpointsConfig")
    if given.get("driveropts") or given.get("links"):
        raise RefusedError("EndpointsConfig: driver options and links are refused")
    return {_ENDPOINT[name]: item for name, item in given.items() if name in _ENDPOINT and item}


def _endpoints(value: object) -> Iterator[tuple[str, Json]]:
    for name, endpoint in folded_keys_kept(folded(value, "NetworkingConfig").get("endpointsconfig")).items():
        yield name, _endpoint(endpoint)


def folded_keys_kept(value: object) -> Mapping[str, Any]:
    """A JSON object whose names are the user's own."""
    return value if isinstance(value, Mapping) else {}


def create(
    body: Json, source_volume: str, labels: Mapping[str, str], hosts: list[str], image: Callable[[str], str]
) -> tuple[Json, Wanted]:
    """The request that goes to the daemon in place of a `docker create`, and what it needs."""
    given = folded(body, "container")
    host = HostConfig(given.pop("hostconfig", None), source_volume)
    endpoints = dict(_endpoints(given.pop("networkingconfig", None)))
    for name in endpoints:
        if name == "host":
            raise _refuse("--network host")
        if name not in _NETWORK_WORDS:
            host.wanted.networks.append(name)
    cleaned = dict(given)  # the daemon reads names in any case
    cleaned["image"] = image(str(given.get("image") or ""))
    cleaned["labels"] = {**folded_keys_kept(given.get("labels")), **labels}
    host.cleaned["ExtraHosts"] = [*(host.cleaned.get("ExtraHosts") or []), *hosts]
    if host.wanted.mode.startswith("container:"):
        del host.cleaned["ExtraHosts"]
    cleaned["HostConfig"] = host.cleaned
    cleaned["NetworkingConfig"] = {"EndpointsConfig": endpoints}
    return cleaned, host.wanted


def connect(body: Json) -> tuple[Json, str]:
    """The request of a `docker network connect`, and the container it is about."""
    given = folded(body, "connect")
    container = str(given.get("container") or "")
    return {"Container": container, "EndpointConfig": _endpoint(given.get("endpointconfig"))}, container


def network(body: Json, labels: Mapping[str, str]) -> Json:
    """The request of a `docker network create`."""
    given = folded(body, "network")
    driver = str(given.get("driver") or "bridge")
    if driver != "bridge":
        raise _refuse(f"a network with the driver {driver}")
    for name in ("options", "configfrom", "configonly", "ingress", "scope"):
        if given.pop(name, None) not in (None, "", False, {}, {"Network": ""}, "local"):
            raise RefusedError(f"network: {name} is refused")
    return {**given, "labels": {**folded_keys_kept(given.get("labels")), **labels}}


def volume(body: Json, labels: Mapping[str, str]) -> Json:
    """The request of a `docker volume create`."""
    given = folded(body, "volume")
    if given.get("driver") not in (None, "", "local"):
        raise _refuse(f"a volume with the driver {given['driver']}")
    if given.get("driveropts"):
        raise _refuse("a volume with driver options (they mount folders of the host)")
    if given.get("clustervolumespec"):
        raise _refuse("a cluster volume")
    return {"Name": given.get("name") or "", "Labels": {**folded_keys_kept(given.get("labels")), **labels}}


def execution(body: Json) -> Json:
    """The request of a `docker exec`."""
    given = folded(body, "exec")
    if given.get("privileged"):
        raise _refuse("exec --privileged")
    return given


def update(body: Json) -> Json:
    """The request of a `docker update`: limits only."""
    return {name: value for name, value in HostConfig(body, "").cleaned.items() if name in _FREE and value}
