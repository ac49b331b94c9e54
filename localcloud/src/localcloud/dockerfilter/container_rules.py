"""Rules for the containers, networks and volumes of a build: no option may give access to the host.

The daemon reads JSON names in upper or lower case and merges duplicates. So checking a request is not enough: the
request that is sent to the daemon is built anew and contains only names that were checked.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

Json = dict[str, Any]


class RefusedError(Exception):
    """The proxy does not forward a request. The docker command prints the message."""


@dataclass
class Wanted:
    """The objects that a new container refers to: they must belong to the build."""

    containers: list[str] = field(default_factory=list)
    networks: list[str] = field(default_factory=list)
    volumes: list[str] = field(default_factory=list)
    mode: str = ""


def folded(value: object, what: str) -> Json:
    """Returns a JSON object with lower-case names.

    Raises:
        RefusedError: if two names differ in case only.
    """
    if value is None:
        return {}
    if not isinstance(value, Mapping):
        raise RefusedError(f"{what}: expected an object")
    found: Json = {}
    for name, item in value.items():
        if name.casefold() in found:
            raise RefusedError(f"{what}: {name} appears twice")
        found[name.casefold()] = item
    return found


# --- HostConfig ------------------------------------------------------------------------------------------------------

#: Forwarded unchanged: they affect only the container itself.
_FORWARDED = [
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
_REFUSED = {
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
#: Allowed values of a member; the first one is the default.
_ALLOWED_VALUES = {
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
    return RefusedError(f"{what} is refused: it gives access to the machine that runs the local cloud")


@dataclass(frozen=True)
class Own:
    """The client's own labels, and the folder that it may mount because it is a volume."""

    labels: Mapping[str, str] = field(default_factory=dict)
    folder: str = ""
    volume: str = ""

    def has(self, source: str) -> bool:
        """True if the source of a mount is the folder."""
        return bool(self.folder) and source.rstrip("/") == self.folder


class HostConfig:
    """Checks a HostConfig; the daemon gets `cleaned`."""

    def __init__(self, value: object, own: Own) -> None:
        self._given = folded(value, "HostConfig")
        self._own = own
        self.wanted = Wanted()
        self.cleaned: Json = {}
        for name in _FORWARDED:
            if self._given.get(name.casefold()) is not None:
                self.cleaned[name] = self._take(name)
        for name, option in _REFUSED.items():
            if self._take(name):
                raise _refuse(option)
        for name, allowed in _ALLOWED_VALUES.items():
            value = self._take(name) or ""
            if value not in allowed:
                raise _refuse(f"{name} {value}")
        for check in (self._security, self._network, self._namespaces, self._binds, self._mounts, self._ports):
            check()
        self._log_driver()
        self._links()
        unknown = sorted(name for name, value in self._given.items() if value not in (None, "", 0, False, [], {}))
        if unknown:
            raise RefusedError(f"HostConfig: the local cloud does not support {', '.join(unknown)}")

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
        """Returns the volume to mount for a source: the build's source folder is itself a volume."""
        if self._own.has(source):
            return self._own.volume
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
        if kind == "bind" and not self._own.has(source):
            raise _refuse(f"the bind mount of {source}")
        if kind not in ("bind", "volume"):
            raise _refuse(f"a mount of the type {kind}")
        if source:
            return {**plain, "Type": "volume", "Source": self._volume(source)}
        return {**plain, "Type": "volume", "Source": "", "VolumeOptions": {"Labels": dict(self._own.labels)}}

    def _ports(self) -> None:
        """Publishes ports on loopback only, as the local cloud always does."""
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


# --- requests --------------------------------------------------------------------------------------------------------

_ENDPOINT = {"aliases": "Aliases", "ipamconfig": "IPAMConfig", "macaddress": "MacAddress", "gwpriority": "GwPriority"}


def _endpoint(value: object) -> Json:
    given = folded(value, "EndpointsConfig")
    if given.get("driveropts") or given.get("links"):
        raise RefusedError("EndpointsConfig: driver options and links are refused")
    return {_ENDPOINT[name]: item for name, item in given.items() if name in _ENDPOINT and item}


def _endpoints(value: object) -> Iterator[tuple[str, Json]]:
    for name, endpoint in mapping_or_empty(folded(value, "NetworkingConfig").get("endpointsconfig")).items():
        yield name, _endpoint(endpoint)


def mapping_or_empty(value: object) -> Mapping[str, Any]:
    """Returns a JSON object whose names the user chooses, such as labels; so their case is kept."""
    return value if isinstance(value, Mapping) else {}


def create(body: Json, own: Own, hosts: list[str], image: Callable[[str], str]) -> tuple[Json, Wanted]:
    """Returns the request of a `docker create` as it is sent to the daemon, and the objects it refers to."""
    given = folded(body, "container")
    host = HostConfig(given.pop("hostconfig", None), own)
    endpoints = dict(_endpoints(given.pop("networkingconfig", None)))
    for name in endpoints:
        if name == "host":
            raise _refuse("--network host")
        if name not in _NETWORK_WORDS:
            host.wanted.networks.append(name)
    cleaned = dict(given)  # the daemon accepts lower-case names
    cleaned["image"] = image(str(given.get("image") or ""))
    cleaned["labels"] = {**mapping_or_empty(given.get("labels")), **own.labels}
    host.cleaned["ExtraHosts"] = [*(host.cleaned.get("ExtraHosts") or []), *hosts]
    if host.wanted.mode.startswith("container:"):
        del host.cleaned["ExtraHosts"]
    cleaned["HostConfig"] = host.cleaned
    cleaned["NetworkingConfig"] = {"EndpointsConfig": endpoints}
    return cleaned, host.wanted


def connect(body: Json) -> tuple[Json, str]:
    """Returns the request of a `docker network connect`, and its container."""
    given = folded(body, "connect")
    container = str(given.get("container") or "")
    return {"Container": container, "EndpointConfig": _endpoint(given.get("endpointconfig"))}, container


def network(body: Json, labels: Mapping[str, str]) -> Json:
    """Returns the request of a `docker network create`."""
    given = folded(body, "network")
    driver = str(given.get("driver") or "bridge")
    if driver != "bridge":
        raise _refuse(f"a network with the driver {driver}")
    for name in ("options", "configfrom", "configonly", "ingress", "scope"):
        if given.pop(name, None) not in (None, "", False, {}, {"Network": ""}, "local"):
            raise RefusedError(f"network: {name} is refused")
    return {**given, "labels": {**mapping_or_empty(given.get("labels")), **labels}}


def volume(body: Json, labels: Mapping[str, str]) -> Json:
    """Returns the request of a `docker volume create`."""
    given = folded(body, "volume")
    if given.get("driver") not in (None, "", "local"):
        raise _refuse(f"a volume with the driver {given['driver']}")
    if given.get("driveropts"):
        raise _refuse("a volume with driver options (they mount folders of the host)")
    if given.get("clustervolumespec"):
        raise _refuse("a cluster volume")
    return {"Name": given.get("name") or "", "Labels": {**mapping_or_empty(given.get("labels")), **labels}}


def execution(body: Json) -> Json:
    """Returns the request of a `docker exec`."""
    given = folded(body, "exec")
    if given.get("privileged"):
        raise _refuse("exec --privileged")
    return given


def update(body: Json) -> Json:
    """Returns the request of a `docker update`, which may change limits only."""
    return {name: value for name, value in HostConfig(body, Own()).cleaned.items() if name in _FORWARDED and value}
