"""Checks the archives of `docker load`: only known members are forwarded, with image names that were checked.

Docker and Python may read the same archive differently (a member that appears twice, a link). So the archive that is
sent to the daemon is written anew from the members that were read here.
"""

from __future__ import annotations

import asyncio
import io
import json
import re
import tarfile
from collections.abc import Awaitable, Callable
from typing import Any

from localcloud.dockerfilter.container_rules import RefusedError, folded, mapping_or_empty
from localcloud.dockerfilter.names import target

_HEX = "[0-9a-f]{64}"
_MEMBER = re.compile(
    rf"(?:\./)?(?:blobs(?:/sha256(?:/{_HEX})?)?|(?:sha256:)?{_HEX}(?:\.json|\.tar|\.tar\.gz)?|{_HEX}/(?:VERSION|json|layer\.tar)"
    r"|oci-layout|index\.json|manifest\.json|repositories)"
)
_LINK = re.compile(rf"(?:\.\./)?{_HEX}(?:/layer\.tar|\.tar)|(?:\.\./)?blobs/sha256/{_HEX}")
_NAMING = ("manifest.json", "index.json", "repositories")
_MAX_JSON = 4 * 1024 * 1024
_NAME = "io.containerd.image.name"  # the annotation that containerd's image store reads as the name of an image


async def checked(path: str, claim: Callable[..., Awaitable[None]]) -> str:
    """Returns the path of a checked copy of an archive; `claim` raises if the build may not use an image name."""
    try:
        naming = await asyncio.to_thread(_read, path)
        if "manifest.json" not in naming:
            raise RefusedError("docker load: the archive has no manifest.json; make it with docker save")
        manifest = [_image(entry) for entry in naming["manifest.json"] or []]
        index = _index(naming["index.json"]) if "index.json" in naming else None
        described = [entry["annotations"] for entry in (index or {}).get("manifests", [])]
        names = [name for entry in manifest for name in entry["RepoTags"]]
        names += [annotations[_NAME] for annotations in described if _NAME in annotations]
        await claim(*map(target, names))
        return await asyncio.to_thread(_write, path, {"manifest.json": manifest, "index.json": index})
    except (tarfile.TarError, EOFError, OSError, ValueError, RecursionError) as error:
        raise RefusedError(f"docker load: the archive cannot be read: {error}") from error


def _name(member: tarfile.TarInfo) -> str:
    """Returns the name of a member; empty for the root folder.

    Raises:
        RefusedError: if an archive of `docker save` has no such member.
    """
    name = member.name.removeprefix("./").rstrip("/")
    if name in ("", "."):
        return ""
    is_known = _MEMBER.fullmatch(name)
    is_plain = member.isdir() or member.isreg() or (member.issym() and _LINK.fullmatch(member.linkname))
    if not is_known or not is_plain or (name in _NAMING and not member.isreg()):
        raise RefusedError(f"docker load: {member.name} is not part of an archive of docker save")
    return name


def _read(path: str) -> dict[str, Any]:
    found: dict[str, Any] = {}
    seen = set()
    with tarfile.open(path, "r:*") as archive:
        for member in archive:
            name = _name(member)
            if name in seen and not member.isdir():
                raise RefusedError(f"docker load: {name} appears twice in the archive")
            seen.add(name)
            if name in _NAMING:
                content = archive.extractfile(member)
                if content is None or member.size > _MAX_JSON:
                    raise RefusedError(f"docker load: {name} is too long")
                found[name] = json.loads(content.read())
    return found


def _image(entry: Any) -> dict[str, Any]:
    given = folded(entry, "manifest.json")
    return {
        "Config": str(given.get("config") or ""),
        "RepoTags": [str(target(name)) for name in given.get("repotags") or []],
        "Layers": [str(layer) for layer in given.get("layers") or []],
        **({"Parent": str(given["parent"])} if given.get("parent") else {}),
    }


def _index(index: object) -> dict[str, Any]:
    """Returns an OCI index whose images have their fully qualified names, or none."""
    manifests = []
    given = folded(index, "index.json")
    for entry in given.get("manifests") or []:
        described = folded(entry, "index.json")
        name = mapping_or_empty(described.get("annotations")).get(_NAME)
        manifests.append({**described, "annotations": {_NAME: target(name).qualified} if name else {}})
    return {**given, "manifests": manifests}


def _write(path: str, naming: dict[str, Any]) -> str:
    made = f"{path}.checked"
    with tarfile.open(path, "r:*") as archive, tarfile.open(made, "w", format=tarfile.GNU_FORMAT) as written:
        for member in archive:
            name = _name(member)
            if not name or name in _NAMING:
                continue
            kept = tarfile.TarInfo(name)
            kept.type, kept.mode = member.type, 0o755 if member.isdir() else 0o644
            kept.linkname, kept.size = (member.linkname, 0) if member.issym() else ("", member.size)
            if member.isreg():
                kept.type = tarfile.REGTYPE
            written.addfile(kept, archive.extractfile(member) if member.isreg() else None)
        for name, value in naming.items():
            if value is not None:
                content = json.dumps(value).encode()
                kept = tarfile.TarInfo(name)
                kept.size = len(content)
                written.addfile(kept, io.BytesIO(content))
    return made
