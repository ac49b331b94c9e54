"""Checkouts that want to harm: bounded, ignored, never executed; and no secret reaches the manifest."""

from __future__ import annotations

import os
import random
import re
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from slipway_cli.errors import CommandError
from slipway_cli.init import tree as trees
from slipway_cli.init.command import Wanted, run
from slipway_cli.init.tree import Tree, normal
from tests.slipway_cli.init.conftest import ANSWERS, LAYOUTS, Init, unpack

ONE = "=== Dockerfile\nFROM scratch\nEXPOSE 8000\n"
PYTHON_TAG = "services: {web: {build: .}}\nx: !!python/object/apply:os.system ['touch %s']\n"
BOMB = "a: &a [x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"{name}: &{name} [{', '.join([f'*{before}'] * 9)}]\n" for before, name in zip("abcdefgh", "bcdefghi", strict=True)
)


def test_a_link_out_of_the_checkout_is_not_read(init: Init, checkout: Callable[[str], Path], tmp_path: Path) -> None:
    (tmp_path / "outside.yml").write_text("services: {stolen: {build: ., environment: {A_SECRET_OF_YOURS: x}}}")
    folder = checkout(ONE)
    (folder / "docker-compose.yml").symlink_to(tmp_path / "outside.yml")

    found = init(folder)

    assert "stolen" not in found.text
    assert "docker-compose.yml: a link that leads out of the checkout" in found.output


def test_a_folder_that_links_out_of_the_checkout_is_not_entered(
    init: Init, checkout: Callable[[str], Path], tmp_path: Path
) -> None:
    unpack("=== Dockerfile\nFROM scratch\nEXPOSE 1234\n", tmp_path / "outside")
    folder = checkout(ONE)
    (folder / "service").symlink_to(tmp_path / "outside", target_is_directory=True)

    assert list(init(folder).data["services"]) == ["web"]


def test_git_settings_that_link_out_of_the_checkout_are_not_read(
    init: Init, checkout: Callable[[str], Path], tmp_path: Path
) -> None:
    unpack('=== config\n[remote "origin"]\n  url = https://github.com/private/secret\n', tmp_path / "other")
    folder = checkout(ONE)
    (folder / ".git").symlink_to(tmp_path / "other", target_is_directory=True)

    assert "private" not in init(folder, type(ANSWERS)()).text


def test_links_in_a_circle_end(init: Init, checkout: Callable[[str], Path]) -> None:
    folder = checkout(ONE)
    (folder / "compose.yaml").symlink_to(folder / "Procfile")
    (folder / "Procfile").symlink_to(folder / "compose.yaml")

    assert "compose.yaml: cannot be read" in init(folder).output


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"x" * (trees.LARGEST + 1), "larger than"),
        (b"services:\0", "no text"),
        (b"services: \xff\xfe", "no UTF-8 text"),
    ],
)
def test_files_that_are_no_text_of_a_person_are_left_out(
    init: Init, checkout: Callable[[str], Path], content: bytes, why: str
) -> None:
    folder = checkout(ONE)
    (folder / "compose.yaml").write_bytes(content)

    assert f"compose.yaml: {why}" in init(folder).output


def test_a_pipe_is_not_waited_for(init: Init, checkout: Callable[[str], Path]) -> None:
    folder = checkout(ONE)
    os.mkfifo(folder / "compose.yaml")

    assert "compose.yaml: not a file" in init(folder).output


def test_aliases_cannot_multiply(init: Init) -> None:
    with pytest.raises(CommandError, match="expands to more than"):
        init(f"{ONE}=== compose.yaml\n{BOMB}")


def test_an_alias_cannot_contain_itself(init: Init) -> None:
    with pytest.raises(CommandError, match="nested too deeply"):
        init(f"{ONE}=== compose.yaml\nservices: &a {{web: *a}}\n")


@pytest.mark.parametrize("deep", ["[" * 5000, "{a: " * 5000])
def test_deep_yaml_is_refused(init: Init, deep: str) -> None:
    with pytest.raises(CommandError, match=r"nested too deeply|not YAML"):
        init(f"{ONE}=== compose.yaml\n{deep}")


def test_a_python_tag_is_text(init: Init, tmp_path: Path) -> None:
    found = init(f"{ONE}=== compose.yaml\n{PYTHON_TAG % (tmp_path / 'executed')}")

    assert list(found.data["services"]) == ["web"]
    assert not (tmp_path / "executed").exists()


@pytest.mark.parametrize("deep", ["(" * 3000 + ")" * 3000, "-" * 100_000 + "1", "x = " + "[" * 500 + "]" * 500])
def test_python_that_overflows_a_parser_is_left_out(init: Init, deep: str) -> None:
    assert init(f"{ONE}=== app.py\n{deep}\n").data["services"]


def test_no_code_of_the_product_runs(init: Init, tmp_path: Path) -> None:
    sign = tmp_path / "executed"
    code = f"open({str(sign)!r}, 'w').write('x')\n"
    files = "".join(
        f"=== {name}\n{code}" for name in ("manage.py", "setup.py", "sitecustomize.py", "config/settings.py")
    )

    init(
        f"{ONE}{files}=== gunicorn.conf.py\n{code}=== start.sh\ntouch {sign}\n=== package.json\n"
        f'{{"scripts": {{"build": "touch {sign}", "preinstall": "touch {sign}"}}}}\n'
    )

    assert not sign.exists()


def test_packages_of_others_are_not_looked_at(init: Init) -> None:
    others = ("node_modules/x", ".venv/lib", "vendor/y", "a/node_modules/z", ".git/hooks")
    data = init(ONE + "".join(f"=== {folder}/Dockerfile\nFROM scratch\nEXPOSE 1\n" for folder in others)).data

    assert list(data["images"]) == ["app"]


def test_deep_folders_end(init: Init) -> None:
    found = init(f"{ONE}=== {'/'.join(['d'] * 40)}/Dockerfile\nFROM scratch\n")

    assert list(found.data["images"]) == ["app"]
    assert f"more than {trees.DEEPEST} folders deep" in found.output


def test_a_checkout_with_too_many_files_is_read_in_part(
    checkout: Callable[[str], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = checkout(ONE + "".join(f"=== f{number}\nx\n" for number in range(30)))
    monkeypatch.setattr(trees, "MOST_FILES", 20)
    tree = Tree(folder)

    assert len(tree.files) == 20
    assert "more than 20 files" in tree.skipped["."]


@pytest.mark.parametrize("path", ["../x", "/etc/passwd", "a/../../x", "..", "a\\..\\..\\x"])
def test_a_path_that_leaves_the_checkout_is_none(path: str) -> None:
    assert normal(path) == ""


def test_a_dockerfile_outside_the_checkout_is_not_built(init: Init, tmp_path: Path) -> None:
    (tmp_path / "Dockerfile").write_text("FROM scratch\n")
    layout = f"{ONE}=== compose.yaml\nservices:\n  web: {{build: ..}}\n  app: {{build: .}}\n"

    assert list(init(layout).data["services"]) == ["app"]


@pytest.mark.parametrize(
    ("name", "secret"),
    [
        ("cookiecutter-django", "k3yThatNobody"),
        ("cookiecutter-django", "key-0a1b2c3d"),
        ("cookiecutter-django", "Zq8eCHXnVvLwq3Tf"),
        ("cookiecutter-django", "Ez9tUqS0bJ6hW1yR"),
        ("heroku", "sk_test_"),
        ("copilot", "tok_this"),
        ("compose-eight", "hunter2"),
        ("compose-eight", "correct horse"),
        ("compose-eight", "npm_0123"),
        ("hosts", "5f3c0b6a1e9d47c2"),
    ],
)
def test_no_secret_of_a_checkout_is_copied_or_shown(init: Init, name: str, secret: str) -> None:
    assert secret in (LAYOUTS / f"{name}.txt").read_text()
    found = init(name, on_hosts=name == "hosts")

    assert secret not in found.text
    assert secret not in found.output


def test_names_of_files_cannot_write_lines_into_the_manifest(init: Init, checkout: Callable[[str], Path]) -> None:
    folder = checkout(ONE)
    unpack("=== Dockerfile\nFROM scratch\nEXPOSE 9000\n", folder / "evil\naccount: '666666666666'\n#")
    unpack("=== Dockerfile\nFROM scratch\nEXPOSE 9001\n", folder / "esc\x1b[31m")

    found = init(folder)

    assert "666666666666" not in found.text
    assert "\x1b" not in found.text + found.output


def test_values_cannot_write_lines_into_the_manifest_or_refer_to_secrets(init: Init) -> None:
    layout = (
        f"{ONE}=== compose.yaml\nservices:\n  web:\n    build: .\n    environment:\n"
        '      A_TEXT: "x\\naccount: \'666666666666\'"\n      B_TEXT: "$${database.password}"\n'
    )
    data = init(layout).data

    assert data["account"] == ANSWERS.account
    assert data["variables"]["A_TEXT"] == "x\naccount: '666666666666'"
    assert data["variables"]["B_TEXT"] == "$${database.password}"  # literal, as Docker Compose has it


def mutated(text: str, seed: int) -> str:
    """Returns a text with a few lines removed, doubled, cut, indented or joined."""
    source = random.Random(seed)
    lines = text.split("\n")
    for _ in range(source.randint(1, 6)):
        at = source.randrange(len(lines))
        if lines[at].startswith("==="):
            continue
        lines[at] = source.choice(
            [
                "",
                lines[at] + "\n" + lines[at],
                lines[at][: len(lines[at]) // 2],
                "  " + lines[at],
                lines[at].strip(),
                lines[at].replace(":", ": -1 #", 1),
                lines[at].replace("[", "{"),
                re.sub(r"\w+$", "null", lines[at]),
                re.sub(r"\d+", "99999999999999999999", lines[at]),
                lines[at].replace('"', ""),
                lines[at].replace("/", "//../"),
            ]
        )
    return "\n".join(lines)


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    name=st.sampled_from(sorted(path.stem for path in LAYOUTS.glob("*.txt"))),
    seed=st.integers(0, 10**6),
    hosts=st.booleans(),
)
def test_any_change_of_a_layout_ends_with_a_manifest_that_loads_or_with_a_sentence(
    tmp_path_factory: pytest.TempPathFactory, name: str, seed: int, hosts: bool
) -> None:
    top = tmp_path_factory.mktemp("mutated")
    text = mutated((LAYOUTS / f"{name}.txt").read_text(), seed)
    folder = unpack(text, top / "checkout")
    (top / "products").mkdir()
    try:
        run(Wanted(folder, manifests=top / "products", on_hosts=hosts), ANSWERS)
        expected = 1
    except CommandError as error:
        told, expected = error.then, 0
        assert "please report" not in told, str(error)  # noqa: PT017 - a manifest is as good an end

    assert len(list((top / "products").iterdir())) == expected


BIG = trees.LARGEST - 100


@pytest.mark.parametrize(
    ("path", "content"),
    [
        ("compose.yaml", f'services: {{web: {{build: ., command: "{"a " * (BIG // 2)}"}}}}'),
        ("compose.yaml", "services: {web: {build: ., healthcheck: {test: x, interval: " + "1" * 100_000 + "x}}}"),
        ("Dockerfile", "FROM scratch\n" + "\n" * BIG),
        ("Dockerfile", "FROM scratch\nCMD " + "while " * (BIG // 6)),
        ("Dockerfile", "FROM scratch\n" + "RUN x\n" * (BIG // 6)),
        ("start.sh", "\n" * BIG),
        ("pyproject.toml", "[project]\ndependencies = ['django']\n" + "\n" * BIG),
        (".git/config", "\n" * 200_000),
        ("package.json", "[" * BIG),
        ("server.js", "process.env.A " * (BIG // 14)),
        ("Procfile", "web: " + "manage.py " * (BIG // 10)),
        ("settings.py", "DATABASES = " + "{" * 90 + "}" * 90),
        (".env.example", "A" * BIG),
    ],
)
def test_no_text_takes_long(init: Init, checkout: Callable[[str], Path], path: str, content: str) -> None:
    folder = checkout("=== Dockerfile\nFROM scratch\nEXPOSE 8000\nCOPY start.sh /start.sh\nENTRYPOINT [/start.sh]\n")
    (folder / path).parent.mkdir(exist_ok=True)
    (folder / path).write_text(content)
    begun = time.process_time()

    init(folder)

    assert time.process_time() - begun < 15


def test_a_compose_file_of_a_machine_is_refused(init: Init) -> None:
    services = "".join(f"  s{number}: {{build: .}}\n" for number in range(300))

    with pytest.raises(CommandError, match="300 services, more than 200"):
        init(f"{ONE}=== compose.yaml\nservices:\n{services}")
