"""Synthesis is reproducible, and depends only on the checkout."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

from paths import ROOT
from tests.support.manifests import edited
from tests.support.synthesis import CONTEXT

NODE = ROOT / "node_modules" / "node" / "bin"
SOURCES = ["app.py", "paths.py", "cdk.json", "products", "policy", "builds", "stacks", "constructs", "lambda"]
NO_NETWORK = ["unshare", "--net", "--map-root-user"]


def copy_of_the_sources(folder: Path) -> Path:
    """Returns a copy of the sources without git, tools and caches."""
    folder.mkdir(parents=True)
    for name in SOURCES:
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(ROOT / name, folder / name)
    return folder


def synthesise(
    sources: Path,
    out: Path,
    product: object = "allthrive",
    *,
    prefix: list[str] | None = None,
    environment: Mapping[str, str] | None = None,
) -> subprocess.CompletedProcess[str]:
    """Runs `python app.py` as the CLI does, in an environment that is independent of this machine."""
    context = {**CONTEXT, "aws:cdk:disable-cloud-formation-validation": True}
    if product is not None:
        context["product"] = product
    return subprocess.run(
        [*(prefix or []), sys.executable, "app.py"],
        cwd=sources,
        env={
            "PATH": f"{NODE}:/usr/bin:/bin",
            "HOME": str(out.parent),
            "JSII_RUNTIME_PACKAGE_CACHE_ROOT": str(
                Path.home() / ".cache/aws/jsii/package-cache"
            ),  # otherwise it is unpacked again: 20 s
            "CDK_OUTDIR": str(out),
            "CDK_CONTEXT_JSON": json.dumps(context),
            "CDK_VALIDATION": "false",
            "AWS_EC2_METADATA_DISABLED": "true",
            **(environment or {}),
        },
        capture_output=True,
        text=True,
        check=False,
    )


def contents(folder: Path) -> dict[str, bytes]:
    """Returns the deployed files below a folder by path.

    The CLI's metadata and the report are left out, because they contain temporary paths.
    """
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path.name != "validation-report.json" and not path.name.endswith(".metadata.json")
    }


@dataclass(frozen=True)
class Run:
    """A successful synthesis and its output folder."""

    out: Path
    offline: bool = False


@pytest.fixture(scope="module")
def here(tmp_path_factory: pytest.TempPathFactory) -> Run:
    folder = tmp_path_factory.mktemp("here")
    done = synthesise(copy_of_the_sources(folder / "sources"), folder / "out")
    assert done.returncode == 0, done.stderr
    return Run(folder / "out")


@pytest.fixture(scope="module")
def elsewhere(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """Synthesizes in another folder, time zone and locale, with bytecode beside the handlers, and without a network."""
    folder = tmp_path_factory.mktemp("else where")
    sources = copy_of_the_sources(folder / "much" / "deeper" / "down")
    for handler in (sources / "lambda").iterdir():
        (handler / "__pycache__").mkdir()
        (handler / "__pycache__" / "handler.cpython-313.pyc").write_bytes(b"anything")
    offline = subprocess.run([*NO_NETWORK, "true"], capture_output=True, check=False).returncode == 0
    done = synthesise(
        sources,
        folder / "out",
        prefix=NO_NETWORK if offline else [],
        environment={"TZ": "Asia/Tokyo", "LANG": "C", "PYTHONHASHSEED": "7", "USER": "somebody"},
    )
    assert done.returncode == 0, done.stderr
    return Run(folder / "out", offline)


@pytest.mark.slow
def test_two_copies_in_two_folders_give_the_same_bytes(here: Run, elsewhere: Run) -> None:
    left, right = contents(here.out), contents(elsewhere.out)

    assert len(left) > 20
    assert list(left) == list(right)
    assert [name for name in left if left[name] != right[name]] == []


@pytest.mark.slow
def test_it_needs_no_network(elsewhere: Run) -> None:
    if not elsewhere.offline:
        pytest.skip("this machine grants no network namespace (unshare --net)")

    assert len(list(elsewhere.out.glob("assembly-*"))) == 3


@pytest.mark.slow
def test_it_needs_no_context_lookup_in_an_account(here: Run) -> None:
    manifests = [json.loads(path.read_text()) for path in here.out.rglob("manifest.json")]

    assert len(manifests) == 4
    assert [manifest["missing"] for manifest in manifests if manifest.get("missing")] == []


@pytest.mark.slow
def test_bytecode_of_a_handler_is_not_packaged(elsewhere: Run) -> None:
    assert list(elsewhere.out.glob("asset.*/*/handler.py"))
    assert list(elsewhere.out.rglob("__pycache__")) == []


BAD = {
    "no product": (None, "", "-c product=…: missing; write one of: "),
    "no such product": ("allthriv", "", "products/allthriv.yaml: no such file; did you mean 'allthrive'?"),
    "an unknown key": (
        "allthrive",
        edited(("    port: 8000", "    prot: 8000")),
        "products/allthrive.yaml:24: services.web.prot: unknown key; did you mean 'port'?",
    ),
    "broken YAML": ("allthrive", "name: [allthrive", "products/allthrive.yaml:1: not YAML: "),
    "a number for a product": (5, "", "products/5.yaml: no such file"),
}


@pytest.mark.parametrize(("product", "text", "message"), BAD.values(), ids=list(BAD))
def test_bad_input_is_exit_code_2_with_only_a_message(tmp_path: Path, product: object, text: str, message: str) -> None:
    sources = copy_of_the_sources(tmp_path / "sources")
    if text:
        (sources / "products" / "allthrive.yaml").write_text(text, encoding="utf-8")

    done = synthesise(sources, tmp_path / "out", product)

    assert done.returncode == 2
    assert message in done.stderr
    assert "Traceback" not in done.stderr
    assert done.stdout == ""
    assert contents(tmp_path / "out") == {}


def test_no_source_of_synthesis_reads_the_environment_git_the_clock_or_the_network() -> None:
    roots = [
        ROOT / "app.py",
        *(path for name in ("products", "policy", "stacks", "constructs") for path in (ROOT / name).rglob("*.py")),
        ROOT / "builds" / "buildspecs.py",
    ]
    forbidden = (
        "os.environ",
        "os.getenv",
        "subprocess",
        "datetime.now",
        "time.time",
        "import boto3",
        "import requests",
        "urllib",
    )
    roots.remove(ROOT / "stacks" / "startup.py")  # only finds and starts Node.js, as jsii would
    validation = 'os.environ.get("CDK_VALIDATION")'  # the CLI's own switch, which only affects messages
    found = [
        f"{path.relative_to(ROOT)}: {word}"
        for path in roots
        for word in forbidden
        if word in path.read_text(encoding="utf-8").replace(validation if path.name == "app.py" else "", "")
    ]

    assert found == []
