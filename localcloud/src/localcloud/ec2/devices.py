"""Attached volumes, as programs in a host see them: at the paths of their devices, which are empty files here."""

from __future__ import annotations

import io
import json
import tarfile
from collections.abc import Mapping
from typing import Any

_FOLDER = "/run/localcloud/volumes"


def put(container: Any, folder: str, files: dict[str, bytes], *, mode: int = 0o644) -> None:
    """Writes files into a folder of a container, which exists."""
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as archive:
        for name, content in files.items():
            member = tarfile.TarInfo(name)
            member.size, member.mode = len(content), mode
            archive.addfile(member, io.BytesIO(content))
    container.put_archive(folder, packed.getvalue())


def show(container: Any, instance_id: str, volume: Mapping[str, Any]) -> None:
    """Lets programs in a host find a volume at the paths where Linux has it."""
    device = next(a["Device"] for a in volume["Attachments"] if a["InstanceId"] == instance_id)
    plain = volume["VolumeId"].replace("vol-", "vol")
    letter = device.rstrip("0123456789")[-1]
    by_id = f"/dev/disk/by-id/nvme-Amazon_Elastic_Block_Store_{plain}"
    paths = sorted({device, f"/dev/xvd{letter}", f"/dev/sd{letter}", by_id})
    known = {"volume": volume["VolumeId"], "devices": paths, "size": volume["Size"], "type": volume.get("_type", "")}
    put(container, _FOLDER, {f"{volume['VolumeId']}.json": json.dumps(known).encode()})
    container.exec_run(["mkdir", "-p", "/dev/disk/by-id"])
    container.exec_run(["touch", *paths])


def hide(container: Any, volume_id: str) -> None:
    """Removes a detached volume."""
    script = f'jq -r ".devices[]" {_FOLDER}/{volume_id}.json | xargs rm -f {_FOLDER}/{volume_id}.json'
    container.exec_run(["sh", "-c", script])
