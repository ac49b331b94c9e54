"""Reads package.json files: which pages a bundler writes, and which programs are servers."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from typing import Any

from slipway_cli.init import known
from slipway_cli.init.findings import Findings, Frontend, Store
from slipway_cli.init.tree import Place, Tree, folder_of, joined, line_of

_MOST_PACKAGES, _MOST_SOURCES = 60, 400
# The package of a bundler, its name, and the folder that it writes to by default; each project's documentation.
_BUNDLERS = (
    ("react-scripts", "Create React App", "build"),
    ("@angular/cli", "Angular", "dist"),
    ("@vue/cli-service", "Vue CLI", "dist"),
    ("gatsby", "Gatsby", "public"),
    ("astro", "Astro", "dist"),
    ("@docusaurus/core", "Docusaurus", "build"),
    ("vitepress", "VitePress", ".vitepress/dist"),
    ("@11ty/eleventy", "Eleventy", "_site"),
    ("vite", "Vite", "dist"),
    ("parcel", "Parcel", "dist"),
)
_FOLDERS = frozenset({"Gatsby", "Astro", "Docusaurus", "VitePress", "Eleventy", "Next.js"})
_SERVERS = (
    *("next", "nuxt", "@remix-run/serve", "@remix-run/node", "@sveltejs/adapter-node", "@nestjs/core", "express"),
    *("fastify", "koa", "@hapi/hapi", "hono"),
)
_ELSEWHERE = re.compile(
    r"(^|/)(e2e|tests?|testing|docs?|examples?|cypress|playwright|benchmarks?|scripts?|cdk|infra)(/|$)"
)
_READ = re.compile(r"process\.env(?:\.([A-Z][A-Z0-9_]+)|\[\s*[\"']([A-Z][A-Z0-9_]+)[\"']\s*\])(\s*(?:\?\?|\|\|))?")
_OUT = re.compile(r"outDir\s*:\s*[\"']([\w./-]{1,80})[\"']")


@dataclass
class Package:
    """A package.json."""

    path: str
    name: str
    scripts: dict[str, str] = field(default_factory=dict)
    packages: dict[str, str] = field(default_factory=dict)

    @property
    def folder(self) -> str:
        """Its folder."""
        return folder_of(self.path)


def read(tree: Tree) -> list[Package]:
    """Returns the package.json files that can be read, without those of tests and examples."""
    found = []
    for path in tree.named("package.json")[:_MOST_PACKAGES]:
        try:
            data: Any = json.loads(tree.text(path) or "")
        except (ValueError, RecursionError):
            continue
        if isinstance(data, dict) and not _ELSEWHERE.search(path):
            groups = [data.get(key) for key in ("dependencies", "devDependencies")]
            packages = {
                str(name): str(version)
                for group in groups
                if isinstance(group, dict)
                for name, version in group.items()
            }
            listed = data.get("scripts")
            scripts = listed if isinstance(listed, dict) else {}
            found.append(
                Package(
                    path, str(data.get("name", "")), {str(name): str(line) for name, line in scripts.items()}, packages
                )
            )
    return found


def add(tree: Tree, findings: Findings, packages: list[Package], *, pages: bool) -> None:
    """Add the frontends of a checkout, unless hosts serve the pages, and what the packages say about stores."""
    for package in packages:
        place = Place(package.path)
        if pages and (found := _frontend(tree, package)):
            findings.frontends.append(found)
            continue
        for name in ("pg", "postgres", "@prisma/client", "pg-promise"):
            if name in package.packages and (name != "@prisma/client" or _prisma(tree, package.folder) == "postgresql"):
                findings.say("database", Store(place, f"package {name}"))
        if "mysql2" in package.packages or "mysql" in package.packages or "mongoose" in package.packages:
            findings.foreign_database = place
        for name in ("redis", "ioredis", "bullmq", "bull", "connect-redis"):
            if name in package.packages:
                findings.say("cache", Store(place, f"package {name}"))


def _frontend(tree: Tree, package: Package) -> Frontend | None:
    """Returns the pages that a package builds; None if it is a server or a library."""
    script = package.scripts.get("build", "")
    if not script:
        return None
    place = Place(package.path, line_of(tree.text(package.path) or "", r'"build"\s*:'))
    if "next" in package.packages:
        exported = any(
            re.search(r"output\s*:\s*[\"']export[\"']", tree.text(joined(package.folder, name)) or "")
            for name in ("next.config.js", "next.config.mjs", "next.config.ts")
        )
        return Frontend(package.folder, "out", place, "Next.js", folders=True) if exported else None
    if any(name in package.packages for name in _SERVERS):
        return None
    for name, bundler, output in _BUNDLERS:
        if name in package.packages:
            if bundler == "Vite" and not tree.has(joined(package.folder, "index.html")):
                return None  # a library
            return Frontend(
                package.folder, _output(tree, package, bundler, output), place, bundler, folders=bundler in _FOLDERS
            )
    return None


def _output(tree: Tree, package: Package, bundler: str, default: str) -> str:
    if bundler == "Vite":
        for name in ("vite.config.ts", "vite.config.js", "vite.config.mjs", "vite.config.mts"):
            if found := _OUT.search(tree.text(joined(package.folder, name)) or ""):
                inner = joined(package.folder, found[1])
                return (
                    found[1].strip("/").removeprefix("./")
                    if inner and inner.startswith(_start(package.folder))
                    else default
                )
    if bundler == "Angular":
        text = tree.text(joined(package.folder, "angular.json")) or ""
        if found := re.search(r'"outputPath"\s*:\s*"([\w./-]{1,80})"', text):
            newer = re.search(r'"builder"\s*:\s*"@angular(-devkit)?/build(-angular)?:application"', text)
            return f"{found[1]}/browser" if newer else found[1]
    return default


def _start(folder: str) -> str:
    return "" if folder == "." else f"{folder}/"


def _prisma(tree: Tree, folder: str) -> str:
    text = tree.text(joined(folder, "prisma/schema.prisma")) or tree.text("prisma/schema.prisma") or ""
    found = re.search(r'provider\s*=\s*"(postgresql|mysql|sqlite|mongodb|sqlserver)"', text)
    return found[1] if found else ""


def add_reads(tree: Tree, findings: Findings, packages: list[Package]) -> None:
    """Add the variables that programs in JavaScript read; those of pages are built into them."""
    frontends = [frontend.directory for frontend in findings.frontends]
    sources = [
        path
        for path in tree.named("*.js", "*.ts", "*.mjs", "*.cjs", "*.tsx", "*.jsx")
        if not _ELSEWHERE.search(path)
        and not re.search(r"\.(test|spec|config|d|min)\.|(^|/)(dist|build|out|public|static)/", path)
        and not any(path.startswith(_start(folder)) for folder in frontends)
    ]
    for path in sources[:_MOST_SOURCES] if packages else ():
        text = tree.text(path) or ""
        for found in _READ.finditer(text):
            name = found[1] or found[2]
            if (
                name not in ("NODE_ENV", "PORT", "HOST", "CI", "TZ")
                and known.is_name(name)
                and not name.startswith("NEXT_PUBLIC_")
            ):
                place = Place(path, text.count("\n", 0, found.start()) + 1)
                findings.read(name, place, required=not found[3])


def migration(tree: Tree, packages: list[Package]) -> tuple[tuple[str, ...], Place, str] | None:
    """Returns the command that migrates the schema of a program in JavaScript, its place, and its folder."""
    for package in packages:
        if ("prisma" in package.packages or "@prisma/client" in package.packages) and _prisma(tree, package.folder):
            return ("npx", "prisma", "migrate", "deploy"), Place(package.path), package.folder
        for name in ("migrate", "db:migrate", "migration:run", "migrations:run"):
            if name in package.scripts:
                place = Place(package.path, line_of(tree.text(package.path) or "", rf'"{re.escape(name)}"\s*:'))
                return ("npm", "run", name), place, package.folder
    return None
