"""The guard: which requests it accepts, and how it refuses the others."""

from __future__ import annotations

import socket
from http import HTTPStatus

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from localcloud import keys, launcher, process, signing
from localcloud.server import ADAPTERS
from localcloud.settings import Settings
from localcloud.testing.plain import ACCOUNT, Plain, free_port, plain, unique

__all__ = ["plain"]

pytestmark = pytest.mark.local

Headers = list[tuple[str, str]]
HEALTH = "/_ministack/health"


def ask(cloud: Plain, *headers: tuple[str, str], path: str = "/", method: str = "GET") -> tuple[int, str]:
    """Sends exactly these headers; returns status and body, or 0 if the connection is closed."""
    lines = [f"{method} {path} HTTP/1.1", *(f"{name}: {value}" for name, value in headers), "Connection: close", "", ""]
    with socket.create_connection(("127.0.0.1", cloud.port), timeout=30) as connection:
        connection.sendall("\r\n".join(lines).encode("latin-1"))
        answer = b"".join(iter(lambda: connection.recv(65536), b""))
    head, _, body = answer.partition(b"\r\n\r\n")
    return int(head.split()[1]) if head else 0, body.decode()


def host(cloud: Plain, name: str = "localhost") -> tuple[str, str]:
    return "Host", f"{name}:{cloud.port}"


def log(cloud: Plain) -> str:
    return process.log_file(Settings(port=cloud.port, state=cloud.state)).read_text(encoding="utf-8")


def test_the_guard_is_the_outermost_adapter() -> None:
    assert ADAPTERS[-1] == "localcloud.guard"


@pytest.mark.parametrize(
    ("headers", "reason"),
    [
        ([("Origin", "http://evil.example")], "a web page is not a client"),
        ([("Origin", "null")], "a web page is not a client"),
        ([("ORIGIN", "HTTP://LOCALHOST")], "a web page is not a client"),
        ([("Origin", "http://a"), ("Origin", "http://b")], "several origin headers"),
        ([("Sec-Fetch-Site", "cross-site")], "a web page is not a client"),
        ([("Sec-Fetch-Site", "same-site")], "a web page is not a client"),
        ([("Sec-Fetch-Site", "same-origin")], "a web page is not a client"),
        ([("sec-fetch-site", "CROSS-SITE")], "a web page is not a client"),
        ([("Sec-Fetch-Site", "something-new")], "a web page is not a client"),
        ([("Sec-Fetch-Site", "none"), ("Sec-Fetch-Site", "cross-site")], "several sec-fetch-site headers"),
        ([("Authorization", "AWS a"), ("Authorization", "AWS b")], "several authorization headers"),
        ([("X-Large", "a" * 70_000)], "at most 65536 are accepted"),
        ([(f"X-{number}", "a" * 100) for number in range(1000)], "at most 65536 are accepted"),
    ],
)
def test_a_request_of_a_web_page_is_refused_with_a_reason_in_one_line(
    plain: Plain, headers: Headers, reason: str
) -> None:
    status, body = ask(plain, host(plain), *headers)
    assert status == 403
    assert body.startswith("Refused: ")
    assert reason in body
    assert body.count("\n") == 1


@pytest.mark.parametrize(
    "name",
    [
        "evil.example",
        "localhost.evil.example",
        "127.0.0.1.nip.io",
        "10.0.0.1",
        "0.0.0.0",
        "[2001:db8::1]",
        "user@localhost",
        "evil.example#.localhost",
        "amazonaws.com.evil.example",
        "",
        " ",
        "-",
        "..",
    ],
)
def test_a_foreign_host_is_refused(plain: Plain, name: str) -> None:
    status, body = ask(plain, ("Host", name), path=HEALTH)
    assert status in {400, 403}  # the server itself refuses invalid header values
    assert "Traceback" not in body


@pytest.mark.parametrize(
    "name",
    ["localhost", "LOCALHOST", "localhost.", "127.0.0.1", "[::1]", "bucket.localhost", "sts.us-east-1.amazonaws.com"],
)
def test_a_name_of_this_machine_or_of_aws_is_served(plain: Plain, name: str) -> None:
    assert ask(plain, ("Host", name), path=HEALTH)[0] == 200
    assert ask(plain, host(plain, name), path=HEALTH)[0] == 200


def test_several_or_missing_host_headers_are_refused(plain: Plain) -> None:
    assert ask(plain, host(plain), host(plain), path=HEALTH)[0] in {400, 403}
    assert ask(plain, path=HEALTH)[0] in {400, 403}
    assert ask(plain, host(plain), path="http://evil.example/")[0] in {400, 403}


def test_an_enormous_head_is_refused_without_a_traceback(plain: Plain) -> None:
    status, body = ask(plain, host(plain), ("X-Large", "a" * 900_000))
    assert (status, body.count("\n")) == (403, 1)
    ask(plain, host(plain), ("X-Large", "a" * 3_000_000))
    assert "Traceback" not in log(plain)


@given(
    st.lists(
        st.tuples(
            st.sampled_from(["Origin", "Sec-Fetch-Site", "Sec-Fetch-Mode", "Referer", "X-Forwarded-Host", "Via"]),
            st.text(st.characters(min_codepoint=33, max_codepoint=255, exclude_characters="\x7f"), max_size=30),
        ),
        max_size=5,
    )
)
@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_an_unsigned_call_is_refused_whatever_its_headers(plain: Plain, headers: Headers) -> None:
    status, body = ask(plain, host(plain), *headers, path="/?Action=ListUsers&Version=2010-05-08", method="POST")
    assert status in {400, 403}
    assert "<Users>" not in body
    assert "Traceback" not in log(plain)


@pytest.mark.parametrize(
    ("path", "method"),
    [
        ("/_ministack/reset", "POST"),
        ("/_ministack/config", "POST"),
        ("/_ministack/ses/messages", "GET"),
        ("/_ministack/sqs/messages", "GET"),
        ("/_ministack/lambda-code/x", "GET"),
        ("/_localcloud/faults", "PUT"),
        ("/_localstack/init", "GET"),
        ("/%5fministack/reset", "POST"),
    ],
)
def test_administrative_requests_need_the_root_key(plain: Plain, path: str, method: str) -> None:
    status, body = ask(plain, host(plain), path=path, method=method)
    assert (status, "needs a signature of the root key" in body) == (403, True)


@pytest.fixture
def other_state(plain: Plain) -> Settings:
    """The settings of a client that knows the port, but has the key of another cloud."""
    return Settings(port=plain.port, state=plain.state / "other")


def test_the_root_key_of_another_cloud_is_refused(plain: Plain, other_state: Settings) -> None:
    status, answer = signing.send(other_state, "POST", "/_ministack/reset")
    assert (status, b"needs a root key of this cloud" in answer) == (HTTPStatus.FORBIDDEN, True)


def test_a_signature_is_valid_only_for_its_own_path_and_body(plain: Plain) -> None:
    own = Settings(port=plain.port, state=plain.state)
    assert signing.send(own, "GET", "/_localcloud/faults")[0] == HTTPStatus.OK
    signed = signing.headers(own, "PUT", "/_localcloud/faults", b"[]")
    assert ask(plain, *signed.items(), path="/_ministack/reset", method="POST")[0] == 403
    assert ask(plain, *signed.items(), ("Content-Length", "0"), path="/_localcloud/faults", method="PUT")[0] == 403


def test_no_response_allows_other_origins(plain: Plain) -> None:
    for path in ("/", HEALTH, "/bucket", "/v2/", "/codesuite/codepipeline/pipelines"):
        with socket.create_connection(("127.0.0.1", plain.port), timeout=30) as connection:
            connection.sendall(f"GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n".encode())
            answer = b"".join(iter(lambda: connection.recv(65536), b""))
        assert b"access-control-" not in answer.partition(b"\r\n\r\n")[0].lower()


def test_a_foreign_page_can_link_to_the_console_but_not_embed_or_fetch_it(plain: Plain) -> None:
    console, link = "/codesuite/codepipeline/pipelines", [("Sec-Fetch-Site", "cross-site")]
    navigation = [*link, ("Sec-Fetch-Mode", "navigate")]
    assert ask(plain, host(plain), *navigation, ("Sec-Fetch-Dest", "document"), path=console)[0] == 200
    for headers in (link, [*navigation, ("Sec-Fetch-Dest", "iframe")], [*link, ("Sec-Fetch-Mode", "no-cors")]):
        assert ask(plain, host(plain), *headers, path=console)[0] == 403
    for name in ("localhost", "github.localhost"):
        status, body = ask(plain, host(plain, name), ("Origin", "http://evil.example"), path=console, method="POST")
        assert (status, body.startswith("Refused: a page of another origin")) == (403, True)


def test_a_browser_is_redirected_from_a_load_balancers_path_to_its_host_name(plain: Plain) -> None:
    name = unique("web")
    elbv2 = plain.client("elbv2")
    elbv2.create_load_balancer(Name=name, Subnets=["subnet-1", "subnet-2"])
    status, _ = ask(plain, host(plain), ("Sec-Fetch-Mode", "navigate"), path=f"/_alb/{name}/a%20b?x=1")
    assert status == 307
    assert ask(plain, host(plain), path=f"/_alb/{name}/")[0] == 503  # other programs get the load balancer's response


def test_each_cloud_and_each_account_has_its_own_root_key(plain: Plain) -> None:
    here, there = Settings(state=plain.state), Settings(state=plain.state / "second")
    other = keys.root(here, "222233334444")
    assert len({keys.root(here), keys.root(there), other}) == 3
    assert keys.account_of(here, other.access_key_id) == "222233334444"
    assert keys.account_of(there, other.access_key_id) is None
    identity = plain.client("sts", other.credentials()).get_caller_identity()
    assert identity["Arn"] == "arn:aws:iam::222233334444:root"


@pytest.mark.parametrize("key", [ACCOUNT, "test", "AKIA" + "A" * 16])
def test_no_other_key_is_root(plain: Plain, key: str) -> None:
    for secret in ("local", "test", plain.key.secret_access_key):
        client = plain.client("iam", {"AccessKeyId": key, "SecretAccessKey": secret})
        with pytest.raises(client.exceptions.ClientError, match=r"InvalidClientTokenId|UnrecognizedClient"):
            client.list_users()


def test_the_root_keys_signature_is_checked_in_headers_and_queries(plain: Plain) -> None:
    wrong = {"AccessKeyId": plain.key.access_key_id, "SecretAccessKey": "local"}
    sts = plain.client("sts", wrong)
    with pytest.raises(sts.exceptions.ClientError, match="SignatureDoesNotMatch"):
        sts.get_caller_identity()
    for version in ("s3", "s3v4"):
        for service, call in (("s3", "list_buckets"), ("sts", "get_caller_identity")):
            client = plain.signing(service, wrong, version)
            url = client.generate_presigned_url(call).removeprefix(f"http://127.0.0.1:{plain.port}")
            assert ask(plain, ("Host", f"127.0.0.1:{plain.port}"), path=url)[0] == 403


def test_only_the_owner_can_read_the_files_with_keys(tmp_path_factory: pytest.TempPathFactory) -> None:
    own = Settings(port=free_port(), state=tmp_path_factory.mktemp("keys"), docker=False)
    assert launcher.up(own) == 0
    try:
        modes = {path.name: path.stat().st_mode & 0o777 for path in own.state.iterdir() if path.is_file()}
        assert modes == {"local.env": 0o600, "root.secret": 0o600}
    finally:
        assert launcher.down(own) == 0
