"""Reads a checkout: decides which files say what the product is, and hands them to their readers."""

from __future__ import annotations

from pathlib import PurePosixPath

from slipway_cli.errors import usage
from slipway_cli.init import (
    commands,
    compose,
    compose_project,
    copilot,
    copilot_environments,
    django,
    dockerfiles,
    dotenv,
    git_config,
    hosts,
    javascript,
    known,
    procfile,
    python_packages,
    scripts,
)
from slipway_cli.init.findings import Findings, Image, Process
from slipway_cli.init.tree import Place, Tree, folder_of, joined
from slipway_cli.typed import command

_MOST_SKIPPED = 8


def inspect(tree: Tree, *, on_hosts: bool = False) -> Findings:
    """Returns what a checkout says about its product.

    Raises:
        CommandError: if a file that decides is not YAML, or if nothing says what to run.
    """
    findings = Findings()
    findings.owner, findings.repository = git_config.repository(tree.root)
    findings.branch = git_config.branch(tree.root)
    packages, programs = python_packages.packages(tree), javascript.read(tree)
    images = _processes(tree, findings)
    _releases(findings)
    projects = django.projects(tree, packages)
    python_packages.add(findings, packages)
    javascript.add(tree, findings, programs, pages=not on_hosts)
    _without_pages(tree, findings)
    for project in projects:
        django.add(tree, findings, project, images)
        findings.routes[project.folder] = django.routes(tree, project)
    _node_migration(tree, findings, programs)
    _alembic(tree, findings, packages)
    django.add_reads(tree, findings, projects)
    javascript.add_reads(tree, findings, programs)
    scripts.add_ports(tree, findings)
    scripts.add_reads(tree, findings)
    _examples(tree, findings)
    findings.version_file = python_packages.version_file(tree, [image.context for image in images])
    if on_hosts:
        hosts.add(tree, findings)
    _health(tree, findings, django_images={process.image for process in findings.processes} if projects else set())
    _skipped(tree, findings)
    _something(tree, findings, on_hosts=on_hosts)
    return findings


def _processes(tree: Tree, findings: Findings) -> list[Image]:
    """Add the processes of the kind of file that is nearest to production; returns the images of the checkout."""
    if copilot.present(tree):
        findings.name = copilot.application(tree)
        copilot.add(tree, findings)
        copilot_environments.add(tree, findings)
        return [process.image for process in [*findings.processes, *findings.jobs] if process.image]
    own = [dockerfiles.image_of(tree, path) for path in dockerfiles.candidates(tree)]
    own = [image for image in own if _of_product(tree, findings, image)]
    procfile.add(tree, findings, own)
    started = {process.image.context for process in findings.processes if process.image}
    if project := compose_project.project(tree):
        compose.add(tree, findings, project, started)
    if not findings.processes:
        scripts.add_started(tree, findings, own)
    _missing(tree, findings)
    if not findings.processes:
        _one_each(tree, findings, own)
    used = [process.image for process in findings.processes if process.image]
    return [*used, *(image for image in own if image.path not in {other.path for other in used})]


def _releases(findings: Findings) -> None:
    """Run what only migrates once per release, instead of all the time."""
    for process in [process for process in findings.processes if process.kind == "release"]:
        findings.processes.remove(process)
        if findings.migration is None and process.command:
            findings.migration = process
        else:
            findings.leave(f"{process.name}: another command migrates, or it names none", process.place)


def _of_product(tree: Tree, findings: Findings, image: Image) -> bool:
    """True if an image has code of the product; else what it packages is recorded."""
    dockerfile = dockerfiles.read(tree, image.path)
    if dockerfile is None or not dockerfile.base:
        return False
    kind = dockerfile.third_party
    if not kind or (kind == "proxy" and tree.has(joined(image.context, "package.json"))):
        return True
    findings.leave(f"an image of {dockerfile.base}: it has no code of the product", Place(image.path, 1))
    return False


def _missing(tree: Tree, findings: Findings) -> None:
    """Leave out processes whose Dockerfile does not exist."""
    for process in list(findings.processes):
        if process.image and not tree.has(process.image.path):
            findings.processes.remove(process)
            findings.leave(f"{process.name}: {process.image.path} does not exist", process.image.place)


def _one_each(tree: Tree, findings: Findings, images: list[Image]) -> None:
    """Add one process for each image: its own command."""
    for image in images:
        dockerfile = dockerfiles.read(tree, image.path, image.target)
        folder = PurePosixPath(image.context).name or PurePosixPath(image.path).parent.name
        name = "web" if len(images) == 1 else folder or "app"
        own = (*(dockerfile.entrypoint or ()), *(dockerfile.command or ())) if dockerfile else ()
        kind = commands.kind(own or None, name)
        port = dockerfile.port if dockerfile else None
        if kind == "other" and port:
            kind = "web"
        process = Process(name, kind, Place(image.path), image, port=port if kind == "web" else None)
        process.public = kind == "web" and len(images) == 1
        process.why = "its image's own command"
        if dockerfile and "amd64" in dockerfile.platform:
            findings.architecture = "x86_64"
        findings.processes.append(process)


def _without_pages(tree: Tree, findings: Findings) -> None:
    """Leave out processes that only serve the pages of a frontend: CloudFront serves them."""
    for frontend in findings.frontends:
        for process in list(findings.processes):
            if process.image is None or process.image.context != frontend.directory:
                continue
            dockerfile = dockerfiles.read(tree, process.image.path, process.image.target)
            served = dockerfile is None or dockerfile.third_party == "proxy"
            bundled = frontend.directory != "." and process.kind in ("web", "other")
            if served or bundled:
                findings.processes.remove(process)
                text = f"the container of {process.name}: CloudFront serves the pages that {frontend.bundler} builds"
                findings.leave(text, process.place)


def _node_migration(tree: Tree, findings: Findings, programs: list[javascript.Package]) -> None:
    found = javascript.migration(tree, programs) if findings.migration is None else None
    for process in findings.processes if found else ():
        if found and process.image and process.image.context in (".", found[2]):
            findings.migration = Process("migrate", "release", found[1], process.image, found[0])
            return


def _examples(tree: Tree, findings: Findings) -> None:
    """Add the names in examples of `.env` files, for code that nobody reads here."""
    if findings.reads:
        return
    folders = dict.fromkeys((".", *(process.image.context for process in findings.processes if process.image)))
    unknown: list[str] = []
    for path in (joined(folder, name) for folder in folders for name in dotenv.EXAMPLES):
        for name, place in dotenv.names(tree, path).items():
            if known.value(name) is not None or known.is_secret(name):
                findings.read(name, place, required=True)
            else:
                unknown.append(name)
    if unknown:
        shown = ", ".join(unknown[:_MOST_SKIPPED]) + (" …" if len(unknown) > _MOST_SKIPPED else "")
        findings.leave(f"values of examples are not copied; write under `variables` what production needs of {shown}")


def _alembic(tree: Tree, findings: Findings, packages: dict[str, Place]) -> None:
    """Add Alembic's migrations, of the image that has its configuration."""
    for path in tree.named("alembic.ini") if "alembic" in packages and findings.migration is None else ():
        for process in findings.processes:
            image = process.image
            if image and image.context in (".", folder_of(path)):
                dockerfile = dockerfiles.read(tree, image.path, image.target)
                there = dockerfile is not None and dockerfile.folder.endswith(f"/{folder_of(path)}")
                below = [] if there or image.context == folder_of(path) else ["-c", path]
                command = (*django.runner(tree, image), "alembic", *below, "upgrade", "head")
                findings.migration = Process("migrate", "release", Place(path), image, command)
                return


def _health(tree: Tree, findings: Findings, *, django_images: set[Image | None]) -> None:
    """Add the paths that images' own health checks request."""
    for process in findings.processes:
        if process.image is None or not process.public or {"health_path", "health_check"} & process.keys.keys():
            continue
        dockerfile = dockerfiles.read(tree, process.image.path, process.image.target)
        found = dockerfiles.local_address(" ".join(dockerfile.health or ())) if dockerfile else None
        if not dockerfile or not found or found[1] == "/":
            continue
        if process.image in django_images:
            text = f"the health check {found[1]}: Django refuses the load balancer's host name (docs/django.md)"
            findings.leave(f"{text}; any answer below 500 is healthy", dockerfile.place("HEALTHCHECK"))
        else:
            process.keys["health_path"] = found[1]


def _skipped(tree: Tree, findings: Findings) -> None:
    for path, why in list(tree.skipped.items())[:_MOST_SKIPPED]:
        findings.leave(f"{path}: {why}")
    if len(tree.skipped) > _MOST_SKIPPED:
        findings.leave(f"{len(tree.skipped) - _MOST_SKIPPED} more files that were not read")


def _something(tree: Tree, findings: Findings, *, on_hosts: bool) -> None:
    """Check that there is something to run.

    Raises:
        CommandError: if not; it says what is missing.
    """
    if findings.processes or (on_hosts and findings.compose):
        return
    shown = tree.root
    if not tree.files:
        raise usage(f"{shown} has no files", f"{command('init', 'FOLDER')}, with the folder of your product's checkout")
    if not dockerfiles.candidates(tree):
        raise usage(
            f"{shown} has no Dockerfile, and Slipway runs images that it builds from Dockerfiles",
            "write one, such as examples/book-shop/Dockerfile of Slipway, then try again",
        )
    reasons = "; ".join(str(note) for note in findings.left[:4])
    raise usage(
        f"nothing in {shown} says what to run: {reasons}", "write the manifest by hand (docs/bring-your-own.md)"
    )
