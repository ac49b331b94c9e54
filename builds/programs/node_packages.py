"""Decides how a Node.js project is installed: its package manager and version, the folder, the image.

`node_packages.py <folder>` prints variables for the shell. The lock file decides, as at a developer's desk; in a
workspace, it is in a folder above. Environment variables: INSTALL, a command instead of the package manager's own;
NODE_IMAGE, in which `{version}` is replaced by the version of Node.js that the project names.
"""

from __future__ import annotations

import os
import re
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Dict, List, Tuple

from checkout import asdf, assignments, fail, nearest, note, read, read_json, upward

LOCKS = {
    "package-lock.json": "npm",
    "npm-shrinkwrap.json": "npm",
    "pnpm-lock.yaml": "pnpm",
    "yarn.lock": "yarn",
    "bun.lock": "bun",
    "bun.lockb": "bun",
}
LOCK_OF = {"npm": "package-lock.json", "pnpm": "pnpm-lock.yaml", "yarn": "yarn.lock", "bun": "bun.lock"}
# The versions of pnpm that write a lock file's version: pnpm's changelog, 2026-11. Several write 9.0; 10 runs on most
# versions of Node.js.
_PNPM = {"5": "7", "6": "8", "9": "10"}
# Of Yarn's `__metadata: version`, 2026-11.
_YARN = {"4": "2", "5": "2", "6": "3", "8": "4"}
_FROZEN = {
    "npm": "npm ci",
    "pnpm": "pnpm install --frozen-lockfile",
    "yarn": "yarn install --immutable",
    "yarn 1": "yarn install --frozen-lockfile --non-interactive",
    "bun": "bun install --frozen-lockfile",
}
# Node.js's releases by preference, and the day on which the support of each ended:
# nodejs.org/en/about/previous-releases, 2026-11-30.
_DEFAULT = "24"
_MAJORS = (24, 22, 26, 20, 18, 16)
_ENDED = {"16": "2023-09-11", "18": "2025-04-30", "20": "2026-04-30"}
_NAMED = {"iron": "20", "hydrogen": "18", "gallium": "16", "jod": "22", "krypton": "24"}
# npm's own order of a project's scripts: docs.npmjs.com/cli/using-npm/scripts, "npm ci".
_LIFECYCLE = {
    "preinstall",
    "install",
    "postinstall",
    "prepublish",
    "preprepare",
    "prepare",
    "postprepare",
    "dependencies",
}


@dataclass(frozen=True)
class Manager:
    """A package manager, and where it finds its lock file."""

    name: str
    version: str = ""
    """Empty: the one in the image."""
    folder: Path = Path()
    """The root of the workspace, or of the only package."""
    lock: str = ""
    """Empty: there is none, and INSTALL is what the product wants."""


def is_member(root: Path, directory: Path) -> bool:
    """True if a folder is a package of the workspace at `root`."""
    declared = read_json(root / "package.json").get("workspaces", [])
    patterns = list(declared.get("packages", []) if isinstance(declared, dict) else declared)
    items = r"^packages:[ \t]*(?:#.*)?\n((?:[ \t]*(?:-.*|#.*)?\n)*)"
    listed = re.search(items, read(root / "pnpm-workspace.yaml") + "\n", re.MULTILINE)
    if listed:
        patterns += re.findall(r"^[ \t]*-[ \t]*[\"']?([^\"'\s#]+)", listed[1], re.M)
    path, member = os.path.relpath(directory, root), False
    for pattern in patterns:
        if re.fullmatch(_regular(pattern.lstrip("!")), path):
            member = not pattern.startswith("!")
    return member


def _regular(pattern: str) -> str:
    words = re.split(r"(\*\*/|/\*\*|\*\*|\*|\{[^}]*\})", re.sub(r"^\./|/$", "", pattern))
    known = {"**/": "(?:.*/)?", "/**": "(?:/.*)?", "**": ".*", "*": "[^/]*"}
    return "".join(
        known.get(word)
        or (f"(?:{'|'.join(map(re.escape, word[1:-1].split(',')))})" if word[:1] == "{" else re.escape(word))
        for word in words
    )


def declared(folder: Path, directory: Path) -> Tuple[str, str]:
    """Returns name and version of the package manager that package.json names; both may be empty."""
    for package in (read_json(folder / "package.json"), read_json(directory / "package.json")):
        name, _, version = str(package.get("packageManager") or "").partition("@")
        if not name:
            wanted = (package.get("devEngines") or {}).get("packageManager") or {}
            wanted = wanted[0] if isinstance(wanted, list) and wanted else wanted
            name, version = (
                (str(wanted.get("name") or ""), str(wanted.get("version") or ""))
                if isinstance(wanted, dict)
                else ("", "")
            )
        if name and name not in LOCK_OF:
            fail(f"package.json names the package manager '{name}'; known are {', '.join(LOCK_OF)}. Set INSTALL.")
        if name:
            return name, version.partition("+")[0]
    return "", ""


def find(directory: str, install: str) -> Manager:
    """Returns the package manager of a folder; ends the build if the files of the checkout do not say which one."""
    own = Path(directory)
    roots = [folder for folder in upward(directory) if folder == own or is_member(folder, own)]
    with_lock = [folder for folder in roots if any((folder / lock).is_file() for lock in LOCKS)]
    folder = with_lock[-1] if with_lock else roots[-1]
    name, version = declared(folder, own)
    locks = [lock for lock in LOCKS if (folder / lock).is_file()]
    for stray in with_lock[:-1]:
        note(f"warning: the lock file in {stray} is not used: it is a package of the workspace in {_shown(folder)}.")
    kinds = sorted({LOCKS[lock] for lock in locks})
    if len(kinds) > 1 and not name and not install:
        fail(
            f"{_shown(folder)} has the lock files of {' and '.join(kinds)}: {', '.join(locks)}. Delete those that are "
            'not used, or name the package manager in package.json: "packageManager": "<name>@<version>".'
        )
    if not name:
        first = install.split(maxsplit=1)[0] if install else ""
        name = first if first in LOCK_OF else kinds[0] if kinds else _guess(folder)
    lock = next((lock for lock in locks if LOCKS[lock] == name), "")
    if not lock and not install:
        _no_lock(folder, name, locks)
    return Manager(name, version, folder, lock)


def _guess(folder: Path) -> str:
    if (folder / "pnpm-workspace.yaml").is_file():
        return "pnpm"
    return "yarn" if (folder / ".yarnrc.yml").is_file() else "npm"


def _no_lock(folder: Path, name: str, others: List[str]) -> None:
    type_this = f"cd {folder} && {name} install" if folder != Path() else f"{name} install"
    if others:
        fail(
            f"package.json names {name}, but the lock file in {_shown(folder)} is {others[0]}. Type: {type_this}, "
            f"commit {LOCK_OF[name]} and delete {others[0]}; or name {LOCKS[others[0]]} in packageManager."
        )
    fail(
        f"no {LOCK_OF[name]} in {_shown(folder)}, so versions are not pinned. "
        f"Type: {type_this}, and commit {LOCK_OF[name]}."
    )


def _shown(folder: Path) -> str:
    return "the root of the repository" if folder == Path() else str(folder)


def pinned(manager: Manager) -> Manager:
    """Returns the manager with the version that package.json pins, else with the one that wrote the lock file."""
    version, text = manager.version, read(manager.folder / manager.lock) if manager.lock else ""
    exact = re.search(r"\d+(\.\d+)*(-[\w.]+)?", version)
    if exact:
        version = exact[0]
    elif manager.name == "pnpm":
        engine = re.search(
            r"\d+", str((read_json(manager.folder / "package.json").get("engines") or {}).get("pnpm", ""))
        )
        wrote = re.search(r"^lockfileVersion: *'?(\d+)", text, re.M)
        version = engine[0] if engine else _PNPM.get(wrote[1] if wrote else "", "10")
    elif manager.name == "yarn":
        wrote = re.search(r"^__metadata:\s+version: (\d+)", text, re.M)
        version = (
            _YARN.get(wrote[1], "4")
            if wrote
            else ("1.22.22" if "# yarn lockfile v1" in text or not _berry(manager) else "4")
        )
    elif manager.name == "bun":
        version = read(manager.folder / ".bun-version").strip() or "1"
    return Manager(manager.name, version, manager.folder, manager.lock)


def _berry(manager: Manager) -> bool:
    return (manager.folder / ".yarnrc.yml").is_file()


def setup(manager: Manager) -> str:
    """Returns the command that provides the package manager in the image.

    Not by corepack, which Node.js has removed (25), and whose older versions know none of npm's newer keys.
    """
    path = re.search(r"^yarnPath:\s*[\"']?([^\"'\s]+)", read(manager.folder / ".yarnrc.yml"), re.M)
    if manager.name == "yarn" and path:
        program = manager.folder / path[1]
        if not program.is_file():
            fail(f".yarnrc.yml names {path[1]}, which is not in the repository. Commit it: git add --force {program}.")
        shim = f'#!/bin/sh\\nexec node /source/{program} "$@"\\n'
        return f"printf '{shim}' >/usr/local/bin/yarn && chmod +x /usr/local/bin/yarn"
    if not manager.version:
        return ":"
    package = "@yarnpkg/cli-dist" if manager.name == "yarn" and not manager.version.startswith("1") else manager.name
    return (
        f'case "$({manager.name} --version 2>/dev/null || :)" in {manager.version}|{manager.version}.*) ;; '
        f"*) npm install --global --force --loglevel=error {package}@{manager.version} ;; esac"
    )


def is_function_of_its_lock(manager: Manager, package: Dict[str, Any]) -> bool:
    """True if the install runs no program, so that equal lock files give equal packages whatever else is there.

    Only then may an earlier result be used again. npm alone writes into its lock file which packages run programs.
    """
    lock = read_json(manager.folder / manager.lock) if manager.lock.endswith(".json") else {}
    own = _LIFECYCLE & set(package.get("scripts") or {}) or {"workspaces", "patchedDependencies"} & set(package)
    if manager.name != "npm" or lock.get("lockfileVersion", 0) < 2 or own:  # noqa: PLR2004 - version 1 does not say it
        return False
    if any((manager.folder / name).exists() for name in (".npmrc", "binding.gyp")):
        return False
    return all(_is_inert(entry) for path, entry in lock.get("packages", {}).items() if path)


def _is_inert(entry: Dict[str, Any]) -> bool:
    runs = entry.get("hasInstallScript") and "linux" in (entry.get("os") or ["linux"])
    local = entry.get("link") or not str(entry.get("resolved") or "https:").startswith("https:")
    return not (runs or local)


def node_version(directory: str, *packages: Dict[str, Any]) -> str:
    """Returns the version of Node.js that the project names, as in a tag of its image."""
    path = nearest(directory, ".nvmrc", ".node-version")
    volta = next((str(package["volta"]["node"]) for package in packages if "node" in (package.get("volta") or {})), "")
    named = read(path).strip() if path else volta or asdf(directory, "nodejs", "node")
    lines = [line.split("#")[0].strip() for line in named.splitlines()]
    named = next((line for line in lines if line), "").lower()
    named = _NAMED.get(re.sub(r"^lts[/-]", "", named), named)
    exact = re.fullmatch(r"v?(\d+(?:\.\d+){0,2})(?:\.x)*", named)
    if exact:
        return exact[1]
    ranges = next(
        (str(package["engines"]["node"]) for package in packages if "node" in (package.get("engines") or {})), ""
    )
    fitting = next((str(major) for major in _MAJORS if allows(ranges, major)), "")
    lowest = re.search(r"\d+(\.\d+){1,2}", ranges)  # of a range within one release line, such as ~20.11
    return fitting or (lowest[0] if lowest else _DEFAULT)


def allows(ranges: str, major: int) -> bool:
    """True if a range of versions, as in `engines`, contains a late release of a major version."""
    return any(_all_hold(part.strip(), (major, 999, 0)) for part in ranges.split("||"))


def _all_hold(part: str, version: Tuple[int, int, int]) -> bool:
    part = re.sub(r"(\S+)\s+-\s+(\S+)", r">=\1 <=\2", part)
    words = re.findall(r"(\^|~>?|>=|<=|>|<|=)?\s*v?([\dxX*]+(?:\.[\dxX*]+)*)", part)
    return all(_holds(sign, [int(n) for n in re.findall(r"\d+", number)], version) for sign, number in words)


def _holds(sign: str, number: List[int], version: Tuple[int, int, int]) -> bool:
    """Compares as many parts as are given: 20 and 20.x contain all of 20."""
    mine = list(version[: len(number)])
    if sign in (">=", "^"):
        return mine >= number and (sign == ">=" or mine[:1] == number[:1])
    if sign in ("<", "<=", ">"):
        return {"<": mine < number, "<=": mine <= number, ">": mine > number}[sign]
    parts = 2 if sign.startswith("~") else len(number)
    return mine[:parts] == number[:parts]


def playwright(manager: Manager, package: Dict[str, Any]) -> str:
    """Returns the version of Playwright that the lock file pins; its image must have the same."""
    text = read(manager.folder / manager.lock) if manager.lock else ""
    patterns = (
        r"node_modules/@playwright/test\": \{\s*\"version\": \"([^\"]+)",  # npm
        r"@playwright/test[@/](\d+\.\d+\.[\w.-]+)",  # pnpm, bun
        r"@playwright/test@[^\n]*:\n\s+version:? \"?(\d[\w.-]+)",  # yarn
    )
    found = next((match for match in (re.search(pattern, text) for pattern in patterns) if match), None)
    listed = str(
        {**(package.get("dependencies") or {}), **(package.get("devDependencies") or {})}.get("@playwright/test", "")
    )
    if not found and not re.fullmatch(r"\d+\.\d+\.\d+", listed):
        add = {"npm": "npm install --save-dev", "bun": "bun add --dev"}.get(
            manager.name, f"{manager.name} add --save-dev"
        )
        fail(f"{manager.lock or 'package.json'} does not pin @playwright/test. Type: {add} @playwright/test")
    return found[1] if found else listed


def plan(directory: str, install: str, image: str) -> Dict[str, str]:
    """Returns the variables for the shell."""
    package = read_json(Path(directory, "package.json"))
    manager = pinned(find(directory, install))
    version = node_version(directory, package, read_json(manager.folder / "package.json"))
    if "{playwright}" in image:
        image = image.replace("{playwright}", playwright(manager, package))
    if "{version}" in image and version.split(".")[0] in _ENDED:
        note(
            f"warning: Node.js {version} has had no security updates since {_ENDED[version.split('.')[0]]}; "
            "name a newer one."
        )
    kind = (
        "yarn 1" if manager.name == "yarn" and manager.version.startswith("1") and not _berry(manager) else manager.name
    )
    reusable = (
        not (install or os.environ.get("SECRETS"))
        and str(manager.folder) == os.path.normpath(directory)
        and is_function_of_its_lock(manager, package)
    )
    scripts, tools = (
        package.get("scripts") or {},
        {**(package.get("dependencies") or {}), **(package.get("devDependencies") or {})},
    )
    options = (
        "--reporter=default --reporter=junit --outputFile.junit=/reports/junit/frontend.xml"
        if "vitest" in tools
        else ""
    )
    return {
        "MANAGER": f"{manager.name} {manager.version}".strip(),
        "NODE": image.replace("{version}", version),
        "SETUP": setup(manager),
        "COMMAND": install or _FROZEN[kind],
        "FOLDER": os.path.normpath(directory) if install else str(manager.folder),
        "REUSABLE": " ".join(sorted({"package.json", manager.lock})) if reusable else "",
        "RUN": f"{manager.name} run",
        "SCRIPTS": " ".join(scripts),
        "JUNIT": f"-- {options}" if options and manager.name == "npm" else options,
    }


def main() -> None:
    """Prints the plan for the folder that is the first argument."""
    directory = sys.argv[1]
    if not Path(directory, "package.json").is_file():
        fail(f"no {directory}/package.json. Set DIRECTORY to the folder of the package.")
    assignments(plan(directory, os.environ.get("INSTALL", ""), os.environ.get("NODE_IMAGE", "")))


if __name__ == "__main__":
    main()
