"""The log does not show secrets, neither whole nor in parts."""

from __future__ import annotations

from localcloud.codebuild.logs import Lines, Masker


def masker(*secrets: str) -> Masker:
    made = Masker()
    made.hide(secrets)
    return made


def test_a_secret_is_masked_wherever_it_occurs() -> None:
    assert masker("s3cret")("a=s3cret b=xs3crety") == "a=*** b=x***y"


def test_the_longer_of_two_secrets_is_masked_first() -> None:
    assert masker("pass", "password")("password pass") == "*** ***"


def test_each_line_of_a_secret_of_several_lines_is_masked() -> None:
    assert masker("-----BEGIN\nabcdef\n-----END")("key: abcdef") == "key: ***"


def test_a_secret_of_one_letter_masks_nothing() -> None:
    assert masker("a")("banana") == "banana"


def test_a_secret_that_arrives_in_two_pieces_is_masked() -> None:
    lines = Lines(masker("s3cret"))
    assert lines.feed(b"say s3c") == []
    assert lines.feed(b"ret\nnext") == ["say ***"]
    assert lines.end() == ["next"]


def test_a_character_that_arrives_in_two_pieces_is_decoded() -> None:
    lines = Lines(Masker())
    assert lines.feed("ü".encode()[:1]) == []
    assert lines.feed("ü".encode()[1:] + b"\r\n") == ["ü"]
