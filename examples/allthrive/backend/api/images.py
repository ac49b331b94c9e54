"""Which images we take."""

from __future__ import annotations


def extension_of(head: bytes) -> str | None:
    """Return the extension that fits a file's first bytes; none if it is no image we serve.

    Media share the site's origin. The content decides, and SVG is missing, because a script may hide in it.
    """
    if head.startswith(b"\x89PNG\r\n\x1a\n"):
        return "png"
    if head.startswith(b"\xff\xd8\xff"):
        return "jpg"
    if head.startswith((b"GIF87a", b"GIF89a")):
        return "gif"
    if head.startswith(b"RIFF") and head[8:12] == b"WEBP":
        return "webp"
    return None
