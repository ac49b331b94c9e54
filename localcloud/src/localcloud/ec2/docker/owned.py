"""The Docker objects of a host, by its names for containers, networks and volumes, and by the daemon's.

The daemon is shared, so its names have a prefix: the ID of the instance, or that of the data volume on which a volume
lies. The host sees names without it, and only its own objects.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from localcloud import settings
from localcloud.dockerfilter.container_rules import RefusedError
from localcloud.dockerfilter.daemon import MissingError, Owned, request
from localcloud.ec2.machines import HOST_LABEL, Machine

EBS_LABEL = f"{settings.LABEL}.ebs"
"""The label of volumes that lie on a data volume; its value is the data volume's ID."""
_HEX = re.compile(r"[0-9a-f]{2,64}")
_FULL = re.compile(r"[0-9a-f]{64}")


class HostOwned(Owned):
    """The Docker objects of a host. What belongs to others does not exist for it."""

    def __init__(self, machine: Machine) -> None:
        super().__init__(HOST_LABEL, machine.id)
        self._machine = machine

    def named(self, name: str) -> str:
        """Returns the daemon's name for a name that the host gives to a container or network."""
        return name if name.startswith(f"{self.owner}.") else f"{self.owner}.{name}"

    def shown(self, name: str) -> str:
        """Returns the host's name for the daemon's name of a container or network."""
        return name.removeprefix(f"{self.owner}.")

    def volume_prefixes(self) -> list[str]:
        """Returns the prefixes of volumes that the host may use; the first one is that of new volumes."""
        return [f"{volume['VolumeId']}." for volume in self._machine.volumes()] + [f"{self.owner}."]

    def volume_labels(self, name: str, labels: Mapping[str, str]) -> dict[str, str]:
        """Returns the labels of a new volume: one on a data volume does not belong to the host."""
        if name.startswith(f"{self.owner}."):
            return dict(labels)
        kept = {key: value for key, value in labels.items() if key != HOST_LABEL}
        return {**kept, EBS_LABEL: name.partition(".")[0]}

    async def _find(self, what: str, reference: str, *, path: str = "") -> dict[str, Any]:
        plain = reference.lstrip("/")
        for candidate in (self.named(plain), plain if _HEX.fullmatch(plain) else ""):
            if not candidate:
                continue
            try:
                found = await self._inspect(f"/{what}s/{quote(candidate, safe='')}{path}")
            except MissingError:
                continue
            if ((found.get("Config") or found).get("Labels") or {}).get(HOST_LABEL) == self.owner:
                return found
        raise MissingError(f"No such {what}: {plain}")

    async def container(self, reference: str) -> str:
        """Returns the id of a container of this host."""
        return str((await self._find("container", reference, path="/json"))["Id"])

    async def described(self, reference: str) -> tuple[str, str, dict[str, str], bool]:
        """Returns id, name and labels of a container of this host, and whether it is removed when it ends."""
        found = await self._find("container", reference, path="/json")
        labels = dict(found["Config"].get("Labels") or {})
        return str(found["Id"]), str(found["Name"]).lstrip("/"), labels, bool(found["HostConfig"].get("AutoRemove"))

    async def network(self, reference: str, *common: str) -> str:
        """Returns the id of a network of this host, or of one that is listed in `common`."""
        try:
            return str((await self._find("network", reference))["Id"])
        except MissingError:
            if reference not in common:
                raise
        return str((await self._inspect(f"/networks/{quote(reference, safe='')}"))["Id"])

    async def network_name(self, reference: str) -> str:
        """Returns the daemon's name of a network of this host."""
        return str((await self._find("network", reference))["Name"])

    async def volume(self, name: str) -> str:
        """Returns the daemon's name of a volume that the host may use."""
        for prefix in [*self.volume_prefixes(), *([""] if _FULL.fullmatch(name) else [])]:
            try:
                found = await self._inspect(f"/volumes/{quote(prefix + name, safe='')}")
            except MissingError:
                continue
            if prefix != "" or (found.get("Labels") or {}).get(HOST_LABEL) == self.owner:
                return prefix + name
        raise MissingError(f"get {name}: no such volume")

    async def volume_for(self, name: str) -> str:
        """Returns the daemon's name for a volume of this name, whether there is one or not."""
        try:
            return await self.volume(name)
        except MissingError:
            return self.volume_prefixes()[0] + name

    async def volume_to_use(self, name: str, labels: Mapping[str, str]) -> None:
        """Creates a volume that a container refers to by the daemon's name, if it does not exist."""
        if _FULL.fullmatch(name):
            await self.volume(name)
            return
        if not name.startswith(tuple(self.volume_prefixes())):
            raise RefusedError(f"the volume {name} does not belong to this host")
        try:
            await self._inspect(f"/volumes/{quote(name, safe='')}")
        except MissingError:
            await request("POST", "/volumes/create", {"Name": name, "Labels": self.volume_labels(name, labels)})
