"""Archives of `docker save` on their way to `docker load`: only known members pass, with names that were checked.

Docker and Python may read one archive in two ways (a member that comes twice, a link). So what the daemon gets is
written anew, from what was read here.
"""

from __future__ import annotations

import asyncio
import io
import json
import re
import tarfile
from collections.abc import Awaitable, Callable
from typing import Any

from localcloud.codebuild.proxy.container_rules import RefusedError, folded, folded_keys_kept
from localcloud.codebuild.proxy.names import target

_HEX = "[0-9a-f]{64}"
_MEMBER = re.compile(
    rf"(?:\./)?(?:blobs(?:/sha256(?:/{_HEX})?)?|(?:sha256:)?{_HEX}(?:\.json|\.tar|\.tar\.gz)?|{_HEX}/(?:VERSION|json|layer\.tar)"
    r"|oci-layout|index\.json|manifest\.json|repositories)"
)
_LINK = re.compile(rf"(?:\.\./)?{_HEX}(?:/layer\.tar|\.tar)|(?:\.\./)?blobs/sha256/{_HEX}")
_NAMING = ("manifest.json", "index.json", "repositories")
_MOST_JSON = 4 * 1024 * 1024
_NAME = "io.containerd.image.name"  # what containerd's store takes for the name of an image


async def checked(path: str, give: Callable[..., Awaitable[None]]) -> str:
    """The file of an archive that is loaded in place of the one given; `give` raises if a name is refused."""
    try:
        naming = await asyncio.to_thread(_read, path)
        if "manifest.json" not in naming:
            raise RefusedError("docker load: the archive has no manifest.json; make it with docker save")
        manifest = [_image(entry) for entry in naming["manifest.json"] or []]
        index = _index(naming["index.json"]) if "index.json" in naming else None
        described = [entry["annotations"] for entry in (index or {}).get("manifests", [])]
        names = [name for entry in manifest for name in entry["RepoTags"]]
        names += [annotations[_NAME] for annotations in described if _NAME in annotations]
        await give(*map(target, names))
        return await asyncio.to_thread(_write, path, {"manifest.json": manifest, "index.json": index})
    except (tarfile.TarError, EOFError, OSError, ValueError, RecursionError) as error:
        raise RefusedError(f"docker load: the archive cannot be read: {error}") from error


def _name(member: tarfile.TarInfo) -> str:
    """The name of a member that may pass."""
    name = member.name.removeprefix("./").rstrip("/")
    if name in ("", "."):
        return ""
    known = _MEMBER.fullmatch(name)
    plain = member.isdir() or member.isreg() or (member.issym() and _LINK.fullmatch(member.linkname))
    if not known or not plain or (name in _NAMING and not member.isreg()):
        raise RefusedError(f"docker load: {member.name} is no member of an archive that docker save makes")
    return name


def _read(path: str) -> dict[str, Any]:
    found: dict[str, Any] = {}
    seen = set()
    with tarfile.open(path, "r:*") as archive:
        for member in archive:
            name = _name(member)
            if name in seen and not member.isdir():
                raise RefusedError(f"docker load: {name} comes twice in the archive")
            seen.add(name)
            if name in _NAMING:
                content = archive.extractfile(member)
                if content is None or member.size > _MOST_JSON:
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
    """An OCI index whose images have full names or none."""
    manifests = []
    given = folded(index, "index.json")
    for entry in given.get("manifests") or []:
        described = folded(entry, "index.json")
        name = folded_keys_kept(described.get("annotations")).get(_NAME)
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
