"""The list of a site's files at its limits."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from builds import site_list
from builds.site_list import Frontend


class Memory:
    """A store that keeps its pairs in memory, with the limits of CloudFront."""

    def __init__(self, pairs: Mapping[str, str]) -> None:
        self.pairs, self.writes = dict(pairs), 0

    def version(self) -> str:
        return str(self.writes)

    def read(self) -> dict[str, str]:
        return dict(self.pairs)

    def write(self, version: str, puts: Mapping[str, str], deletes: Sequence[str]) -> str:
        assert version == self.version()
        self.pairs = {key: value for key, value in {**self.pairs, **puts}.items() if key not in deletes}
        self.writes += 1
        return self.version()


def of_size(size: int) -> dict[str, str]:
    """Returns pairs of another frontend with a size in bytes."""
    pairs = {f"/other/{number:05}/{'x' * 400}": "1" for number in range(size // 414)}
    rest = size - sum(len(key) + len(value) for key, value in pairs.items())
    return {**pairs, f"/other/{'y' * (rest - 8)}": "1"}


def test_files_that_fill_the_store_to_its_last_byte_are_listed() -> None:
    frontend = Frontend("/", ["other/"], ["index.html"], [])
    store = Memory(of_size(site_list.LIMIT - len("/index.html1") - len("/")))

    site_list.add(store, frontend)

    assert store.pairs["/index.html"] == "1"
    assert sum(len(key) + len(value) for key, value in store.pairs.items()) == site_list.LIMIT


def test_a_list_that_would_be_too_large_stays_as_it_is_and_the_log_says_what_to_do() -> None:
    frontend = Frontend("/", ["other/"], ["index.html"], [])
    before = of_size(site_list.LIMIT - len("/index.html1"))
    store = Memory(before)

    said = site_list.add(store, frontend)

    assert (store.pairs, store.writes) == (before, 0)
    assert f"CloudFront allows {site_list.LIMIT}" in said
    assert "Keep fewer releases" in said


def test_a_list_that_is_too_large_can_still_become_smaller() -> None:
    store = Memory({**of_size(site_list.LIMIT - 100), "/old.html": "1"})

    site_list.remove(store, Frontend("/", ["other/"], ["index.html"], []))

    assert "/old.html" not in store.pairs
    assert len(store.pairs) == len(of_size(site_list.LIMIT - 100))


def test_a_name_that_is_too_long_for_a_key_is_left_out() -> None:
    longest, longer = "x" * 511, "y" * 512

    assert set(Frontend("/", [], [longest, longer], []).pairs()) == {"/", f"/{longest}"}
