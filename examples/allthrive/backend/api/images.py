"""Recognizes the image formats that the product accepts."""

from __future__ import annotations


def extension_of(content: bytes) -> str | None:
    """Return the extension for a file's content, or None if it is no accepted image.

    Uploads are served from the site's own origin. So the content decides, not the name, and SVG is not accepted: it may
    contain scripts.
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
