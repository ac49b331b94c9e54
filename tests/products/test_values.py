"""Values of variables: text with references."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from products.errors import ProblemsError
from products.values import REFERENCES, Reference, Value, parse

CACHE_URL = REFERENCES["cache.url"]
DOMAIN, REGION = REFERENCES["site.domain"], REFERENCES["region"]


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("plain", ("plain",)),
        ("", ()),
        ("${cache.url}", (CACHE_URL,)),
        ("${cache.url}/1", (CACHE_URL, "/1")),
        (".example.com,${site.domain}", (".example.com,", DOMAIN)),
        ("${site.domain} in ${region}", (DOMAIN, " in ", REGION)),
        ("$${cache.url}", ("${cache.url}",)),
        ("a $${b} ${region}", ("a ${b} ", REGION)),
        ("$$${region}", ("$", REGION)),
        ("costs $5, {braces}, 100%$", ("costs $5, {braces}, 100%$",)),
        ("$HOME $region", ("$HOME $region",)),
    ],
)
def test_a_value_is_text_and_references(text: str, parts: tuple[str | Reference, ...]) -> None:
    assert parse(text) == Value(parts)


PART = st.text("a$ {}", min_size=1, max_size=6) | st.sampled_from(list(REFERENCES.values()))


@given(st.lists(PART, max_size=5))
def test_every_value_can_be_written(parts: list[str | Reference]) -> None:
    joined: list[str | Reference] = []
    for part in parts:
        if isinstance(part, str) and joined and isinstance(joined[-1], str):
            joined[-1] += part
        else:
            joined.append(part)
    value = Value(tuple(joined))

    assert parse(str(value)) == value


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("${REDIS_AUTH_TOKEN}", "cache.token"),
        ("${DATABASE_URL}", "database.url"),
        ("${SECRET_KEY}", "secret_key"),
        ("${DJANGO_SECRET_KEY}", "secret_key"),
        ("${POSTGRES_DB}", "database.name"),
        ("${POSTGRES_USER}", "database.user"),
        ("${DB_PASSWORD}", "database.password"),
        ("${REDIS_PASSWORD}", "cache.token"),
        ("${CELERY_BROKER_URL}", "cache.url"),
        ("${AWS_STORAGE_BUCKET_NAME}", "media.bucket"),
        ("${AWS_REGION}", "region"),
        ("${RELEASE_VERSION}", "release.version"),
        ("${databse.url}", "database.url"),
        ("${database.username}", "database.user"),
        ("${cache.pasword}", "cache.token"),
        ("${redis.url}", "cache.url"),
        ("${site.host}", "site.domain"),
        ("${enviroment}", "environment"),
        ("${ cache.url }", "cache.url"),
        ("${Cache.URL}", "cache.url"),
        ("${${region}", "region"),
        ("${cache.url:-redis://localhost}", "cache.url"),
    ],
)
def test_an_unknown_reference_is_answered_with_the_one_that_was_meant(text: str, meant: str) -> None:
    with pytest.raises(ProblemsError) as raised:
        parse(f"x{text}/1")

    assert raised.value.sentences == [f"unknown reference {text}; did you mean ${{{meant}}}?"]


@pytest.mark.parametrize("name", ["DJANGO_SETTINGS_MODULE", "PORT", "EMAIL_HOST", "OPENAI_API_KEY", "a", ""])
def test_a_reference_that_resembles_none_is_answered_with_all(name: str) -> None:
    with pytest.raises(ProblemsError) as raised:
        parse(f"${{{name}}}")

    assert all(str(reference) in str(raised.value) for reference in REFERENCES.values())
    assert str(raised.value).endswith("or $${ for a literal ${")


@pytest.mark.parametrize("name", ["database", "cache", "site"])
def test_a_part_without_an_attribute_is_answered_with_its_attributes(name: str) -> None:
    with pytest.raises(ProblemsError) as raised:
        parse(f"${{{name}}}")

    listed = str(raised.value).partition("write one of: ")[2].partition(", or $${")[0].split(", ")
    assert listed == [str(reference) for reference in REFERENCES.values() if reference.name.startswith(f"{name}.")]


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("x${database.url", "a reference begins with ${ but has no }; write ${database.url}, or $${ for a literal ${"),
        ("${REDIS_URL/1", "a reference begins with ${ but has no }; write ${cache.url}, or $${ for a literal ${"),
        ("${", "a reference begins with ${ but has no }; write } after the name, or $${ for a literal ${"),
        ("$database.url", "$database.url is no reference; write ${database.url}"),
        ("amqp://$cache.host:5672", "$cache.host is no reference; write ${cache.host}"),
    ],
)
def test_a_malformed_reference_is_answered_with_the_right_form(text: str, sentence: str) -> None:
    with pytest.raises(ProblemsError) as raised:
        parse(text)

    assert raised.value.sentences == [sentence]


def test_all_problems_of_a_value_are_reported_at_once() -> None:
    with pytest.raises(ProblemsError) as raised:
        parse("${REDIS_URL} $cache.host ${nothing.at.all}")

    assert len(raised.value.sentences) == 3


@pytest.mark.parametrize(
    ("text", "secret"),
    [
        ("${secret_key}", True),
        ("x${cache.url}", True),
        ("${database.user}", True),
        ("${database.host}:${database.port}/${database.name}", False),
        ("${site.url}/media/${media.bucket}", False),
        ("$${secret_key}", False),
    ],
)
def test_a_value_with_a_secret_is_secret(text: str, secret: bool) -> None:
    assert parse(text).secret is secret
