"""A release is verified by the product's status report and by the images that ECS runs."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from hypothesis import given, settings
from hypothesis import strategies as st

from shared import http
from shared.aws import Unanswered
from shared.parameters import ParameterError
from tests.support.fake_pipeline import TRANSIENT, Action, in_a_row, played
from tests.support.fake_web import WEB_FAULTS, Request, Web
from verify_release import handler

DIGEST, OLD = "sha256:" + "b" * 64, "sha256:" + "a" * 64
REPOSITORY = "111122223333.dkr.ecr.us-east-1.amazonaws.com/allthrive/backend"
IMAGE = f"{REPOSITORY}@{DIGEST}"
CLUSTER = "production-allthrive-cluster"
PARAMETERS: dict[str, Any] = {
    "stack": "edge",
    "path": "/api/v1/status/",
    "version": "1.3.0",
    "images": [IMAGE],
    "cluster": CLUSTER,
}


class Verification(Action):
    """The action, with fakes of the product's status report, ECS and CloudFormation."""

    def __init__(self, **parameters: Any) -> None:
        super().__init__(handler.main, {**PARAMETERS, **parameters})
        self.web = Web(self._status)
        self.url = ""
        """The stack's output Url; empty for that of `web`."""
        self.old_answers = 0
        """The number of next answers that still report the old release."""
        self.answer: tuple[int, Any] = (200, {"version": "1.3.0", "image_digest": DIGEST})
        self.rollout = "COMPLETED"
        self.deployments = 1
        self.running = self.desired = 2
        self.images = [IMAGE, IMAGE]
        self.pulled: str | None = None
        self.failures: list[dict[str, str]] = []
        self.on("cloudformation.DescribeStacks", self._stacks)
        self.on("ecs.DescribeServices", self._services)
        self.on("ecs.ListTasks", lambda _: {"taskArns": [f"task-{number}" for number in range(len(self.images))]})
        self.on("ecs.DescribeTasks", self._tasks)

    def _status(self, request: Request) -> tuple[int, Any]:
        assert request.path == "/api/v1/status/"
        self.old_answers -= 1
        return (200, {"version": "1.2.0", "image_digest": OLD}) if self.old_answers >= 0 else self.answer

    def _stacks(self, _: dict[str, Any]) -> str:
        output = f"<member><OutputKey>Url</OutputKey><OutputValue>{self.url or self.web.url}</OutputValue></member>"
        return (
            "<DescribeStacksResponse><DescribeStacksResult><Stacks><member><StackName>edge</StackName>"
            f"<Outputs>{output}</Outputs></member></Stacks></DescribeStacksResult></DescribeStacksResponse>"
        )

    def _services(self, given: dict[str, Any]) -> dict[str, Any]:
        service = {
            "runningCount": self.running,
            "desiredCount": self.desired,
            "deployments": [{"status": "PRIMARY", "rolloutState": self.rollout}] * self.deployments,
        }
        found = [] if self.failures else [{"serviceName": name, **service} for name in given["services"]]
        return {"services": found, "failures": self.failures}

    def _tasks(self, _: dict[str, Any]) -> dict[str, Any]:
        digest = {"imageDigest": self.pulled} if self.pulled else {}
        return {"tasks": [{"containers": [{"image": image, **digest}]} for image in self.images]}


@pytest.fixture(name="action")
def _action(monkeypatch: pytest.MonkeyPatch) -> Iterator[Verification]:
    monkeypatch.setattr(handler, "sleep", lambda _: None)
    action = Verification()
    with action.installed(monkeypatch), action.web.serving():
        set_parameters(action, services=["web", "celery"])
        yield action


def set_parameters(action: Verification, **more: Any) -> None:
    action.parameters = json.dumps({**json.loads(action.parameters), **more})


def test_a_product_that_reports_the_release_on_tasks_that_run_it_is_a_success(action: Verification) -> None:
    action.run()

    assert (action.status, action.calls_made, len(action.web.requests)) == ("Succeeded", 1, 1)


def test_the_old_release_is_checked_again_over_several_short_calls(action: Verification) -> None:
    action.old_answers = 9

    action.run()

    assert (action.status, action.calls_made, len(action.web.requests)) == ("Succeeded", 3, 10)


def test_after_twelve_tries_it_fails_with_what_was_last_seen(action: Verification) -> None:
    action.old_answers = 10**6

    action.run()

    assert (action.status, len(action.web.requests)) == ("Failed", 12)
    assert f"reports version 1.2.0, digest {OLD}" in action.message


@pytest.mark.parametrize(
    ("answer", "seen"),
    [
        ((200, {"version": "1.3.0", "image_digest": OLD}), f"digest {OLD}"),
        ((200, {"version": "1.2.9", "image_digest": DIGEST}), "version 1.2.9"),
        ((200, [1]), "answered no JSON object: [1]"),
        ((200, b"[" * 100_000), "answered no JSON object: [[["),
        ((200, b"<html>"), "answered no JSON object: <html>"),
        ((200, {"image_digest": DIGEST}), "reports version null"),
        ((200, {"version": "1.3.0", "digest": DIGEST}), "reports image_digest null"),
        ((200, {"version": 1.3, "image_digest": DIGEST}), "reports version 1.3"),
        ((302, b""), "answered 302"),
        ((503, b"down"), "answered 503: down"),
    ],
)
def test_any_other_report_is_a_failure(action: Verification, answer: tuple[int, Any], seen: str) -> None:
    action.answer = answer

    action.run()

    assert action.status == "Failed"
    assert seen in action.message


@pytest.mark.parametrize(
    ("change", "seen"),
    [
        ({"rollout": "IN_PROGRESS"}, "service web is still deploying: IN_PROGRESS"),
        ({"deployments": 2}, "service web is still deploying"),
        ({"running": 1}, "service web runs 1 of 2 tasks"),
        ({"running": 0, "desired": 0, "images": []}, "service web runs 0 of 0 tasks"),
        ({"images": [IMAGE, f"{REPOSITORY}@{OLD}"]}, f"service web still runs {REPOSITORY}@{OLD}"),
        ({"failures": [{"arn": "service/web", "reason": "MISSING"}]}, "service web: MISSING"),
    ],
)
def test_a_difference_that_ecs_reports_is_a_failure(action: Verification, change: dict[str, Any], seen: str) -> None:
    vars(action).update(change)

    action.run()

    assert action.status == "Failed"
    assert seen in action.message


@pytest.mark.parametrize("answer", [(404, b"<html>"), (200, b"<html>"), (200, {"release": "1.3.0"}), (301, b"")])
def test_a_product_without_such_a_page_learns_what_to_write(action: Verification, answer: tuple[int, Any]) -> None:
    action.answer = answer

    action.run()

    assert json.dumps({"version": "1.3.0", "image_digest": DIGEST}) in action.message
    assert "remove pipeline.verify from the manifest" in action.message


def test_a_report_may_contain_the_whole_uri_of_the_image(action: Verification) -> None:
    action.answer = (200, {"version": "1.3.0", "image_digest": IMAGE})

    assert action.run().status == "Succeeded"


def test_without_a_path_ecs_alone_is_asked(action: Verification) -> None:
    set_parameters(action, path="")
    action.answer = (404, b"")

    action.run()

    assert (action.status, action.web.requests) == ("Succeeded", [])
    assert action.variables == {"Url": action.web.url}


def test_without_a_stack_there_is_no_address_to_report(action: Verification) -> None:
    set_parameters(action, path="", stack="")

    action.run()

    assert (action.status, action.variables) == ("Succeeded", {})


@pytest.mark.parametrize(
    ("change", "seen"),
    [
        ({"rollout": "IN_PROGRESS"}, "service web is still deploying: IN_PROGRESS"),
        ({"rollout": "FAILED"}, "the deployment of service web failed"),
        ({"images": []}, "service web lists no task"),
        ({"images": [IMAGE, f"{REPOSITORY}@{OLD}"]}, f"service web still runs {REPOSITORY}@{OLD}"),
        ({"running": 1}, "service web runs 1 of 2 tasks"),
    ],
)
def test_without_a_path_a_difference_that_ecs_reports_is_a_failure(
    action: Verification, change: dict[str, Any], seen: str
) -> None:
    set_parameters(action, path="", stack="")
    vars(action).update(change)

    action.run()

    assert action.status == "Failed"
    assert seen in action.message


def test_an_image_named_by_tag_is_identified_by_the_digest_that_was_pulled(action: Verification) -> None:
    action.images, action.pulled = [f"{REPOSITORY}:v1.3.0"], DIGEST

    assert action.run().status == "Succeeded"


def test_an_address_without_a_server_is_retried_and_then_a_failure(action: Verification) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        action.url = f"http://127.0.0.1:{free.getsockname()[1]}"

    action.run()

    assert (action.status, action.calls_made) == ("Failed", 3)
    assert "in 12 tries; last seen: 127.0.0.1 does not answer: ConnectionRefusedError" in action.message


def test_a_server_that_does_not_speak_http_does_not_answer() -> None:
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen()
        thread = threading.Thread(target=lambda: server.accept()[0].sendall(b"SSH-2.0\r\n\r\n"))
        thread.start()
        with pytest.raises(Unanswered, match="does not answer with HTTP: BadStatusLine"):
            http.request("GET", f"http://127.0.0.1:{server.getsockname()[1]}/")
        thread.join()


def test_the_environment_may_set_the_address_of_a_host_which_keeps_its_name(
    action: Verification, monkeypatch: pytest.MonkeyPatch
) -> None:
    port = action.web.url.rpartition(":")[2]
    monkeypatch.setenv("RESOLVE", f"other=203.0.113.1,*.cloudfront.net=127.0.0.1:{port}")
    action.url = "http://d1.cloudfront.net"

    action.run()

    assert action.status == "Succeeded"
    assert action.web.requests[0].headers["host"] == "d1.cloudfront.net"


def test_a_self_signed_certificate_is_trusted_only_if_the_environment_has_it(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    pem = _self_signed("staging.localhost", tmp_path / "served.pem")
    web = Web(lambda _: (200, {}))
    with web.serving(tmp_path / "served.pem"):
        monkeypatch.setenv("RESOLVE", f"staging.localhost=127.0.0.1:{web.url.rpartition(':')[2]}")
        with pytest.raises(Unanswered, match="does not answer: SSLCertVerificationError"):
            http.request("GET", "https://staging.localhost/")
        monkeypatch.setenv("CA_PEM", pem)

        assert http.request("GET", "https://staging.localhost/").status == 200


def _self_signed(host: str, path: Path) -> str:
    """Writes a key and its certificate to a file; returns the certificate."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, host)])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(host)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    pem = certificate.public_bytes(serialization.Encoding.PEM)
    form = (serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    path.write_bytes(key.private_bytes(*form) + pem)
    return pem.decode()


@pytest.mark.parametrize(
    ("resolve", "host", "address"),
    [
        ("", "allthrive.ai", "allthrive.ai"),
        ("", "staging.localhost", "127.0.0.1"),
        ("staging.localhost=172.17.0.1", "staging.localhost", "172.17.0.1"),
        ("*.localhost=172.17.0.1", "staging.localhost", "172.17.0.1"),
        ("*.localhost=172.17.0.1", "evillocalhost", "evillocalhost"),
    ],
)
def test_names_below_localhost_are_this_machine_unless_the_environment_says_where(
    monkeypatch: pytest.MonkeyPatch, resolve: str, host: str, address: str
) -> None:
    monkeypatch.setenv("RESOLVE", resolve)

    assert http.address(host, 443) == (address, 443)


@pytest.mark.parametrize("url", ["ftp://s3cret", "s3cret", "https://a/ s3cret", "https://a:s3cret", "https:///s3cret"])
def test_an_invalid_url_is_refused_without_being_repeated(url: str) -> None:
    with pytest.raises(ParameterError) as raised:
        http.request("GET", url)

    assert "s3cret" not in str(raised.value)


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"images": []}, "parameter 'images' is empty"),
        ({"stack": ""}, "parameter 'path' needs 'stack'"),
        ({"path": "", "services": []}, "parameters 'path' and 'services' are both empty"),
        ({"cluster": ""}, "parameter 'services' needs 'cluster'"),
        ({"version": "#{Build.VERSION}"}, "contains a variable that no action has set"),
    ],
)
def test_a_wrong_parameter_is_named(action: Verification, parameters: dict[str, Any], message: str) -> None:
    set_parameters(action, **parameters)

    action.run()

    assert (action.kind, action.web.requests) == ("ConfigurationError", [])
    assert message in action.message


def test_a_missing_permission_fails_at_once(action: Verification) -> None:
    action.faults["ecs.ListTasks"] = ["denied"]

    action.run()

    assert (action.status, action.kind, action.calls_made) == ("Failed", "PermissionError", 1)


@settings(max_examples=40, deadline=None)
@given(data=st.data())
def test_whatever_fails_success_means_that_the_release_was_seen_running(data: st.DataObject) -> None:
    action = Verification()
    faults = st.lists(st.none() | st.sampled_from(TRANSIENT), max_size=5)
    operations = ("ecs.DescribeServices", "ecs.ListTasks", "ecs.DescribeTasks", "codepipeline.PutJobSuccessResult")
    action.faults = {name: data.draw(faults, label=name) for name in operations}
    longest = max(in_a_row(plan) for plan in action.faults.values())
    action.web.faults = data.draw(st.lists(st.none() | st.sampled_from(WEB_FAULTS), max_size=5), label="web")
    action.old_answers = data.draw(st.integers(0, 14), label="old answers")
    action.duplicates = data.draw(st.dictionaries(st.integers(0, 3), st.integers(0, 2), max_size=2), label="duplicates")
    old_answers = action.old_answers
    with played(action) as monkeypatch, action.web.serving():
        monkeypatch.setattr(handler, "sleep", lambda _: None)
        set_parameters(action, services=["web"])
        action.run()

    assert action.accepted == 1
    assert (action.status == "Succeeded") <= (action.old_answers < 0)
    if longest <= 2 and old_answers <= 3:  # with five faults of the web still within twelve tries
        assert action.status == "Succeeded"
