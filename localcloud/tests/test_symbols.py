"""The start-up check of MiniStack's private symbols."""

from __future__ import annotations

import importlib
from types import ModuleType

import pytest

from localcloud import server, symbols


def module(*names: str) -> ModuleType:
    created = ModuleType("localcloud.example")
    created.SYMBOLS = names  # type: ignore[attr-defined]  # a module created here
    return created


def test_a_symbol_that_exists_is_not_missing() -> None:
    assert symbols.missing(["ministack.services.ecs:_build_run_kwargs", "os:path.join"]) == []


@pytest.mark.parametrize("name", ["ministack.services.ecs:_no_such_thing", "ministack.no_such_module:anything"])
def test_a_symbol_or_module_that_does_not_exist_is_missing(name: str) -> None:
    assert symbols.missing([name, name]) == [name]


def test_the_error_names_every_symbol_its_user_and_the_pinned_version() -> None:
    with pytest.raises(symbols.MissingSymbolsError) as refusal:
        symbols.check([module("os:gone", "os:path"), module("os:absent")])
    text = str(refusal.value)
    assert "os:gone  (needed by localcloud.example)" in text
    assert "os:absent" in text
    assert f"ministack=={symbols.PINNED}" in text


@pytest.mark.parametrize("name", server.ADAPTERS)
def test_every_adapter_declares_symbols_that_the_installed_ministack_has(name: str) -> None:
    adapter = importlib.import_module(name)
    assert callable(adapter.install)
    assert symbols.missing(adapter.SYMBOLS) == []
