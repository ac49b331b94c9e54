"""The calls that `docker build` may send to BuildKit, and the translation of their image names."""

from __future__ import annotations

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from localcloud.dockerfilter import buildkit, protobuf
from localcloud.dockerfilter.buildkit import BRIDGE_SOLVE, CONTROL_SOLVE, RESOLVE
from localcloud.dockerfilter.container_rules import RefusedError
from localcloud.dockerfilter.protobuf import BYTES, VARINT

ECR = "111122223333.dkr.ecr.us-east-1.amazonaws.com"
LOCAL = "localhost:4701"


@pytest.fixture(autouse=True)
def _default_port(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("LOCALCLOUD_PORT", raising=False)


def framed(*fields: protobuf.Field) -> bytes:
    message = protobuf.message(list(fields))
    return struct.pack(">BI", 0, len(message)) + message


def pair(number: int, key: str, value: str) -> protobuf.Field:
    return number, BYTES, protobuf.text_entry(key, value)


@pytest.mark.parametrize(
    ("path", "field"),
    [
        (CONTROL_SOLVE, (9, BYTES, b"network.host")),
        (CONTROL_SOLVE, (9, BYTES, b"security.insecure")),
        (CONTROL_SOLVE, pair(7, "force-network-mode", "host")),
        (CONTROL_SOLVE, pair(7, "cgroup-parent", "/")),
        (BRIDGE_SOLVE, pair(3, "force-network-mode", "host")),
    ],
)
def test_an_image_build_that_requests_access_to_the_host_is_refused(path: str, field: protobuf.Field) -> None:
    with pytest.raises(RefusedError):
        buildkit.rewritten(path, framed(field))


@pytest.mark.parametrize(
    ("path", "given_field", "sent"),
    [
        (CONTROL_SOLVE, pair(4, "name", f"{ECR}/a:1,b"), pair(4, "name", f"{LOCAL}/a:1,b:latest")),
        (BRIDGE_SOLVE, pair(3, "cache-from", f"{ECR}/a:1"), pair(3, "cache-from", f"{LOCAL}/a:1")),
        (BRIDGE_SOLVE, pair(3, "build-arg:BASE", f"{ECR}/a:1"), pair(3, "build-arg:BASE", f"{LOCAL}/a:1")),
        (BRIDGE_SOLVE, pair(3, "label:from", f"{ECR}/a:1"), pair(3, "label:from", f"{ECR}/a:1")),
        (RESOLVE, (1, BYTES, f"{ECR}/a:1".encode()), (1, BYTES, f"{LOCAL}/a:1".encode())),
    ],
)
def test_image_names_of_ecr_become_those_of_the_local_registry(
    path: str, given_field: protobuf.Field, sent: protobuf.Field
) -> None:
    assert buildkit.rewritten(path, framed(given_field)) == framed(sent)


def test_a_cache_in_ecr_becomes_one_in_the_local_registry() -> None:
    def cache(host: str) -> protobuf.Field:
        entry = protobuf.message([(1, BYTES, b"registry"), pair(2, "ref", f"{host}/a:cache")])
        return 8, BYTES, protobuf.message([(5, BYTES, entry), (4, BYTES, entry)])

    assert buildkit.rewritten(CONTROL_SOLVE, framed(cache(ECR))) == framed(cache(LOCAL))


def test_all_names_of_an_image_are_found_in_the_message() -> None:
    exporter = protobuf.message([(1, BYTES, b"image"), pair(2, "name", "c")])
    message = protobuf.message([pair(4, "name", "a, b:1"), pair(4, "push", "true"), (13, BYTES, exporter)])
    assert buildkit.names_of(message) == ["a", "b:1", "c"]


@pytest.mark.parametrize("name", ["python,UPPER", "a@sha256:" + "0" * 64, "sha256:1", "0123456789abcdef"])
def test_a_name_that_docker_does_not_accept_or_reads_as_an_id_is_refused(name: str) -> None:
    for field in (pair(4, "name", name), (13, BYTES, protobuf.message([(1, BYTES, b"moby"), pair(2, "name", name)]))):
        with pytest.raises(RefusedError):
            buildkit.rewritten(CONTROL_SOLVE, framed(field))


def test_the_checked_names_are_sent_to_the_daemon() -> None:
    sent = buildkit.rewritten(CONTROL_SOLVE, framed(pair(4, "name", "docker.io/library/a , index.docker.io/b/c:1,")))
    assert sent == framed(pair(4, "name", "a:latest,b/c:1"))


HOSTS = [ECR, LOCAL, "127.0.0.1:4701", "[::1]:4701", "169.254.170.2:4701", "any.example:04701"]


@pytest.mark.parametrize("host", HOSTS)
def test_the_repositories_of_all_sources_and_caches_are_found(host: str) -> None:
    image = f"{host}/{'a' * 40}/b"  # the byte with the length of a string may look like a letter
    entry = protobuf.message([(1, BYTES, b"registry"), pair(2, "ref", image)])
    source = protobuf.message([(3, BYTES, protobuf.message([(1, BYTES, f"docker-image://{image}".encode())]))])
    wanted = {f"{'a' * 40}/b"}
    sources = (
        pair(7, "build-arg:BASE", image),
        pair(7, "context:base", f"docker-image://{image}"),
        pair(7, "cache-imports", f'[{{"Type":"registry","Attrs":{{"ref":"{image}"}}}}]'),
        (2, BYTES, protobuf.message([(1, BYTES, source)])),
        (8, BYTES, protobuf.message([(5, BYTES, entry)])),
        (8, BYTES, protobuf.message([(2, BYTES, image.encode())])),
    )
    for field in sources:
        assert buildkit.pulled_by(CONTROL_SOLVE, protobuf.message([field])) == wanted, field
        assert buildkit.pushed_by(protobuf.message([field])) == set()
    for number in (1, 4):
        content = entry if number == 4 else image.encode()
        message = protobuf.message([(8, BYTES, protobuf.message([(number, BYTES, content)]))])
        assert buildkit.pushed_by(message) == wanted
        assert buildkit.pulled_by(CONTROL_SOLVE, message) == set()
    for path, number in ((RESOLVE, 1), (BRIDGE_SOLVE, 4)):
        assert buildkit.pulled_by(path, protobuf.message([(number, BYTES, image.encode())])) == wanted


@given(st.binary(max_size=200), st.binary(max_size=200))
def test_a_name_is_found_whatever_fields_surround_it(before: bytes, after: bytes) -> None:
    message = protobuf.message([(1, BYTES, before), (7, BYTES, b"localhost:4701/a/b:1"), (200, BYTES, after)])
    assert "localhost:4701/a/b:1" in set(protobuf.texts(message))


@pytest.mark.parametrize(("attribute", "pushes"), [("push", True), ("push-by-digest", True), ("name", False)])
def test_a_push_by_buildkit_itself_is_recognized(attribute: str, pushes: bool) -> None:
    assert buildkit.pushes(protobuf.message([pair(4, attribute, "true")])) == pushes
    exporter = protobuf.message([(1, BYTES, b"image"), pair(2, attribute, "true")])
    assert buildkit.pushes(protobuf.message([(13, BYTES, exporter)])) == pushes


def test_containers_of_a_frontend_are_not_started() -> None:
    bridge = "/moby.buildkit.v1.frontend.LLBBridge/"
    passing = buildkit._BRIDGED | set(buildkit._CHANGES) | buildkit._COPIED
    assert not passing & {bridge + call for call in ("NewContainer", "ExecProcess", "ReleaseContainer")}


@pytest.mark.parametrize("body", [b"", b"\x01\x00\x00\x00\x00", b"\x00\x00\x00\x00\x09x", framed((9, BYTES, b""))[:-1]])
def test_a_message_that_cannot_be_read_is_refused(body: bytes) -> None:
    with pytest.raises(RefusedError):
        buildkit.rewritten(CONTROL_SOLVE, body)


_FIELDS = st.lists(
    st.tuples(st.integers(1, 5000), st.just(BYTES), st.binary(max_size=300))
    | st.tuples(st.integers(1, 5000), st.just(VARINT), st.integers(0, 2**63).map(protobuf._number))
)


@given(_FIELDS)
def test_fields_without_a_rule_stay_unchanged(fields: list[protobuf.Field]) -> None:
    assert list(protobuf.fields(protobuf.message(fields))) == fields
