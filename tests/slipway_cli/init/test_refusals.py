"""`slipway init` refuses with one clear sentence, and writes nothing."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from paths import ROOT
from products import ManifestError, load
from slipway_cli.errors import CommandError
from slipway_cli.init import command
from slipway_cli.init.answers import Answers
from slipway_cli.main import main
from tests.slipway_cli.init.conftest import ANSWERS, Init

ONE = "=== Dockerfile\nFROM scratch\nEXPOSE 8000\n"


def refusal(init: Init, layout: str | Path, tmp_path: Path, **wanted: object) -> str:
    with pytest.raises(CommandError) as caught:
        init(layout, **wanted)
    folder = tmp_path / "products"
    assert not folder.exists() or not list(folder.iterdir())
    return str(caught.value)


def test_an_empty_folder(init: Init, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()

    assert refusal(init, tmp_path / "empty", tmp_path) == f"{tmp_path}/empty has no files"


def test_a_repository_without_a_dockerfile(init: Init, tmp_path: Path) -> None:
    layout = "=== Procfile\nweb: gunicorn app\n=== requirements.txt\ngunicorn\n"

    assert "has no Dockerfile, and Slipway runs images" in refusal(init, layout, tmp_path)


@pytest.mark.parametrize(
    ("path", "content"),
    [
        ("docker-compose.yml", "services:\n  web:\n    build: .\n   ports: [\n"),
        ("copilot/api/manifest.yml", "name: api\ntype: Backend Service\n bad: [\n"),
    ],
)
def test_broken_yaml_with_its_file_and_line(init: Init, tmp_path: Path, path: str, content: str) -> None:
    message = refusal(init, f"{ONE}=== {path}\n{content}", tmp_path)

    assert message.startswith(f"{path}:")
    assert "is not YAML" in message
    assert "\n" not in message


def test_a_checkout_of_other_peoples_images_only(init: Init, tmp_path: Path) -> None:
    layout = "=== Dockerfile\nFROM postgres:16\n=== compose.yaml\nservices: {db: {build: .}}\n"

    assert "says what to run" in refusal(init, layout, tmp_path)


def test_a_folder_that_does_not_exist(init: Init, tmp_path: Path) -> None:
    assert "there is no folder" in refusal(init, tmp_path / "none", tmp_path)


def test_slipway_itself(init: Init, tmp_path: Path) -> None:
    assert refusal(init, ROOT, tmp_path) == "this is the checkout of Slipway itself"


@pytest.mark.parametrize("name", ["Shop", "a b", "x" * 30, "tooling", "../evil"])
def test_a_name_that_no_product_can_have(init: Init, tmp_path: Path, name: str) -> None:
    assert "cannot be a product's name" in refusal(init, ONE, tmp_path, name=name)


@pytest.mark.parametrize(
    ("field", "value"),
    [("account", "12"), ("region", "moon"), ("owner", "-x"), ("owner_id", "x"), ("email", "x"), ("hosted_zone", "x")],
)
def test_a_wrong_option(init: Init, tmp_path: Path, field: str, value: str) -> None:
    message = refusal(init, ONE, tmp_path, answers=Answers(**{**vars(ANSWERS), field: value}))

    assert f"got '{value}'; write" in message


def test_a_manifest_that_exists_stays_as_it_is(init: Init) -> None:
    first = init(ONE, name="shop")
    first.path.write_text("mine")

    with pytest.raises(CommandError, match="exists"):
        init(first.folder.parent / "checkout", name="shop")

    assert first.path.read_text() == "mine"


def test_force_replaces_a_manifest(init: Init) -> None:
    first = init(ONE, name="shop")
    first.path.write_text("mine")

    assert init(first.folder.parent / "checkout", name="shop", force=True).data["name"] == "shop"


def test_a_manifest_that_appears_meanwhile_stays_as_it_is(init: Init, tmp_path: Path) -> None:
    folder = tmp_path / "products"

    def ask(_: str) -> str:
        (folder / "shop.yaml").write_text("theirs")
        return ""

    with pytest.raises(CommandError, match="exists"):
        init(ONE, name="shop", ask=ask)

    assert [path.name for path in folder.iterdir()] == ["shop.yaml"]
    assert (folder / "shop.yaml").read_text() == "theirs"


def test_a_folder_that_cannot_be_written_has_no_partial_file(init: Init, tmp_path: Path) -> None:
    if os.geteuid() == 0:
        (tmp_path / "products").mkdir()
        (tmp_path / "products" / "shop.yaml").mkdir()  # root may write everywhere, but not over a folder
    with pytest.raises((CommandError, OSError)):
        init(ONE, name="shop", force=True)

    assert [path for path in (tmp_path / "products").iterdir() if path.is_file()] == []


def test_placeholders_are_refused_by_the_loader_each_with_its_key(init: Init) -> None:
    found = init(ONE, Answers())

    with pytest.raises(ManifestError) as caught:
        load(found.path.stem, found.folder)

    keys = {problem.key for problem in caught.value.problems}
    assert {"account", "repository.owner_id", "repository.id", "pipeline.connection"} <= keys
    assert all(problem.line for problem in caught.value.problems)
    for key in ("account", "region", "repository.owner_id", "pipeline.connection"):
        assert key in found.output


def test_the_demo_option_fills_every_placeholder(init: Init) -> None:
    found = init("cookiecutter-django", Answers(), demo=True)

    assert "FILL-IN" not in found.text
    assert found.product.account == "111122223333"


def test_the_terminal_is_asked_until_the_answer_can_be_right(init: Init) -> None:
    replies = iter(["123", "012345678901", "", "owner", "shop", "12", "13", "", ""])
    asked = []

    def ask(question: str) -> str:
        asked.append(question)
        return next(replies)

    found = init(ONE, Answers(), ask=ask, name="shop")

    assert found.data["account"] == "012345678901"
    assert found.data["region"] == "FILL-IN"
    assert found.data["repository"] == {"owner": "owner", "name": "shop", "owner_id": 12, "id": 13}
    assert asked[0] == asked[1]
    assert "write 12 digits" in found.output


def test_without_a_terminal_nothing_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", Path(os.devnull).open())  # noqa: SIM115 - closed with the test

    assert command.at_terminal() is None


def test_the_command_line_names_its_mistake(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    assert main(["init", str(tmp_path), "--repository", "shop"]) == 2
    assert "write owner/name" in capsys.readouterr().err
    assert main(["init", str(tmp_path)]) == 2
    assert "has no files" in capsys.readouterr().err
