"""The audit finds secrets in files and vulnerable packages; without an answer it fails, unless that is allowed."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.builds.programs import Desk

# Stands for `python3 -m venv`: the tools are programs of the desk.
VENV = """
place = Path(words[-1]) / "bin"
os.makedirs(place)
os.symlink(folder / "bin" / "python", place / "python")
for tool in ("detect-secrets-hook", "pip-audit"):
    os.symlink(folder / "bin" / tool, place / tool)
"""
DETECT = """
files = [name for name in words if not name.startswith("--") and name != ".secrets.baseline"]
found = [name for name in files if b"hunter2" in open(name, "rb").read()]
print("".join(f"{name}: Secret Keyword" for name in found))
sys.exit(bool(found))
"""
CLEAN = "print('No known vulnerabilities found')"
VULNERABLE = "print('Found 1 known vulnerability in 1 package\\nflask 0.5 PYSEC-1 1.0'); sys.exit(1)"
SILENT = "print('ERROR: pypi.org did not answer'); sys.exit(1)"
NPM_VULNERABLE = "print('3 high severity vulnerabilities'); sys.exit(1)"
NPM_SILENT = "print('npm error audit endpoint returned an error'); sys.exit(1)"


@pytest.fixture(name="shop")
def _shop(desk: Desk, tmp_path: Path) -> Path:
    desk.install("python3", VENV)
    desk.install("python", "")
    desk.install("detect-secrets-hook", DETECT)
    desk.install("pip-audit", CLEAN)
    desk.install("npm", "print('found 0 vulnerabilities')")
    folder = tmp_path / "shop"
    (folder / "site" / "node_modules").mkdir(parents=True)
    (folder / "requirements.txt").write_text("flask==3.0\n")
    (folder / "site" / "package-lock.json").write_text("{}")
    (folder / "site" / "node_modules" / "a.js").write_text("hunter2")  # of somebody else
    return folder


def audit(desk: Desk, shop: Path, **values: str) -> tuple[bool, str]:
    result, printed = desk.run("audit", shop, **{"PYTHON": "requirements.txt", "NODE": "site"} | values)
    return result.succeeded, printed


def test_files_and_packages_without_findings_pass(desk: Desk, shop: Path) -> None:
    passed, printed = audit(desk, shop)

    assert passed, printed
    (scanned,) = desk.calls("detect-secrets-hook")
    assert "requirements.txt" in scanned
    assert not [name for name in scanned if "node_modules" in name or "package-lock" in name]


def test_a_secret_in_a_file_fails_and_its_value_is_not_printed(desk: Desk, shop: Path) -> None:
    (shop / "settings py").write_text("PASSWORD = 'hunter2'\n")

    passed, printed = audit(desk, shop)

    assert not passed
    assert "settings py: Secret Keyword" in printed
    assert "FAILED: the files above may hold secrets." in printed
    assert "hunter2" not in printed


def test_what_the_baseline_lists_is_known(desk: Desk, shop: Path) -> None:
    (shop / ".secrets.baseline").write_text("{}")

    passed, printed = audit(desk, shop)

    assert passed, printed
    assert desk.calls("detect-secrets-hook")[0][1:3] == ["--baseline", ".secrets.baseline"]


@pytest.mark.parametrize(
    ("tool", "body", "sentence"),
    [
        ("pip-audit", VULNERABLE, "packages of requirements.txt have known vulnerabilities"),
        ("npm", NPM_VULNERABLE, "packages of site have known vulnerabilities of level high"),
    ],
)
def test_a_known_vulnerability_fails_even_if_missing_answers_are_allowed(
    desk: Desk, shop: Path, tool: str, body: str, sentence: str
) -> None:
    desk.install(tool, body)

    passed, printed = audit(desk, shop, ALLOW_UNAUDITED="true")

    assert not passed
    assert f"FAILED: {sentence}" in printed


@pytest.mark.parametrize(("tool", "body"), [("pip-audit", SILENT), ("npm", NPM_SILENT)])
def test_without_an_answer_of_the_registry_the_audit_fails_unless_that_is_allowed(
    desk: Desk, shop: Path, tool: str, body: str
) -> None:
    desk.install(tool, body)

    passed, printed = audit(desk, shop)
    allowed, said = audit(desk, shop, ALLOW_UNAUDITED="true")

    assert not passed
    assert "has no answer about" in printed
    assert "set ALLOW_UNAUDITED=true" in printed
    assert allowed, said
    assert "It is not audited, since ALLOW_UNAUDITED is true." in said


@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        ({"PYTHON": "reqs.txt"}, "no reqs.txt. List requirements files in PYTHON"),
        ({"NODE": "shop"}, "no shop/package-lock.json. List folders with one in NODE."),
    ],
)
def test_a_wrong_path_says_what_to_write(desk: Desk, shop: Path, values: dict[str, str], sentence: str) -> None:
    passed, printed = audit(desk, shop, **values)

    assert not passed
    assert f"FAILED: {sentence}" in printed
