"""Which images we take."""

from __future__ import annotations


def extension_of(content: bytes) -> str | None:
    """Return the extension that fits a file's first bytes; none if it is no image we serve.

    Media share the site's origin. The content decides, and SVG is missing, because a script may hide in it.
    """
    if content.startswith(b"\x89PNG\r\n\x1a\n"):
        return "png"
    if content.startswith(b"\xff\xd8\xff"):
        return "jpg"
    if content.startswith((b"GIF87a", b"GIF89a")):
        return "gif"
    if content.startswith(b"RIFF") and content[8:12] == b"WEBP":
        return "webp"
    return None
