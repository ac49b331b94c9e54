"""The password file of PostgreSQL in containers whose variable PGPASSFILE names it.

libpq reads it only if nobody else may: it belongs to the user that the image runs as. It is put into a container before
that starts. Compose's secrets cannot do this: with an owner, the daemon looks for the container's user on the host.
"""

from __future__ import annotations

import io
import tarfile

from slipway_host.containers import Container, Daemon
from slipway_host.output import Failed

PATH = "/run/secrets/pgpass"


def place(daemon: Daemon, container: Container, text: str) -> None:
    """Puts the file into a container that was created, if its variables name the file.

    Raises:
        Failed: if they name another path.
    """
    if not container.pgpass:
        return
    if container.pgpass != PATH:
        raise Failed(f"{container.service} has PGPASSFILE={container.pgpass}; set it to {PATH}")
    user, group = daemon.user(container.image)
    daemon.put(container, _packed(text.encode(), int(user), int(group)))


def _packed(content: bytes, user: int, group: int) -> bytes:
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as archive:
        # Without entries of their own the daemon makes these folders unreadable for other users than root.
        for folder in ("run", "run/secrets"):
            member = tarfile.TarInfo(folder)
            member.type, member.mode = tarfile.DIRTYPE, 0o755
            archive.addfile(member)
        member = tarfile.TarInfo(PATH.lstrip("/"))
        member.mode, member.uid, member.gid, member.size = 0o600, user, group, len(content)
        archive.addfile(member, io.BytesIO(content))
    return packed.getvalue()
