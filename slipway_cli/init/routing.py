"""Decides which paths of the site lead to which process, if no file says so."""

from __future__ import annotations

import re

from slipway_cli.init.findings import Findings, Frontend, Process

_FRONT = (
    "frontend",
    "web",
    "www",
    "site",
    "ui",
    "client",
    "webapp",
    "app",
    "django",
    "gateway",
    "proxy",
    "server",
    "api",
    "backend",
)
_BACK = re.compile(r"(^|[-_])(api|backend|server|django|rails|graphql)($|[-_])", re.IGNORECASE)
_RESERVED = frozenset({"assets", "media", "index.html", "static", "__debug__", ".slipway"})
_MOST_ROUTES = 20


def route(findings: Findings) -> None:
    """Give every process that visitors reach its paths, and every frontend one of its own."""
    _entrance(findings)
    public = [process for process in findings.processes if process.public]
    taken: set[str] = set()
    for process in public:
        process.paths = tuple(path for path in dict.fromkeys(process.paths) if path not in taken)
        taken.update(process.paths)
    undecided = [process for process in public if not process.paths]
    pages = bool(findings.frontends) and "/*" not in taken
    if undecided and not pages and "/*" not in taken:
        front = min(undecided, key=_rank)
        front.paths = ("/*",)
        taken.add("/*")
        undecided.remove(front)
        if len(public) > 1:
            findings.assume(f"{front.name} answers every path that no other service does", front.place)
    for process in undecided:
        process.paths = tuple(path for path in _own(findings, process) if path not in taken)
        taken.update(process.paths)
        shown = ", ".join(process.paths) or "no path"
        findings.assume(f"visitors reach {process.name} at {shown}", process.place)
    _cache(findings, public)
    for process in findings.processes:
        if not process.public and process.kind == "web":
            process.port = None
            findings.leave(
                f"the address of {process.name}: Slipway's services have none inside the network; give it `port` and "
                "`paths` if visitors may call it",
                process.place,
            )


def _cache(findings: Findings, public: list[Process]) -> None:
    """Let CloudFront cache the static files of the process that has them."""
    migrated = findings.migration.image if findings.migration else None
    serving = next((process for process in public if process.image == migrated), None)
    if findings.static and serving and not any("/static/*" in process.paths for process in public):
        serving.cached = ("/static/*",)


def _entrance(findings: Findings) -> None:
    """Choose what visitors reach, if no file says so: the process with the most usual name."""
    if any(process.public for process in findings.processes):
        return
    web = [process for process in findings.processes if process.kind == "web"]
    if web:
        chosen = min(web, key=_rank)
        if findings.frontends:
            chosen = min(web, key=lambda process: (not _BACK.search(process.name), _rank(process)))
        chosen.public = True
        findings.assume(f"visitors reach {chosen.name}, and no other service", chosen.place)


def _rank(process: Process) -> int:
    name = process.name.lower()
    return next((rank for rank, word in enumerate(_FRONT) if word in re.split(r"[-_.]", name)), len(_FRONT))


def _own(findings: Findings, process: Process) -> list[str]:
    """Returns the paths of a process beside a frontend: those that Django lists, else `/api/*` or its name."""
    for folder, routes in findings.routes.items():
        if process.image and (process.image.context == "." or folder.startswith(process.image.context)):
            names = [name for name in routes if re.fullmatch(r"[A-Za-z0-9_.-]{1,60}", name)]
            kept = [name for name in names if name not in _RESERVED][:_MOST_ROUTES]
            return [f"/{name}" if "." in name else f"/{name}/*" for name in kept or ["api", "admin"]]
    name = re.sub(r"[^a-z0-9-]", "-", process.name.lower()).strip("-")
    return ["/api/*"] if _BACK.search(process.name) else [f"/{name}/*"]


def sites(findings: Findings) -> dict[str, tuple[str, Frontend]]:
    """Returns the frontends by name, each with its path: the one with the most usual name is at `/`."""
    everything = any("/*" in process.paths for process in findings.processes)
    found: dict[str, tuple[str, Frontend]] = {}

    def rank(frontend: Frontend) -> int:
        folder = frontend.directory.rpartition("/")[2].lower()
        return next((place for place, word in enumerate(_FRONT) if word in re.split(r"[-_.]", folder)), len(_FRONT))

    for frontend in sorted(findings.frontends, key=rank):
        name = re.sub(r"[^a-z0-9]+", "-", frontend.directory.rpartition("/")[2].lower()).strip("-")[:20] or "site"
        name = name if name[0].isalpha() else f"site-{name}"
        while name in found:
            name = f"{name[:20]}-x"
        at_root = not everything and not found
        found[name] = ("/" if at_root else f"/{name}/", frontend)
    return found
