"""Access to the API, and the headers of every response."""

from __future__ import annotations

import base64
import hashlib
import json
import time
from typing import Any

import pytest

from localcloud.testing.github import TOKEN, Place, Shop

pytestmark = pytest.mark.local


def signed(place: Place, key: str = "key-1", **claims: Any) -> str:
    """Returns a JSON web token signed with the key."""
    now = int(time.time())
    parts = ({"alg": "RS256", "typ": "JWT"}, {"iss": "7", "iat": now - 60, "exp": now + 480, **claims})
    text = ".".join(base64.urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=").decode() for part in parts)
    signature = f"by {key}".encode()  # depends on the key: tokens created in the same second have the same text
    place.signed.add((key, hashlib.sha256(text.encode()).digest(), signature))
    return f"{text}.{base64.urlsafe_b64encode(signature).rstrip(b'=').decode()}"


@pytest.mark.parametrize(
    ("authorization", "message"),
    [
        (None, "Requires authentication"),
        ("Bearer wrong", "Bad credentials"),
        ("Bearer", "Bad credentials"),
        ("Basic !!!", "Bad credentials"),
        ("Bearer ünïcode", "Bad credentials"),
    ],
)
def test_without_the_right_token_the_answer_is_401(shop: Shop, authorization: str | None, message: str) -> None:
    headers = {} if authorization is None else {"Authorization": authorization}

    answer = shop.place.ask("GET", f"/api/v3/repos/{shop.name}", headers=headers)

    assert (answer.status, answer.json()["message"]) == (401, message)


@pytest.mark.parametrize(
    "authorization",
    [f"Bearer {TOKEN}", f"token {TOKEN}", f"Basic {base64.b64encode(f'x:{TOKEN}'.encode()).decode()}"],
)
def test_the_token_is_accepted_in_each_form(shop: Shop, authorization: str) -> None:
    answer = shop.place.ask("GET", f"/api/v3/repos/{shop.name}", headers={"Authorization": authorization})

    assert answer.status == 200


@pytest.mark.parametrize("value", [TOKEN, f" {TOKEN}\n", json.dumps({"token": TOKEN})])
def test_the_secret_is_a_token_or_an_object_with_one(shop: Shop, value: str) -> None:
    shop.place.secrets["shop/github"] = value
    try:
        assert shop.call("GET", "").status == 200
    finally:
        shop.place.secrets["shop/github"] = TOKEN


def test_a_changed_secret_invalidates_the_old_token(shop: Shop) -> None:
    shop.bare.text("config", "localcloud.secret", "own")
    shop.place.secrets["own"] = "first"
    assert shop.place.call("GET", f"/repos/{shop.name}", token="first").status == 200

    shop.place.secrets["own"] = "second"

    assert shop.place.call("GET", f"/repos/{shop.name}", token="first").status == 401
    assert shop.place.call("GET", f"/repos/{shop.name}", token="second").status == 200


def test_a_repository_without_its_secret_refuses_every_token(shop: Shop) -> None:
    shop.bare.text("config", "localcloud.secret", "absent")

    assert shop.place.call("GET", f"/repos/{shop.name}", token="").status == 401
    assert shop.call("GET", "").status == 404  # the token is valid for other repositories


def test_an_app_gets_a_token_for_its_repository_only(shop: Shop) -> None:
    shop.bare.text("config", "localcloud.secret", "app")
    shop.place.secrets["app"] = json.dumps({"app_id": "7", "installation_id": "42", "kms_key_id": "key-1"})
    body = {"repositories": [shop.name.partition("/")[2]]}

    made = shop.place.call("POST", "/app/installations/42/access_tokens", body, signed(shop.place))
    token = made.json()["token"]

    assert made.status == 201
    assert shop.place.call("GET", f"/repos/{shop.name}/issues", token=token).status == 200
    others = [known for known in shop.place.hub.repositories.all() if known.name != shop.name]
    assert all(shop.place.call("GET", f"/repos/{other.name}", token=token).status == 404 for other in others[:3])


@pytest.mark.parametrize(
    ("installation", "token"),
    [
        ("43", {}),
        ("42", {"iss": "8"}),
        ("42", {"exp": int(time.time()) - 1}),
        ("42", {"exp": int(time.time()) + 4000}),
        ("42", {"iat": int(time.time()) + 4000}),
        ("42", {"iat": "yesterday"}),
        ("42", {"key": "another"}),
    ],
)
def test_an_app_with_a_wrong_signature_or_an_expired_request_gets_no_token(
    shop: Shop, installation: str, token: dict[str, Any]
) -> None:
    shop.bare.text("config", "localcloud.secret", "app")
    shop.place.secrets["app"] = json.dumps({"app_id": "7", "installation_id": "42", "kms_key_id": "key-1"})

    answer = shop.place.call(
        "POST", f"/app/installations/{installation}/access_tokens", {}, signed(shop.place, **token)
    )

    assert answer.status == 401


def test_a_repository_and_its_owner_have_the_ids_from_the_manifest(shop: Shop) -> None:
    shop.bare.text("config", "localcloud.repository-id", "700000001")
    shop.bare.text("config", "localcloud.owner-id", "90000001")

    found = shop.call("GET", "").json()

    assert (found["id"], found["owner"]["id"], found["owner"]["login"]) == (700000001, 90000001, "acme")
    assert (found["full_name"], found["default_branch"]) == (shop.name, "main")
    assert shop.place.call("GET", "/users/acme").json()["login"] == "acme"
    assert shop.place.call("GET", "/users/nobody-here").status == 404


def test_every_response_is_json_and_has_the_rate_limit_headers(shop: Shop) -> None:
    for answer in (shop.call("GET", ""), shop.call("GET", "/absent"), shop.call("POST", "/issues", b"{")):
        assert int(answer.headers["x-ratelimit-remaining"]) > 0
        assert int(answer.headers["x-ratelimit-reset"]) > time.time()
        assert answer.headers["content-type"].startswith("application/json")
        assert answer.headers["x-github-request-id"]


def test_the_api_is_served_under_every_host_name(shop: Shop) -> None:
    path = f"/_github/api/v3/repos/{shop.name}"
    answer = shop.place.ask(
        "GET", path, headers={"Authorization": f"Bearer {TOKEN}"}, host=f"169.254.170.2:{shop.place.port}"
    )

    assert answer.json()["url"] == f"http://169.254.170.2:{shop.place.port}{path}"
    assert answer.json()["html_url"] == f"{shop.place.url}/{shop.name}"


def test_the_database_outlives_its_connection(shop: Shop) -> None:
    shop.call("POST", "/issues", {"title": "kept"})
    shop.place.hub.store.close()

    assert shop.call("GET", "/issues").json()[0]["title"] == "kept"
    assert shop.call("GET", "/commits").status == 409
