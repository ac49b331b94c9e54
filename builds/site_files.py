"""The rules for a frontend's files: which names are refused, which releases keep them, and how URLs are written.

`slipway release` imports this module; the builds bundle and publish-frontend contain its text. Standard library only.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from urllib.parse import quote, unquote

RESERVED = ".slipway"  # the folder of our own records in the bundle and in the site's bucket; no visitor gets it
IMMUTABLE = f"{RESERVED}/immutable.json"
RECORDS = f"{RESERVED}/releases/"
OLD_RECORDS = "releases/"  # until 0.1.0
# The endings by which CloudFront tells a file from a page of the application.
ENDINGS = frozenset(
    (  # noqa: SIM905 - words are easier to read than a list of strings
        "7z aac apk atom avif avi bin bmp br bz2 cjs css csv cur data dat db dmg doc docx eot epub exe flac gif glb "
        "gltf gz heic htm html icns ico ics jar jpeg jpg js json json5 jsonld jxl key ktx2 less m3u8 m4a m4v map md "
        "mid midi mjs mkv mov mp3 mp4 mpeg mpg mpd msi odp ods odt ogg ogv onnx opus otf pdf pem pkg pmtiles png ppt "
        "pptx psd ps rar rss rtf sass scss sh srt svg svgz swf tar tgz tif tiff ts tsv ttf txt usdz vcf vtt wasm wav "
        "weba webm webmanifest webp woff woff2 xhtml xls xlsx xml xpi xsl yaml yml zip zst"
    ).split(" ")
)
# A pipeline's variable has at most 1000 characters, and so have all parameters of a Lambda action together.
PATHS_CHARACTERS = 500
_NAME_BYTES = 1024  # docs.aws.amazon.com/AmazonS3, "Naming Amazon S3 objects"
# What RFC 1738 does not call unsafe. CloudFront wants unsafe and non-ASCII characters encoded, and no others
# (CloudFront Developer Guide, "Invalidate files": what you need to know, read on 2026-11-30).
_SAFE = "/$-_.+!'(),;:@&="


class Refused(Exception):  # noqa: N818 - the bundle is refused
    """A bundle cannot be published; the message says which file and what to do."""


def url_path(name: str, base: str = "/") -> str:
    """Returns the path of a file's URL, as CloudFront's invalidations need it: `/a%20b.js`, `/runtime%7Emain.js`."""
    return base + quote(name, safe=_SAFE).replace("~", "%7E")


def url_paths(names: Iterable[str], base: str = "/", characters: int = PATHS_CHARACTERS) -> str:
    """Returns the paths of a frontend's files, separated by spaces; `/*` if they do not fit into a variable.

    `base` is the path of the frontend; `characters` what its part of a pipeline's variable may have.
    """
    paths = " ".join(sorted(url_path(name, base) for name in names))
    return paths if len(paths) <= characters else f"{base}*"


def check(names: Iterable[str], more_endings: Iterable[str] = (), others: Iterable[str] = ()) -> None:
    """Refuses the first file that cannot be published; `others` are folders that belong to other frontends: `admin/`.

    Raises:
        Refused: with the name, and what to do.
    """
    known = ENDINGS | {ending.lower() for ending in more_endings}
    for name in sorted(names):
        if name.partition("/")[0] == RESERVED:
            raise Refused(f"{name}: the folder {RESERVED} holds Slipway's records; give the folder another name")
        if other := next((other for other in others if name.startswith(other)), ""):
            raise Refused(f"{name}: another frontend serves {other}, so no visitor would get it; leave the folder out")
        bad = next((letter for letter in name if letter in '*?\\"<>' or ord(letter) < 32 or ord(letter) == 127), "")  # noqa: PLR2004 - control characters
        if bad:
            raise Refused(f"{name!r}: no URL can name a file with {bad!r}; rename it")
        if len(name.encode()) > _NAME_BYTES:
            raise Refused(f"{name[:80]}…: S3 allows {_NAME_BYTES} bytes for a name; shorten it")
        last = name.rpartition("/")[2]
        ending = last.rpartition(".")[2].lower()
        if "." in last.lstrip(".") and ending not in known and not name.startswith(".well-known/"):
            raise Refused(
                f"{name}: a URL that ends in .{ending} counts as a page of the application; write "
                f"frontend: {{file_endings: [{ending}]}} in the manifest, or leave the file out"
            )


def files(folder: Path) -> list[str]:
    """Returns the files of a folder, by their names in the bucket; Slipway's own are left out."""
    found = (path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())
    return sorted(name for name in found if name.partition("/")[0] != RESERVED)


def hashes(folder: Path, names: Iterable[str]) -> dict[str, str]:
    """Returns the SHA-256 of files, by name."""
    return {name: hashlib.sha256((folder / name).read_bytes()).hexdigest() for name in names}


def changed(published: Mapping[str, str], records: Iterable[object]) -> list[str]:
    """Returns the files that an earlier release published as immutable with other content.

    A record is the content of a release's list: hashes by name, null for a file that was not immutable, or names
    only, as until 0.1.0.
    """
    found = set()
    for record in records:
        if isinstance(record, dict):
            found |= {name for name, value in published.items() if (record.get(name) or value) != value}
    return sorted(found)


def forgotten(
    kept: Iterable[Iterable[str]], old: Iterable[Iterable[str]], current: Iterable[str], others: Iterable[str] = ()
) -> list[str]:
    """Returns the files to delete: those of old releases that no kept one has, nor the current bundle.

    A release is the content of its list, by name. A folder of `others` was this frontend's before another one got it,
    and what is there now is not this one's to delete.
    """
    names = {name for record in old for name in record}.difference(current, *kept)
    return sorted(name for name in names if not name.startswith(tuple(others)))


def check_base(folder: Path, names: Iterable[str], base: str) -> None:
    """Refuses a bundle whose page asks for its own files at `/`, although it is served below another path.

    Raises:
        Refused: with the URL, and how bundlers are told the path.
    """
    page, known = folder / "index.html", set(names)
    if base == "/" or not page.is_file():
        return
    text = page.read_text(encoding="utf-8", errors="replace")
    for url in re.findall(r"""(?:src|href)\s*=\s*["']?(/[^"'?#\s>]+)""", text):
        if not url.startswith(base) and unquote(url[1:]) in known:
            raise Refused(
                f"index.html asks for {url}, but the site serves this frontend below {base}. The bundler must know the "
                "path, which the build has as BASE_PATH: Vite's base, Create React App's PUBLIC_URL, Angular's "
                "--base-href, Next's basePath (docs/builds.md)"
            )


def main(arguments: list[str]) -> None:
    """Runs `bundle FOLDER`, `publish WORK` or `forget WORK KEEP` for the buildspecs."""
    try:
        match arguments:
            case ["bundle", folder]:
                _bundle(folder)
            case ["publish", work]:
                _publish(work)
            case ["forget", work, keep]:
                _forget(Path(work), int(keep))
            case _:
                sys.exit("type: site_files.py bundle FOLDER, publish WORK, or forget WORK KEEP")
    except Refused as refused:
        sys.exit(f"\nFAILED: {refused}")


def _bundle(folder: str) -> None:
    """Checks a bundle, and removes its source maps unless SOURCE_MAPS is true."""
    place = Path(folder)
    if (place / RESERVED).exists():
        raise Refused(f"{RESERVED}: the folder holds Slipway's records; give the folder another name")
    if os.environ.get("SOURCE_MAPS") != "true":
        for path in place.rglob("*.map"):
            path.unlink()
    names = files(place)
    check(names, os.environ.get("FILE_ENDINGS", "").split(), _others())
    check_base(place, names, _base())


def _publish(work: str) -> None:
    """Sorts the files of the current folder: `hashed`, `unhashed`, `record.json` and `paths` in the folder `work`."""
    here, place = Path(), Path(work)
    names = files(here)
    listed = here / IMMUTABLE
    assets = set(json.loads(listed.read_text(encoding="utf-8"))) & set(names) if listed.is_file() else set()
    published = hashes(here, assets)
    records = [json.loads(path.read_text(encoding="utf-8")) for path in sorted((place / "records").glob("*.json"))]
    other = changed(published, records)
    for name in other:
        sys.stdout.write(f"{name} has other content than in an earlier release, under the same name: not cached.\n")
    assets -= set(other)
    _write(place / "hashed", assets)
    _write(place / "unhashed", set(names) - assets)
    (place / "record.json").write_text(
        json.dumps({name: published.get(name) if name in assets else None for name in names}), encoding="utf-8"
    )
    characters = int(os.environ.get("PATHS_CHARACTERS") or PATHS_CHARACTERS)
    paths = url_paths({"index.html", *other} & set(names), _base(), characters)
    (place / "paths").write_text(paths, encoding="utf-8")


def _forget(work: Path, keep: int) -> None:
    """Writes `kept`, the files of the first `keep` records of `newest-first`, and `gone`: what only later records have.

    The records themselves are last: after an interruption they still say what is to go.
    """
    records = (work / "newest-first").read_text(encoding="utf-8").split("\n")[:-1]
    read = {key: json.loads((work / "records" / key.rpartition("/")[2]).read_text(encoding="utf-8")) for key in records}
    current = "".join((work / part).read_text(encoding="utf-8") for part in ("hashed", "unhashed")).splitlines()
    gone = forgotten([read[key] for key in records[:keep]], [read[key] for key in records[keep:]], current, _others())
    _write(work / "kept", {name for key in records[:keep] for name in read[key]})
    (work / "gone").write_text("".join(f"{name}\n" for name in [*gone, *records[keep:]]), encoding="utf-8")


def _base() -> str:
    return os.environ.get("BASE_PATH") or "/"


def _others() -> list[str]:
    return os.environ.get("OTHER_PATHS", "").split()


def _write(path: Path, names: Iterable[str]) -> None:
    path.write_text("".join(f"{name}\n" for name in sorted(names)), encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])
