"""`slipway init`: inspects a checkout, asks what it cannot see, and writes a manifest that the loader accepts."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from paths import MANIFESTS, ROOT
from slipway_cli.errors import usage
from slipway_cli.init import answers as given
from slipway_cli.init import draft_environments, fitting, naming, writer
from slipway_cli.init.answers import PLACEHOLDER, Answers
from slipway_cli.init.draft import draft
from slipway_cli.init.findings import Findings, Note
from slipway_cli.init.inspection import inspect
from slipway_cli.init.tree import Tree
from slipway_cli.texts import plain
from slipway_cli.typed import again, command, shown

_HEAD = (
    "yaml-language-server: $schema=schema.json",
    "Written by `slipway init`: the comments say where each guess is from. docs/manifest.md explains every key.",
)


@dataclass(frozen=True)
class Wanted:
    """The options of the command line."""

    folder: Path
    name: str = ""
    on_hosts: bool = False
    force: bool = False
    demo: bool = False
    """True to fill what is missing with values that the local cloud accepts."""
    ask: Callable[[str], str] | None = None
    """Asks a question at the terminal; None without one."""
    manifests: Path = MANIFESTS
    """The folder of the manifest."""


def run(wanted: Wanted, answers: Answers) -> int:
    """Write the manifest of a checkout, and print what it assumes, what it leaves out, and what to do next.

    Raises:
        CommandError: if the checkout cannot be understood, or the manifest exists; then nothing was written.
    """
    root = _root(wanted.folder)
    if mistake := given.wrong(answers):
        raise usage(mistake, command("init", "--help"))
    tree = Tree(root)
    findings = inspect(tree, on_hosts=wanted.on_hosts)
    name = _name(wanted, answers, findings, root)
    path = wanted.manifests / f"{name}.yaml"
    if path.exists() and not wanted.force:  # before questions; writing checks it again
        raise usage(f"{shown(path)} exists", "slipway init --force replaces it, --name NAME writes another")
    answers = given.seen(answers, findings)
    if wanted.demo:
        answers = given.for_demo(answers, name)
    elif wanted.ask:
        _say("What the checkout cannot say; Enter leaves a placeholder.")
        answers = given.asked(answers, wanted.ask, _say)
    if wanted.on_hosts and findings.compose and not findings.compose.proxy and not findings.processes:
        raise usage(
            f"no service of {findings.compose.files[0]} publishes a port", "publish that of the site under `ports`"
        )
    manifest = draft(tree, findings, answers, name, on_hosts=wanted.on_hosts)
    draft_environments.assumed(findings, answers)
    fitting.fit(name, manifest, findings)
    text = writer.text(manifest, [*_HEAD, f"The product's checkout: {plain(root.name)}"])
    writer.write(path, text, force=wanted.force)
    _report(wanted, findings, path, name, fitting.placeholders(manifest))
    return 0


def _again() -> str:
    return f"{command('init', 'FOLDER')}, with the folder of your product's checkout"


def _root(folder: Path) -> Path:
    try:
        root = folder.resolve(strict=True)
    except (OSError, RuntimeError):
        raise usage(f"there is no folder {plain(folder)}", _again()) from None
    if not root.is_dir():
        raise usage(f"{plain(folder)} is a file", _again())
    if root == ROOT:
        raise usage("this is the checkout of Slipway itself", _again())
    if root == Path(root.anchor) or root == Path.home():
        raise usage(f"{root} is no checkout", _again())
    return root


def _name(wanted: Wanted, answers: Answers, findings: Findings, root: Path) -> str:
    """Returns the product's name: the option's, else that of Copilot, of the repository, or of the folder."""
    environments = [environment.name for environment in findings.environments]
    if wanted.name:
        possible = naming.product(wanted.name, environments)
        if possible != wanted.name:
            text = f"'{plain(wanted.name)}' cannot be a product's name: write small letters, digits and hyphens"
            raise usage(f"{text}, at most {naming.longest(environments)}", f"--name {possible or 'shop'}")
        return wanted.name
    for text in (findings.name, answers.repository, findings.repository, root.name):
        if name := naming.product(text, environments):
            return name
    return "product"


def _report(wanted: Wanted, findings: Findings, path: Path, name: str, missing: list[str]) -> None:
    _say(f"wrote {shown(path)}")
    _list("It assumes", findings.assumed)
    _list("It leaves out", findings.left)
    _say("\nNext:")
    for number, text in enumerate(_next(wanted, findings, path, name, missing), start=1):
        _say(f"  {number}. {text}")


def _next(wanted: Wanted, findings: Findings, path: Path, name: str, missing: list[str]) -> list[str]:
    lines = []
    if missing:
        lines.append(f"write these keys of {shown(path)}, now {PLACEHOLDER}: {', '.join(dict.fromkeys(missing))}")
        lines.append(f"or, to try it on this machine first, fill them with examples: {again()} --demo --force")
    lines.append(f"read {shown(path)}: each guess names its source")
    lines.append(
        f"{command('demo', name, source=shown(wanted.folder.resolve()))}: deploys and serves it on this machine"
    )
    lines += [str(note) for note in findings.todo]
    lines.append("docs/deploying-to-aws.md leads to the first release on AWS")
    return [plain(line) for line in lines]


def _list(title: str, notes: list[Note]) -> None:
    if notes:
        _say(f"\n{title}:")
        for note in notes:
            _say(f"  - {plain(note)}")


def at_terminal() -> Callable[[str], str] | None:
    """Returns a function that asks at the terminal; None if there is none."""
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        return None

    def ask(question: str) -> str:
        try:
            return input(question)
        except EOFError:
            return ""

    return ask


def _say(text: str) -> None:
    print(text, flush=True)  # noqa: T201 - the user reads it
