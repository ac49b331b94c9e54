"""The containers of a pod on Docker: a sandbox that keeps its network and volumes, and the pod's own containers.

Settings go through the code that runs ECS tasks.
"""

from __future__ import annotations

import io
import logging
import tarfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import docker
from docker.errors import APIError, NotFound

from localcloud import certificate_authorities, network, settings
from localcloud.ecs import tasks
from localcloud.kubernetes.api import Json
from localcloud.kubernetes.config import Config, File, expanded, quantity
from localcloud.kubernetes.control_plane import CLUSTER_LABEL, ROLE_LABEL, Place
from localcloud.kubernetes.images import tagged

SYMBOLS: tuple[str, ...] = tasks.SYMBOLS

POD_LABEL = f"{settings.LABEL}.pod"
"""The label of everything that belongs to a pod; its value is the pod's UID."""
NAME_LABEL = f"{settings.LABEL}.pod-container"
ATTEMPT_LABEL = f"{settings.LABEL}.pod-attempt"
DOMAIN = "cluster.local"
_VOLUMES = "/volumes"
_MEBIBYTE = 2**20
_OPEN_FOLDER = 0o777
logger = logging.getLogger("localcloud")


@dataclass
class Sandbox:
    """The container whose network all containers of a pod share, its address, and their volumes."""

    docker_id: str
    address: str
    volumes: dict[str, str] = field(default_factory=dict)
    """The Docker volumes by the names of the pod's volumes."""


def search(namespace: str) -> list[str]:
    """Returns the search list of a pod."""
    return [f"{namespace}.svc.{DOMAIN}", f"svc.{DOMAIN}", DOMAIN]


def aliases(namespace: str, name: str) -> list[str]:
    """Returns the names of a Service, without those that a search list makes of them."""
    return [f"{name}.{namespace}.svc.{DOMAIN}", f"{name}.{namespace}.svc", f"{name}.{namespace}"]


def _archive(files: Mapping[str, File], group: int) -> bytes:
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as archive:
        for path, file in files.items():
            member = tarfile.TarInfo(path)
            member.size, member.mode, member.gid = len(file.content), file.mode, group
            archive.addfile(member, io.BytesIO(file.content))
    return packed.getvalue()


def _folder(name: str, group: int) -> bytes:
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as archive:
        member = tarfile.TarInfo(name)
        member.type, member.mode, member.gid = tarfile.DIRTYPE, _OPEN_FOLDER, group
        archive.addfile(member)
    return packed.getvalue()


class Containers:
    """Creates, finds and removes the containers of one pod."""

    def __init__(self, place: Place, pod: Json) -> None:
        self._place, self._cluster, self.pod = place, place.cluster, pod
        metadata = pod["metadata"]
        self._uid, self._name, self._namespace = metadata["uid"], metadata["name"], metadata["namespace"]
        self._client = docker.from_env(timeout=180)

    @property
    def _labels(self) -> dict[str, str]:
        own = {CLUSTER_LABEL: self._cluster, POD_LABEL: self._uid, ROLE_LABEL: "pod"}
        return {**network.labels(settings.current()), **own}

    def _docker_name(self, container: str, attempt: int) -> str:
        chosen = settings.current().network
        return f"{chosen}-k8s_{container}_{self._name}_{self._namespace}_{self._uid}_{attempt}"

    def _address(self, container: Any) -> str:
        return str(container.attrs["NetworkSettings"]["Networks"][self._place.network]["IPAddress"])

    # --- the sandbox -------------------------------------------------------------------------------------------------

    def sandbox(self) -> Sandbox | None:
        """Returns the sandbox that runs already; None if there is none."""
        found = self._listed("POD")
        running = next((container for container in found if container.status == "running"), None)
        if running is None:
            return None
        named = {volume["name"]: self._volume_name(volume["name"]) for volume in self._volumes()}
        return Sandbox(str(running.id), self._address(running), named)

    def _volumes(self) -> list[Mapping[str, Any]]:
        return list(self.pod["spec"].get("volumes") or ())

    def _volume_name(self, volume: str) -> str:
        return tasks.volume_name(self._uid, volume)

    def create_sandbox(self, attempt: int) -> Sandbox:
        """Creates and starts the sandbox, with empty volumes."""
        spec, chosen = self.pod["spec"], settings.current()
        named = {}
        for volume in self._volumes():
            named[volume["name"]] = self._volume_name(volume["name"])
            self._client.volumes.create(named[volume["name"]], labels=self._labels)
        options: dict[str, Any] = {}
        if spec.get("hostAliases"):
            options["extra_hosts"] = {host: entry["ip"] for entry in spec["hostAliases"] for host in entry["hostnames"]}
        sandbox = self._client.containers.create(
            network.relay_image(self._client) or network.RELAY_IMAGES[0],
            ["sleep", "infinity"],
            name=self._docker_name("POD", attempt),
            hostname=(spec.get("hostname") or self._name)[:63],
            labels={**self._labels, NAME_LABEL: "POD", ATTEMPT_LABEL: str(attempt)},
            network=self._place.network,
            dns_search=search(self._namespace),
            dns_opt=["ndots:5"],
            volumes={name: {"bind": f"{_VOLUMES}/{volume}", "mode": "rw"} for volume, name in named.items()},
            stop_signal="SIGKILL",
            **options,
        )
        self._client.networks.get(chosen.network).connect(sandbox)  # databases, caches and the API of AWS
        sandbox.start()
        sandbox.reload()
        return Sandbox(str(sandbox.id), self._address(sandbox), named)

    def fill(self, sandbox: Sandbox, config: Config) -> None:
        """Writes the files of the volumes.

        Raises:
            ConfigError: if something that a volume refers to does not exist.
        """
        container = self._client.containers.get(sandbox.docker_id)
        group = int((self.pod["spec"].get("securityContext") or {}).get("fsGroup") or 0)
        for volume in self._volumes():
            container.put_archive(_VOLUMES, _folder(volume["name"], group))
            files = config.files(volume, sandbox.address)
            if files:
                container.put_archive(f"{_VOLUMES}/{volume['name']}", _archive(files, group))

    # --- containers --------------------------------------------------------------------------------------------------

    def create(self, spec: Mapping[str, Any], attempt: int, sandbox: Sandbox, config: Config) -> Any:
        """Creates a container that is not started yet.

        Raises:
            ConfigError: if something that its variables refer to does not exist.
        """
        environment = config.environment(spec, sandbox.address)
        trusted = {**certificate_authorities.variables(), "AWS_ENDPOINT_URL": settings.current().container_url}
        api = {"KUBERNETES_SERVICE_HOST": config.api_host, "KUBERNETES_SERVICE_PORT": str(config.api_port)}
        binds = [
            f"{sandbox.volumes[mount['name']]}:{mount['mountPath']}:{'ro' if mount.get('readOnly') else 'rw'}"
            for mount in spec.get("volumeMounts") or ()
            if not mount.get("subPath")
        ]
        arguments = self._arguments(spec, environment)
        labels = {**arguments.pop("labels"), **self._labels, NAME_LABEL: spec["name"], ATTEMPT_LABEL: str(attempt)}
        container = self._client.containers.create(
            tagged(spec["image"]),
            [expanded(word, environment) for word in spec.get("args") or ()] or None,
            name=self._docker_name(spec["name"], attempt),
            labels=labels,
            environment={**trusted, **api, **config.identity, **environment},
            volumes=[*binds, certificate_authorities.bind()],
            network_mode=f"container:{sandbox.docker_id}",
            **arguments,
        )
        self._copy_files(container, spec, sandbox, config)
        return container

    def _copy_files(self, container: Any, spec: Mapping[str, Any], sandbox: Sandbox, config: Config) -> None:
        """Copies the files that are mounted one by one (`subPath`)."""
        volumes = {volume["name"]: volume for volume in self._volumes()}
        for mount in spec.get("volumeMounts") or ():
            file = mount.get("subPath") and config.files(volumes[mount["name"]], sandbox.address).get(mount["subPath"])
            if file:
                container.put_archive("/", _archive({mount["mountPath"].lstrip("/"): file}, 0))

    def _arguments(self, spec: Mapping[str, Any], environment: Mapping[str, str]) -> dict[str, Any]:
        """Returns docker-py's arguments, through the settings of a container of an ECS task."""
        of_pod = self.pod["spec"].get("securityContext") or {}
        context = {**of_pod, **(spec.get("securityContext") or {})}
        resources = spec.get("resources") or {}
        limits, requests = resources.get("limits") or {}, resources.get("requests") or {}
        user = str(context["runAsUser"]) if context.get("runAsUser") is not None else ""
        if context.get("runAsGroup") is not None:
            user = f"{user or 0}:{context['runAsGroup']}"
        memory = quantity(limits.get("memory"))
        definition = {
            "entryPoint": [expanded(word, environment) for word in spec.get("command") or ()],
            "workingDirectory": spec.get("workingDir"),
            "user": user,
            "readonlyRootFilesystem": context.get("readOnlyRootFilesystem"),
            "memory": max(6, int(memory / _MEBIBYTE)) if memory else None,  # Docker's least is 6 MiB
            "cpu": int(quantity(requests.get("cpu") or limits.get("cpu")) * 1024),
            "linuxParameters": {"capabilities": {"drop": (context.get("capabilities") or {}).get("drop")}},
            "pseudoTerminal": spec.get("tty"),
            "interactive": spec.get("stdin"),
        }
        found = tasks.run_arguments({}, definition, self._uid)
        if memory:
            found["memswap_limit"] = found["mem_limit"]  # nodes have no swap
        if context.get("allowPrivilegeEscalation") is False:
            found["security_opt"] = ["no-new-privileges"]
        if of_pod.get("fsGroup") is not None:
            groups = [of_pod["fsGroup"], *(of_pod.get("supplementalGroups") or ())]
            found["group_add"] = [str(group) for group in groups]
        if self.pod["spec"].get("shareProcessNamespace"):
            sandbox = self.sandbox()
            found["pid_mode"] = f"container:{sandbox.docker_id}" if sandbox else None
        return found

    def find(self, name: str) -> list[Any]:
        """Returns the attempts of a container, the newest first."""
        return sorted(self._listed(name), key=lambda found: -int(found.labels[ATTEMPT_LABEL]))

    def _listed(self, name: str) -> list[Any]:
        labels = [f"{POD_LABEL}={self._uid}", f"{CLUSTER_LABEL}={self._cluster}", f"{NAME_LABEL}={name}"]
        found: list[Any] = self._client.containers.list(all=True, ignore_removed=True, filters={"label": labels})
        return found

    def prune(self, name: str) -> None:
        """Removes the attempts of a container but the newest two: `kubectl logs --previous` shows the second."""
        for old in self.find(name)[2:]:
            _remove(old)

    def get(self, docker_id: str) -> Any:
        """Returns a container; NotFound if it does not exist."""
        return self._client.containers.get(docker_id)

    def remove(self) -> None:
        """Removes all containers and volumes of the pod."""
        remove_pod(self._client, self._uid)


def remove_pod(client: docker.DockerClient, uid: str) -> None:
    """Removes all containers and volumes of a pod."""
    filters: dict[str, Any] = {"label": f"{POD_LABEL}={uid}"}
    for container in client.containers.list(all=True, ignore_removed=True, filters=filters):
        _remove(container)
    for volume in client.volumes.list(filters=filters):
        try:
            volume.remove(force=True)
        except APIError as error:
            logger.debug("volume %s: %s", volume.name, error)


def _remove(container: Any) -> None:
    try:
        container.remove(force=True, v=True)
    except (NotFound, APIError) as error:
        logger.debug("container %s: %s", container.name, error)
