"""An account in memory with a console before it, and a cloud with pipelines for what needs one."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from localcloud.testing.pipelines import World
from localcloud.testing.plain import Plain, plain
from tests.slipway_cli.console.account import Account, Desk

__all__ = ["plain"]


@pytest.fixture
def account(monkeypatch: pytest.MonkeyPatch) -> Iterator[Account]:
    made = Account()
    with made.installed(monkeypatch):
        yield made


@pytest.fixture
def desk(account: Account) -> Desk:
    return Desk(account)


@pytest.fixture(scope="session")
def world(plain: Plain, tmp_path_factory: pytest.TempPathFactory) -> World:
    return World(plain, tmp_path_factory.mktemp("console-world"))
