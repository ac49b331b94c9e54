"""Reads Django projects: settings for production, migrations, Celery, static files and uploads."""

from __future__ import annotations

import ast
import re
from dataclasses import dataclass, field
from pathlib import PurePosixPath

from slipway_cli.init import commands, dockerfiles, python_code
from slipway_cli.init.findings import Findings, Image, Process, Store
from slipway_cli.init.tree import Place, Tree, folder_of, joined

_PRODUCTION = ("production", "prod", "live", "deploy", "docker", "heroku")
_ELSEWHERE = re.compile(r"(^|[/._-])(local|dev|development|test|tests|testing|ci|conftest|staging|debug)([/._-]|$)")
_NO_SOURCE = re.compile(
    r"(^|/)(tests?|migrations|management/commands|docs?|scripts?|examples?|e2e|conftest\.py|test_[^/]*|[^/]*_test\.py|setup\.py|noxfile\.py|fabfile\.py|[^/]*-[^/]*\.py)(/|$)"
)
_MOST_MODULES = 1500
_RUNNERS = ("uv", "poetry", "pipenv")


@dataclass
class Project:
    """A Django project: the folder of its manage.py, and the settings for production."""

    folder: str
    settings: str
    """The module of its settings, as DJANGO_SETTINGS_MODULE names it."""
    place: Place
    constants: dict[str, tuple[str, Place]] = field(default_factory=dict)
    """The values that the settings assign; the production module's override those of the modules that it imports."""
    files: list[str] = field(default_factory=list)
    packages: dict[str, Place] = field(default_factory=dict)
    """The packages that it needs."""


def projects(tree: Tree, packages: dict[str, Place]) -> list[Project]:
    """Returns the Django projects of a checkout."""
    found = []
    for path in tree.named("manage.py"):
        folder = folder_of(path)
        code = python_code.parse(tree.text(path) or "")
        default = python_code.defaults_of_environment(code).get("DJANGO_SETTINGS_MODULE", "") if code else ""
        if module := _production(tree, folder, default):
            project = Project(folder, module, Place(_file(tree, folder, module)), packages=packages)
            _follow(tree, project, module)
            found.append(project)
    return found


def _file(tree: Tree, folder: str, module: str) -> str:
    """Returns the file of a module below a folder; an empty text if there is none."""
    stem = joined(folder, module.replace(".", "/"))
    return next((path for path in (f"{stem}.py", f"{stem}/__init__.py") if stem and tree.has(path)), "")


def _production(tree: Tree, folder: str, default: str) -> str:
    """Returns the settings module for production, beside the one that manage.py names."""
    package, _, last = default.rpartition(".")
    roots = [package] if last not in ("settings",) else [default, package]
    names = [f"{root}.{name}".lstrip(".") for root in roots for name in _PRODUCTION]
    names += [f"{root}.settings_{name}".lstrip(".") for root in roots for name in ("production", "prod")]
    for name in names:
        if _file(tree, folder, name):
            return name
    if default and _file(tree, folder, default):
        return default
    for path in tree.named("settings.py", "settings/production.py", "settings/base.py"):
        if path.startswith("" if folder == "." else f"{folder}/") and not _ELSEWHERE.search(path):
            return str(PurePosixPath(path).relative_to(folder).with_suffix("")).replace("/", ".")
    return ""


def _follow(tree: Tree, project: Project, module: str) -> None:
    """Read a settings module, and then those that it takes over."""
    path = _file(tree, project.folder, module)
    if not path or path in project.files:
        return
    project.files.append(path)
    code = python_code.parse(tree.text(path) or "")
    if code is None:
        return
    for name, (source, line) in python_code.constants(code).items():
        project.constants.setdefault(name, (source, Place(path, line)))
    own = f"{module}.__init__" if path.endswith("__init__.py") else module
    for other in python_code.imported(code, own):
        if other and len(project.files) < 20:  # noqa: PLR2004 - settings are split into a few modules
            _follow(tree, project, other)


def add_reads(tree: Tree, findings: Findings, found: list[Project]) -> None:
    """Add the variables that the settings for production, and the rest of the Python code, read."""
    settings = {path for project in found for path in project.files}
    folders = {folder_of(path) for path in settings if folder_of(path).endswith("settings")}
    others = [path for path in tree.named("*.py") if path not in settings and not _NO_SOURCE.search(path)]
    others = [path for path in others if folder_of(path) not in folders and not _ELSEWHERE.search(path)]
    for path in [*sorted(settings), *others[:_MOST_MODULES]]:
        code = python_code.parse(tree.text(path) or "")
        for read in python_code.reads(code, path) if code else ():
            if not read.name.startswith(("DJANGO_SETTINGS_MODULE", "PYTEST", "GITHUB_", "CI")):
                findings.read(read.name, read.place, required=read.required, kind=read.kind)
    if len(others) > _MOST_MODULES:
        findings.leave(f"variables that other than {_MOST_MODULES} modules read: there are {len(others)}")


def add(tree: Tree, findings: Findings, project: Project, images: list[Image]) -> None:
    """Add what a Django project needs."""
    image = _image(project, findings, images)
    if image is None:
        findings.leave("a Django project: no Dockerfile builds its image", project.place)
        return
    findings.variables["DJANGO_SETTINGS_MODULE"] = (project.settings, project.place)
    _stores(findings, project)
    _static(findings, project)
    prefix = runner(tree, image)
    if findings.migration is None:
        command = (*prefix, "python", _manage(tree, project, image), "migrate", "--noinput")
        findings.migration = Process("migrate", "release", Place(joined(project.folder, "manage.py")), image, command)
    _server(tree, findings, project, image, prefix)
    _celery(tree, findings, project, image, prefix)


def _image(project: Project, findings: Findings, images: list[Image]) -> Image | None:
    """Returns the image that has a project: that of a web process, or the one whose context is nearest around it."""
    used = [process.image for process in findings.processes if process.image and process.kind == "web"]
    around = [image for image in [*used, *images] if _contains(image.context, project.folder)]
    return max(around, key=lambda image: len(image.context), default=None)


def _contains(context: str, folder: str) -> bool:
    return context in (".", folder) or folder.startswith(f"{context}/")


def _manage(tree: Tree, project: Project, image: Image) -> str:
    """Returns the path of manage.py in the image."""
    path = joined(project.folder, "manage.py")
    dockerfile = dockerfiles.read(tree, image.path, image.target)
    for target, source in reversed(dockerfile.copies if dockerfile else ()):
        from_folder = joined(image.context, source)
        if from_folder not in (".", image.context) and path.startswith(f"{from_folder}/"):
            there = f"{target}/{path.removeprefix(f'{from_folder}/')}"
            return there.removeprefix(f"{dockerfile.folder}/") if dockerfile else there
    return path if image.context == "." else path.removeprefix(f"{image.context}/")


def runner(tree: Tree, image: Image) -> tuple[str, ...]:
    """Returns how the image's own command starts Python, e.g. `uv run`."""
    dockerfile = dockerfiles.read(tree, image.path, image.target)
    words = commands.line(dockerfile.command if dockerfile else ()).removeprefix("exec ").split()
    return tuple(words[:2]) if words[:1] and words[0] in _RUNNERS and words[1:2] == ["run"] else ()


def _stores(findings: Findings, project: Project) -> None:
    source, place = project.constants.get("DATABASES", ("", project.place))
    if re.search(r"postgres|postgis|\bdb\(|dj_database_url|DATABASE_URL", source):
        findings.say("database", Store(place, "DATABASES"))
    elif re.search(r"mysql|oracle|mssql", source):
        findings.foreign_database = place
    elif "sqlite" in source and not findings.database:
        findings.leave("the SQLite database: a task's disk ends with the task; use PostgreSQL", place)
    stored = [value for name, (value, _) in project.constants.items() if name in ("STORAGES", "DEFAULT_FILE_STORAGE")]
    root = project.constants.get("MEDIA_ROOT")
    if any("s3" in value.lower() for value in stored):
        findings.say("media", Store(project.constants.get("STORAGES", ("", project.place))[1], "storage in S3"))
    elif root and "django-storages" not in project.packages:
        findings.leave(
            "uploads: they are files of the task's disk, which ends with the task; use django-storages with S3", root[1]
        )
    header, line = project.constants.get("SECURE_PROXY_SSL_HEADER", ("", project.place))
    if "HTTP_X_FORWARDED_PROTO" in header:
        findings.wants_domain = line


def _static(findings: Findings, project: Project) -> None:
    middleware = project.constants.get("MIDDLEWARE", ("", project.place))
    if "whitenoise" in middleware[0].lower() or "whitenoise" in project.packages:
        findings.static = middleware[1] if "whitenoise" in middleware[0].lower() else project.packages["whitenoise"]
    else:
        findings.leave("static files of Django: nothing serves them; add WhiteNoise (docs/django.md)", project.place)


def _server(tree: Tree, findings: Findings, project: Project, image: Image, prefix: tuple[str, ...]) -> None:
    """Give a web process a server for production if neither its command nor its image has one."""
    dockerfile = dockerfiles.read(tree, image.path, image.target)
    for process in findings.processes:
        if process.kind != "web" or process.image != image or process.command:
            continue
        own = (*(dockerfile.entrypoint or ()), *(dockerfile.command or ())) if dockerfile else ()
        if own and not commands.is_development(own):
            continue
        if server := _serving(project):
            process.command, process.port = (*prefix, *server), process.port or 8000
            findings.assume(
                f"{process.name} is served by {server[0]}: its image names no server for production", process.place
            )


def _serving(project: Project) -> tuple[str, ...] | None:
    wsgi = project.constants.get("WSGI_APPLICATION", ("", None))[0].strip("'\"")
    asgi = project.constants.get("ASGI_APPLICATION", ("", None))[0].strip("'\"")
    module = (asgi or wsgi).replace(".application", ":application")
    if not module:
        return None
    if "daphne" in project.packages and asgi:
        return ("daphne", "-b", "0.0.0.0", "-p", "8000", module)  # noqa: S104 - in a container
    if "gunicorn" in project.packages:
        workers = ("-k", "uvicorn_worker.UvicornWorker") if asgi and "uvicorn-worker" in project.packages else ()
        return ("gunicorn", wsgi.replace(".application", ":application") or module, "--bind", "0.0.0.0:8000", *workers)
    if "uvicorn" in project.packages and asgi:
        return ("uvicorn", module, "--host", "0.0.0.0", "--port", "8000")  # noqa: S104 - in a container
    return None


def _celery(tree: Tree, findings: Findings, project: Project, image: Image, prefix: tuple[str, ...]) -> None:
    """Add a worker, and beat, if the project uses Celery and no file starts them."""
    kinds = {process.kind for process in findings.processes}
    if "celery" not in project.packages or "worker" in kinds or not (app := _app(tree, project)):
        return
    worker = (*prefix, "celery", "-A", app[0], "worker", "--loglevel", "info")
    findings.processes.append(Process("celery", "worker", app[1], image, worker, why="Celery"))
    findings.assume("a Celery worker runs: no file starts one", app[1])
    if "beat" not in kinds and ("django-celery-beat" in project.packages or _has_schedule(project)):
        beat = (*prefix, "celery", "-A", app[0], "beat", "--loglevel", "info")
        findings.processes.append(Process("celery-beat", "beat", app[1], image, beat, why="Celery"))
        findings.assume("Celery beat runs: no file starts it", app[1])


def _has_schedule(project: Project) -> bool:
    return any(name.endswith("BEAT_SCHEDULE") for name in project.constants)


def _app(tree: Tree, project: Project) -> tuple[str, Place] | None:
    """Returns the module of the Celery app, as `celery -A` takes it."""
    for path in tree.named("celery.py", "celery_app.py", "celeryapp.py", "celeryconf.py", "tasks.py", "worker.py"):
        text = tree.text(path) or ""
        if _contains(project.folder, folder_of(path)) and (
            found := re.search(r"^\w+\s*=\s*Celery\(", text, re.MULTILINE)
        ):
            module = str(PurePosixPath(path).relative_to(project.folder).with_suffix("")).replace("/", ".")
            line = text.count("\n", 0, found.start()) + 1
            return module.removesuffix(".celery"), Place(path, line)
    return None


def routes(tree: Tree, project: Project) -> list[str]:
    """Returns the first parts of the paths that a project answers, e.g. `api` and `admin`, with `ws` for WebSockets."""
    source, _ = project.constants.get("ROOT_URLCONF", ("", project.place))
    module = _literal(source)
    code = python_code.parse(tree.text(_file(tree, project.folder, module)) or "") if module else None
    found = python_code.routes(code) if code else []
    sockets = "CHANNEL_LAYERS" in project.constants or "channels" in project.constants.get("INSTALLED_APPS", ("",))[0]
    return [*(found or ["api", "admin"]), *(["ws"] if sockets and "ws" not in found else [])]


def _literal(source: str) -> str:
    try:
        value = ast.literal_eval(source)
    except (ValueError, SyntaxError, RecursionError, MemoryError):
        return ""
    return value if isinstance(value, str) else ""
