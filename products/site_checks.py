"""Rules about the paths of frontends: error messages, as in checks.py."""

from __future__ import annotations

from collections.abc import Iterator

from products.frontend import Frontend
from products.model import Product
from products.paths import covers, same

MEDIA = "/media/*"
"""The path below which CloudFront serves the media bucket."""
# docs.aws.amazon.com/AmazonCloudFront, "Quotas", 2026-11-30: functions that one key value store may be associated with.
_FRONTENDS = 10


def problems(product: Product) -> Iterator[str]:
    """Yields an error message for each frontend that another part of the product contradicts."""
    if product.frontend and product.frontends:
        yield (
            "frontends: the manifest also has frontend; keep one of the two, e.g. frontends: {site: {directory: "
            f"{product.frontend.directory}, path: {product.frontend.path}}}, …}}"
        )
    if len(product.frontends) > _FRONTENDS:
        yield (
            f"frontends: there are {len(product.frontends)}, and CloudFront allows {_FRONTENDS} functions for one list "
            "of files; build some of them into one folder"
        )
    taken: dict[str, str] = {}
    folders: dict[tuple[str, str], str] = {}
    for name, frontend in product.sites().items():
        if frontend.path in taken:
            yield (
                f"{place(name)}.path: '{frontend.path}' is also the path of {taken[frontend.path]}; give every "
                f"frontend its own, e.g. /{name}/"
            )
        elif refusal := _hides(product, name, frontend):
            yield f"{place(name)}.path: {refusal}"
        taken.setdefault(frontend.path, place(name))
        written = (frontend.directory.strip("/"), frontend.output.strip("/"))
        if written in folders:
            yield (
                f"{place(name)}.output: {folders[written]} is built into the same folder, {'/'.join(written)}; give "
                "each a folder of its own"
            )
        folders.setdefault(written, place(name))


def place(name: str) -> str:
    """Returns where the manifest describes a frontend: `frontend`, or e.g. `frontends.admin`."""
    return f"frontends.{name}" if name else "frontend"


def below(product: Product, name: str) -> list[str]:
    """Returns the paths of the frontends that are below another one's, as that one's names of files: `admin/`."""
    path = product.sites()[name].path
    return [
        site.path.removeprefix(path)
        for other, site in product.sites().items()
        if other != name and site.path.startswith(path)
    ]


def patterns(frontend: Frontend) -> list[str]:
    """Returns CloudFront's path patterns of a frontend, none for `/`: `/admin` and `/admin/*` for `/admin/`."""
    return [] if frontend.path == "/" else [frontend.path.removesuffix("/"), f"{frontend.path}*"]


def hidden(product: Product, path: str) -> str | None:
    """Returns which frontend a service's path would hide, and what to write instead; None if it hides none."""
    for name, frontend in product.sites().items():
        if same(path).startswith(frontend.path) and same(path)[len(frontend.path) :][:1] in ("*", "?"):
            return f"'{path}' also matches the pages and files of {_named(name, frontend)}"
        for part, what in _parts(frontend).items():
            if covers(part, path):
                return (
                    f"'{path}' hides {what}{_of(name)}; choose another path, or remove {place(name)} if the service "
                    "serves the pages"
                )
    return None


def _hides(product: Product, name: str, frontend: Frontend) -> str | None:
    """Returns which other part of the product a frontend's path would hide; None if it hides nothing."""
    if product.media and covers(MEDIA, f"{frontend.path}*"):
        return (
            f"'{frontend.path}' hides {MEDIA}, where CloudFront serves uploads from the media bucket; choose another "
            "path, or write media: false if the product stores no uploads there"
        )
    for other_name, other in product.sites().items():
        if other_name != name and covers(f"{other.path}assets/*", f"{frontend.path}*"):
            return (
                f"'{frontend.path}' hides the files with hashed names of {place(other_name)}, below "
                f"{other.path}assets/; choose another path"
            )
    return None


def _named(name: str, frontend: Frontend) -> str:
    if frontend.path == "/":
        return (
            f"{'the frontend' if not name else place(name)}, which answers every path that no service takes; write the "
            f"service's own paths, e.g. [/api/*], or remove {place(name)} if the service serves the pages"
        )
    return (
        f"{place(name)}, whose path is {frontend.path}; write the service's own paths, e.g. [{frontend.path}api/*], or "
        "give the frontend another path"
    )


def _of(name: str) -> str:
    return f" of {place(name)}" if name else ""


def _parts(frontend: Frontend) -> dict[str, str]:
    """Returns the patterns that no service may take from a frontend, and what they are."""
    parts = {
        frontend.path: "the frontend's page",
        f"{frontend.path}index.html": "the frontend's page",
        f"{frontend.path}assets/*": "the frontend's files with hashed names",
    }
    return parts if frontend.path == "/" else {frontend.path.removesuffix("/"): "the frontend's page", **parts}
