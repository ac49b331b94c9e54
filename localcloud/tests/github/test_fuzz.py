"""Arbitrary requests get a valid response of GitHub, never an internal error."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import quote

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from localcloud.github import server
from localcloud.github.web import Request
from localcloud.testing.github import TOKEN, Place, Shop

pytestmark = pytest.mark.local

SLOW = settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
WORDS = st.sampled_from(
    [
        "1",
        "2",
        "999999999999",
        "main",
        "v1",
        "feature/x",
        "HEAD",
        "..",
        "a^b",
        "%00",
        "-x",
        "refs/heads/main",
        "ünï",
        "0" * 40,
    ]
)
NAMES = st.sampled_from(
    [
        *("title", "body", "labels", "state", "state_reason", "context", "description", "target_url", "tag_name"),
        *("target_commitish", "name", "draft", "prerelease", "generate_release_notes", "head", "base", "merge_method"),
        *("sha", "ref", "environment", "payload", "previous_tag_name", "repositories", "commit_title"),
    ]
)
TEXTS = st.text(max_size=20) | WORDS | st.sampled_from(["open", "closed", "success", "squash"])
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=6,
)
BODIES = st.dictionaries(NAMES, VALUES, max_size=5).map(lambda body: json.dumps(body).encode()) | st.binary(max_size=40)
PATHS = st.sampled_from(
    [
        *("", "/issues", "/issues/{}", "/issues/{}/comments", "/statuses/{}", "/commits", "/commits/{}/status"),
        *("/commits/{}/statuses", "/commits/{}", "/git/commits/{}", "/git/ref/tags/{}", "/git/tags/{}", "/branches/{}"),
        *("/git/matching-refs/heads/{}", "/releases", "/releases/tags/{}", "/releases/{}", "/releases/generate-notes"),
        *("/pulls", "/pulls/{}", "/pulls/{}/merge", "/pulls/{}/commits", "/deployments", "/deployments/{}/statuses"),
        "/{}",
    ]
)
METHODS = st.sampled_from(["GET", "POST", "PATCH", "PUT", "DELETE", "HEAD", "OPTIONS"])
QUERIES = st.dictionaries(
    st.sampled_from(
        ["page", "per_page", "state", "sort", "direction", "labels", "since", "sha", "path", "head", "base"]
    ),
    TEXTS,
    max_size=3,
)


def respond(place: Place, method: str, path: str, query: dict[str, str], body: bytes) -> Any:
    headers = {"authorization": f"Bearer {TOKEN}", "host": "github.localhost"}
    request = Request(method, path, query, headers, body, place.url, trusted=True)
    return server.answer(place.hub, request)


@pytest.fixture(name="grown")
def _grown(shop: Shop) -> Shop:
    """A repository with a branch, an issue, a pull request, a status and a deployment."""
    sha = shop.pushed()
    shop.branch("feature/x")
    shop.call("POST", "/issues", {"title": "x"})
    shop.call("POST", "/pulls", {"title": "x", "head": "feature/x", "base": "main"})
    shop.call("POST", f"/statuses/{sha}", {"state": "success"})
    shop.call("POST", "/deployments", {"ref": "main"})
    return shop


@SLOW
@given(method=METHODS, address=st.tuples(PATHS, WORDS | st.text(max_size=10)), query=QUERIES, body=BODIES)
def test_no_call_of_the_api_fails(
    grown: Shop, method: str, address: tuple[str, str], query: dict[str, str], body: bytes
) -> None:
    whole = f"/api/v3/repos/{grown.name}{address[0].format(address[1])}"

    reply = respond(grown.place, method, whole, query, body)

    assert reply.status < 500, (method, whole, query, body, reply.body)
    assert TOKEN.encode() not in reply.body
    assert reply.status == 204 or json.loads(reply.body) is not None


@SLOW
@given(
    path=st.sampled_from(
        ["/commits/{}", "/commit/{}", "/issues/{}", "/pull/{}", "/releases/tag/{}", "/compare/{}...{}"]
    ),
    words=st.tuples(WORDS | st.text(max_size=10), WORDS),
    page=TEXTS,
)
def test_no_page_fails(grown: Shop, path: str, words: tuple[str, str], page: str) -> None:
    reply = respond(grown.place, "GET", f"/{grown.name}{path.format(*words)}", {"page": page, "state": page}, b"")

    assert reply.status in {200, 404}, (path, words, page)
    assert TOKEN.encode() not in reply.body


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(path=st.text(alphabet=st.characters(codec="latin-1"), max_size=30), body=st.binary(max_size=60), method=METHODS)
def test_no_request_over_the_wire_fails(place: Place, path: str, body: bytes, method: str) -> None:
    for prefix in ("/", "/api/v3/", "/_hook"):
        answer = place.ask(method, prefix + quote(path, safe="/?&=%"), body, {"Authorization": f"Bearer {TOKEN}"})
        assert answer.status < 500
        assert TOKEN not in str(answer)
