"""Every construct's promises are tested on the construct."""

from __future__ import annotations

from pathlib import Path

from paths import ROOT

# Made of the services of its stack: its test module reads its promises from there.
IN_THEIR_STACK = {"password_rotation"}


def test_every_module_of_the_construct_library_has_a_test_module_that_imports_it() -> None:
    here = Path(__file__).parent
    modules = sorted(path.stem for path in (ROOT / "constructs" / "slipway").glob("[!_]*.py"))
    tested = {path.stem.removeprefix("test_") for path in here.glob("test_*.py") if imports(path)}
    assert all((here / f"test_{module}.py").is_file() for module in IN_THEIR_STACK)

    assert modules
    assert [module for module in modules if module not in tested | IN_THEIR_STACK] == []


def imports(path: Path) -> bool:
    """True if a test module imports the module it is named after."""
    return f"from slipway.{path.stem.removeprefix('test_')} import" in path.read_text(encoding="utf-8")
