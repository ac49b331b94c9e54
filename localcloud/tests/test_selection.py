"""Which tests run: those that a change can break, a slice of the long ones, a failed container test once more."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

SETTINGS = """
[pytest]
addopts = -p no:randomly -p no:cacheprovider -p localcloud.testing.affected -p localcloud.testing.selection
pythonpath = .
affected_packages = shop checks
markers = long
    docker
"""
FILES = {
    "pytest.ini": SETTINGS,
    "shop/__init__.py": "",
    "shop/price.py": "PRICE = 1\n",
    "shop/rates.yaml": "rate: 2\n",
    "shop/basket.py": "from shop.price import PRICE\n\nTOTAL = 2 * PRICE\n",
    "shop/colour.py": "RED = 'red'\n",
    "checks/__init__.py": "",
    "checks/test_basket.py": "from shop.basket import TOTAL\n\n\ndef test_total():\n    assert TOTAL\n",
    "checks/test_price.py": "from shop.price import PRICE\n\n\ndef test_price():\n    assert PRICE\n",
    "checks/test_colour.py": "from shop.colour import RED\n\n\ndef test_red():\n    assert RED\n",
}


class Project:
    """A repository with two packages and their tests."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        for name, text in FILES.items():
            self.write(name, text)
        self.git("init", "-q")
        self.commit()

    def write(self, name: str, text: str) -> None:
        path = self.folder / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, encoding="utf-8")

    def git(self, *arguments: str) -> None:
        who = ["-c", "user.name=Mary Major", "-c", "user.email=mary@example.com", "-c", "commit.gpgsign=false"]
        subprocess.run(["git", *who, *arguments], cwd=self.folder, check=True, capture_output=True)

    def commit(self) -> None:
        self.git("add", ".")
        self.git("commit", "-q", "-m", "x")

    def pytest(self, *options: str) -> subprocess.CompletedProcess[str]:
        environment = {**os.environ, "PYTHONDONTWRITEBYTECODE": "1", "PYTEST_ADDOPTS": ""}
        command = [sys.executable, "-m", "pytest", "-v", *options]
        return subprocess.run(command, cwd=self.folder, env=environment, capture_output=True, text=True, check=False)

    def run(self, *options: str) -> list[str]:
        """Returns the names of the tests that ran, in their order."""
        lines = self.pytest(*options).stdout.splitlines()
        return [line.split("::")[1].split()[0] for line in lines if "::" in line and " PASSED" in line]


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return Project(tmp_path)


def test_the_tests_that_import_a_changed_module_run_and_the_nearest_runs_first(project: Project) -> None:
    project.write("shop/price.py", "PRICE = 3\n")
    assert project.run("--affected") == ["test_price", "test_total"]


def test_a_changed_test_runs_alone(project: Project) -> None:
    project.write("checks/test_colour.py", FILES["checks/test_colour.py"] + "\n")
    assert project.run("--affected") == ["test_red"]


def test_a_file_that_is_not_python_counts_as_a_change_of_its_folder(project: Project) -> None:
    project.write("shop/rates.yaml", "rate: 3\n")
    assert sorted(project.run("--affected")) == ["test_price", "test_red", "test_total"]


def test_in_a_clean_checkout_the_newest_commit_is_the_change(project: Project) -> None:
    project.write("shop/colour.py", "RED = 'rouge'\n")
    project.commit()
    assert project.run("--affected") == ["test_red"]


def test_a_change_of_how_tests_run_affects_every_test(project: Project) -> None:
    project.write("pytest.ini", SETTINGS + "\n")
    project.write("checks/conftest.py", "")
    assert sorted(project.run("--affected")) == ["test_price", "test_red", "test_total"]


def test_without_the_commit_before_every_test_runs(project: Project, tmp_path_factory: pytest.TempPathFactory) -> None:
    shallow = tmp_path_factory.mktemp("shallow") / "clone"
    subprocess.run(["git", "clone", "-q", "--depth", "1", f"file://{project.folder}", str(shallow)], check=True)
    project.folder = shallow
    assert sorted(project.run("--affected")) == ["test_price", "test_red", "test_total"]


def test_without_git_every_test_runs(project: Project) -> None:
    shutil.rmtree(project.folder / ".git")
    assert sorted(project.run("--affected")) == ["test_price", "test_red", "test_total"]


def test_a_file_with_a_name_that_git_quotes_counts_too(project: Project) -> None:
    project.write("shop/Größe zwei.yaml", "rate: 3\n")
    assert sorted(project.run("--affected")) == ["test_price", "test_red", "test_total"]


def test_a_test_whose_turn_comes_too_late_is_skipped_with_the_reason(project: Project) -> None:
    done = project.pytest("--seconds", "0.000001", "-rs")
    assert "not run: 1e-06 s are over; `make test` runs every test" in done.stdout
    assert done.returncode == 0


def test_slices_run_every_long_test_once_and_those_of_a_file_together(project: Project) -> None:
    for letter in "abcdef":
        marks = "\n".join(f"@pytest.mark.long\ndef test_{letter}{number}(): ...\n" for number in range(2))
        project.write(f"checks/test_long_{letter}.py", f"import pytest\n\n{marks}")
    files = [f"checks/test_long_{letter}.py" for letter in "abcdef"]
    parts = [project.run(*files, "--slice", f"{part}/3") for part in (1, 2, 3)]
    assert sorted(name for part in parts for name in part) == [f"test_{file}{n}" for file in "abcdef" for n in range(2)]
    assert all(f"test_{name[5]}{n}" in part for part in parts for name in part for n in range(2))
    assert len(project.run("--slice", "1/3")) == len(parts[0]) + 3  # other tests run in each slice


@pytest.mark.parametrize("text", ["0/3", "4/3", "3", "x/y", "1/0"])
def test_a_slice_that_is_none_is_refused_with_an_example(project: Project, text: str) -> None:
    done = project.pytest("--slice", text)
    assert done.returncode != 0
    assert f"--slice '{text}': expected K/N with 1 <= K <= N, e.g. 3/8" in done.stdout + done.stderr


def test_only_a_test_with_containers_is_retried_and_it_is_named(project: Project) -> None:
    failing_once = "SEEN = []\n\n\n{mark}def test_{name}():\n    SEEN.append(1)\n    assert len(SEEN) > 1\n"
    project.write("checks/test_a.py", "import pytest\n" + failing_once.format(mark="@pytest.mark.docker\n", name="a"))
    project.write("checks/test_b.py", failing_once.format(mark="", name="b"))
    done = project.pytest("--retry-containers", "-rR", "checks/test_a.py", "checks/test_b.py")
    assert "RERUN checks/test_a.py::test_a" in done.stdout
    assert "1 failed, 1 passed, 1 rerun" in done.stdout
