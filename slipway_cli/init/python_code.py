"""Finds the environment variables that Python code reads, by its syntax tree: the code is never imported or run."""

from __future__ import annotations

import ast
import re
import warnings
from collections.abc import Iterator

from slipway_cli.init import known
from slipway_cli.init.findings import Read
from slipway_cli.init.tree import Place

# Methods of django-environ and environs, with the kind of text that they read; docs: django-environ, "Types".
_KINDS = {
    **dict.fromkeys(("str", "unicode", "path", "bytes"), "text"),
    **dict.fromkeys(("bool",), "bool"),
    **dict.fromkeys(("int", "float", "decimal", "timedelta"), "int"),
    **dict.fromkeys(("list", "tuple"), "list"),
    **dict.fromkeys(("json", "dict"), "json"),
    **dict.fromkeys(
        ("url", "db", "db_url", "cache", "cache_url", "email", "email_url", "search_url", "channels"), "url"
    ),
    **dict.fromkeys(("dj_db_url", "dj_cache_url", "dj_email_url"), "url"),
}
# What these methods read if they are called without a name.
_NAMELESS = {
    **dict.fromkeys(("db", "db_url", "dj_db_url"), "DATABASE_URL"),
    **dict.fromkeys(("cache", "cache_url"), "CACHE_URL"),
    **dict.fromkeys(("email", "email_url"), "EMAIL_URL"),
}
# Functions of a project's own, such as `get_env("X", …)` and `envbool("X", …)`.
_HELPER = re.compile(r"(^|\.)(get_?)?env(_?[a-z]+)*$|(^|\.)(get|read)_(secret|setting|config)$")
_CASTS = {"bool": "bool", "int": "int", "float": "int", "Csv": "list", "list": "list", "dict": "json"}


def parse(text: str) -> ast.Module | None:
    """Returns the syntax tree of a file; None if it is no Python of this version."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            return ast.parse(text)
        except (SyntaxError, ValueError, RecursionError, MemoryError):  # a deeply nested file overflows the parser
            return None


def reads(tree: ast.Module, path: str) -> Iterator[Read]:
    """Yields each place at which a file reads an environment variable whose name it spells out."""
    for node in ast.walk(tree):
        found, line = None, getattr(node, "lineno", 0)
        if isinstance(node, ast.Subscript) and _dotted(node.value) in ("os.environ", "environ"):
            found = _of_subscript(node)
        elif isinstance(node, ast.Call):
            found = _of_call(node)
        elif isinstance(node, ast.ClassDef):
            yield from _of_class(node, path)
        if found and known.is_name(found[0]):
            name, required, kind = found
            yield Read(name, Place(path, line), required, kind)


def _of_subscript(node: ast.Subscript) -> tuple[str, bool, str] | None:
    name = text_of(node.slice)
    return (name, isinstance(node.ctx, ast.Load), "text") if name and isinstance(node.ctx, ast.Load) else None


def _of_call(node: ast.Call) -> tuple[str, bool, str] | None:
    """Returns the name of the variable that a call reads, whether it has to exist, and its kind."""
    called = _dotted(node.func)
    name = text_of(node.args[0]) if node.args else text_of(_keyword(node, "var") or _keyword(node, "env"))
    owner, _, method = called.rpartition(".")
    owner = owner.rpartition(".")[2]
    has_default = len(node.args) > 1 or _keyword(node, "default") is not None
    found = (name, False, "text")
    if called in ("os.environ.get", "environ.get", "os.getenv", "getenv"):
        pass
    elif called == "dj_database_url.config":
        found = (name or "DATABASE_URL", not has_default and not node.args, "url")
    elif owner in ("env", "ENV", "Env") and method in _KINDS:
        found = (name or _NAMELESS.get(method, ""), not has_default, _KINDS[method])
    elif called in ("config", "decouple.config") and name.isupper():
        found = (name, not has_default, _cast(node))
    elif _HELPER.search(called) and name.isupper():
        found = (name, not has_default and called in ("env", "ENV", "get_env", "get_env_variable"), "text")
    else:
        return None
    return found if found[0] else None


def _cast(node: ast.Call) -> str:
    """Returns the kind of text that the cast of a decouple call reads."""
    cast = _keyword(node, "cast")
    return _CASTS.get(_dotted(cast.func if isinstance(cast, ast.Call) else cast).rpartition(".")[2], "text")


def _of_class(node: ast.ClassDef, path: str) -> Iterator[Read]:
    """Yields the fields of a pydantic settings class, which are variables of the same names in capital letters."""
    if not any(_dotted(base).rpartition(".")[2] == "BaseSettings" for base in node.bases):
        return
    for field in node.body:
        if isinstance(field, ast.AnnAssign) and isinstance(field.target, ast.Name):
            name = field.target.id.upper()
            if known.is_name(name) and not name.startswith(("_", "MODEL_CONFIG")):
                optional = field.value is not None or "None" in ast.unparse(field.annotation)[:80]
                yield Read(name, Place(path, field.lineno), not optional)


def _dotted(node: ast.AST | None) -> str:
    """Returns a name such as `os.environ.get`; an empty text for other expressions."""
    parts: list[str] = []
    while isinstance(node, ast.Attribute):
        parts.append(node.attr)
        node = node.value
    return ".".join((node.id, *reversed(parts))) if isinstance(node, ast.Name) else ""


def text_of(node: ast.AST | None) -> str:
    """Returns the text of a literal; an empty text for other expressions."""
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else ""


def _keyword(node: ast.Call, name: str) -> ast.AST | None:
    return next((keyword.value for keyword in node.keywords if keyword.arg == name), None)


def constants(tree: ast.Module) -> dict[str, tuple[str, int]]:
    """Returns the source of what a module assigns to names in capital letters, each with its line."""
    found: dict[str, tuple[str, int]] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Assign):
            for target in node.targets:
                if isinstance(target, ast.Name) and target.id.isupper():
                    found[target.id] = (_source(node.value), node.lineno)
    return found


def _source(node: ast.AST) -> str:
    try:
        return ast.unparse(node)[:4000]
    except RecursionError:
        return ""


def imported(tree: ast.Module, module: str) -> list[str]:
    """Returns the modules whose names a module takes over with `from … import`, as dotted names."""
    found: list[str] = []
    for node in tree.body:
        if isinstance(node, ast.ImportFrom):
            above = module.split(".")[: -node.level] if node.level else []
            found.append(".".join([*above, *([node.module] if node.module else [])]))
            found += [".".join([*above, *([node.module] if node.module else []), alias.name]) for alias in node.names]
    return found


def defaults_of_environment(tree: ast.Module) -> dict[str, str]:
    """Returns the variables of the environment that a module sets unless they exist."""
    found: dict[str, str] = {}
    for node in ast.walk(tree):
        if (
            isinstance(node, ast.Call)
            and _dotted(node.func) in ("os.environ.setdefault", "environ.setdefault")
            and len(node.args) > 1
        ):
            name, value = text_of(node.args[0]), text_of(node.args[1])
            if name and value:
                found[name] = value
    return found


def routes(tree: ast.Module) -> list[str]:
    """Returns the first parts of the paths that a Django URL configuration lists, e.g. `api`."""
    found: list[str] = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and _dotted(node.func) == "path" and node.args:
            first = text_of(node.args[0]).strip("/").partition("/")[0]
            if not first and isinstance(node.args[0], ast.Attribute):  # settings.ADMIN_URL
                first = node.args[0].attr.lower().removesuffix("_url")
            if first and "<" not in first and first not in found:
                found.append(first)
    return found
