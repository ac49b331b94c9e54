"""The smoke build: a program of the product decides whether what was deployed works."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.builds.programs import Desk

URL = "https://shop.example"


@pytest.fixture(name="shop")
def _shop(tmp_path: Path) -> Path:
    folder = tmp_path / "shop"
    folder.mkdir()
    (folder / "smoke.sh").write_text('echo "$URL $ENVIRONMENT $RELEASE_VERSION"; [ "$ENVIRONMENT" = production ]\n')
    return folder


def test_the_program_gets_address_environment_and_version_and_its_success_is_the_builds(desk: Desk, shop: Path) -> None:
    values = {"COMMAND": "sh smoke.sh", "URL": URL, "ENVIRONMENT": "production", "RELEASE_VERSION": "1.2.3-abc"}

    result, printed = desk.run("smoke", shop, **values)

    assert result.succeeded, printed
    assert f"{URL} production 1.2.3-abc" in printed


@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        ({"COMMAND": "sh smoke.sh", "URL": URL, "ENVIRONMENT": "staging"}, f"the smoke test failed against {URL}"),
        ({"COMMAND": "false; true", "URL": URL}, "the smoke test failed"),
        ({"COMMAND": "sh smoke.sh", "URL": "shop.example"}, "URL is 'shop.example'; give the environment's address"),
        ({"URL": URL}, "COMMAND is empty; write pipeline.smoke.command"),
    ],
)
def test_what_fails_says_why_and_what_to_type(desk: Desk, shop: Path, values: dict[str, str], sentence: str) -> None:
    result, printed = desk.run("smoke", shop, **values)

    assert not result.succeeded
    assert f"FAILED: {sentence}" in printed
