"""A web page of another origin, in a real browser, tries to reach every service of the local cloud and fails."""

from __future__ import annotations

import http.server
import json
import threading
import urllib.request
from collections.abc import Iterator
from typing import Any

import pytest
from ministack.core.router import SERVICE_PATTERNS
from playwright.sync_api import Browser, Page, Request, Response

from localcloud.testing.chromium import chromium
from localcloud.testing.plain import Plain, plain, unique

__all__ = ["plain"]

pytestmark = [pytest.mark.local, pytest.mark.browser]

#: The origins of a foreign page, of another program on this machine, and of a site that the local cloud serves.
ORIGINS = ("evil.example", "127.0.0.1", "feature.cloudfront.localhost")
PATHS = (
    "/_ministack/reset",
    "/_ministack/config",
    "/_localcloud/faults",
    "/v2/_catalog",
    "/_github/api/v3/user",
    "/bucket",
)

ATTACK = """
async ({address, services, paths}) => {
  const quiet = promise => promise.then(answer => answer.type, error => "error");
  const key = "AWS4-HMAC-SHA256 Credential=111122223333/20261129/us-east-1/";
  const tries = [];
  for (const {name, target, scope} of services) {
    const query = `${address}/?service=${name}&X-Amz-Credential=111122223333/20261129/us-east-1/${scope}/aws4_request`;
    tries.push(() => quiet(fetch(query, {mode: "no-cors"})));
    tries.push(() => quiet(fetch(query, {method: "POST", mode: "no-cors", body: "Action=ListUsers"})));
    tries.push(() => quiet(fetch(query, {method: "POST", body: "{}", headers: {
      "X-Amz-Target": target, "Content-Type": "application/x-amz-json-1.1",
      "Authorization": `${key}${scope}/aws4_request, SignedHeaders=host, Signature=0`}})));
  }
  for (const path of paths) {
    tries.push(() => quiet(fetch(address + path, {method: "POST", mode: "no-cors", body: "{}"})));
    tries.push(() => quiet(fetch(address + path, {method: "PUT", body: "[]"})));
    tries.push(() => quiet(fetch(address + path, {credentials: "include"})));
  }
  const results = [];
  while (tries.length) results.push(...await Promise.all(tries.splice(0, 20).map(attempt => attempt())));
  return results;
}
"""
FORMS_AND_IMAGES = """
async ({address, services, paths}) => {
  const targets = [...services.map(({name}) => `/?service=${name}`), ...paths];
  for (const path of targets) {
    await new Promise(done => {
      const frame = document.createElement("iframe"), form = document.createElement("form");
      frame.name = "frame" + Math.random();
      frame.onload = () => { if (form.sent) done(); };
      document.body.append(frame, form);
      form.method = "POST"; form.action = address + path; form.target = frame.name;
      form.innerHTML = '<input name="Action" value="CreateUser"><input name="UserName" value="stranger">';
      form.sent = true; form.submit();
    });
    await new Promise(done => {
      const image = new Image();
      image.onload = image.onerror = done;
      image.src = address + path;
    });
  }
}
"""
SOCKETS = """
async addresses => Promise.all(addresses.map(address => new Promise(done => {
  const socket = new WebSocket(address);
  socket.onopen = () => done("open " + address);
  socket.onerror = () => done("refused");
})))
"""


class OtherPage(http.server.BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        body = b"<!doctype html><title>A page of another origin</title><body></body>"
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        """Log nothing: only the cloud's responses matter."""


@pytest.fixture(scope="module")
def elsewhere() -> Iterator[int]:
    """The port of another web server on this machine."""
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), OtherPage)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield int(server.server_address[1])
    server.shutdown()
    server.server_close()


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """A browser that resolves a foreign name to this machine, as after DNS rebinding."""
    with chromium("--host-resolver-rules=MAP evil.example 127.0.0.1") as launched:
        yield launched


@pytest.fixture(scope="module")
def services(plain: Plain) -> list[dict[str, str]]:
    """Every service of the running cloud, with a request's target and signing scope."""
    with urllib.request.urlopen(f"{plain.url}/_ministack/health") as answer:
        names = json.load(answer)["services"]
    assert {"ecs", "codepipeline", "lambda", "s3"} <= set(names)
    found = []
    for name in names:
        pattern = SERVICE_PATTERNS.get(name, {})
        target = f"{next(iter(pattern.get('target_prefixes', [])), name)}.ListEverything"
        found.append({"name": name, "target": target, "scope": str(pattern.get("credential_scope") or name)})
    return found


class Visit:
    """A page in the browser, and the cloud's responses to it."""

    def __init__(self, browser: Browser, plain: Plain) -> None:
        self.page: Page = browser.new_page()
        self.answers: list[tuple[str, int]] = []
        self._port = plain.port
        self.sent = 0
        self.page.on("response", self._note)
        self.page.on("request", self._count)

    def _note(self, response: Response) -> None:
        refreshed = "/codesuite/" in response.url and self.sent > 1  # the console refreshes every second
        if f":{self._port}/" in response.url and not refreshed:
            self.answers.append((response.url, response.status))

    def _count(self, request: Request) -> None:
        self.sent += f":{self._port}/" in request.url

    def assert_all_refused(self, at_least: int) -> None:
        """Every response is a refusal; the browser does not report all responses to images."""
        assert [answer for answer in self.answers if answer[1] != 403] == []
        assert self.sent >= at_least
        assert len(self.answers) > at_least / 2


@pytest.fixture
def visit(browser: Browser, plain: Plain) -> Iterator[Visit]:
    opened = Visit(browser, plain)
    yield opened
    opened.page.close()


def everything(plain: Plain) -> list[Any]:
    """Returns the resources that a page could have created or deleted."""
    return [
        plain.client("iam").list_users()["Users"],
        plain.client("s3").list_buckets()["Buckets"],
        plain.client("ssm").get_parameter(Name="/guard/there")["Parameter"]["Value"],
    ]


@pytest.mark.parametrize("origin", ORIGINS)
def test_a_page_of_another_origin_reaches_no_service(
    visit: Visit, plain: Plain, elsewhere: int, services: list[dict[str, str]], origin: str
) -> None:
    plain.client("ssm").put_parameter(Name="/guard/there", Value="untouched", Type="String", Overwrite=True)
    before = everything(plain)
    targets = {"address": f"http://localhost:{plain.port}", "services": services, "paths": list(PATHS)}
    visit.page.goto(f"http://{origin}:{elsewhere}/")

    results = visit.page.evaluate(ATTACK, targets)
    visit.page.evaluate(FORMS_AND_IMAGES, targets)

    # The page cannot read an opaque response; the browser reports its status to the test.
    assert set(results) <= {"opaque", "error"}
    visit.assert_all_refused(at_least=4 * len(services))
    assert everything(plain) == before


@pytest.mark.parametrize("origin", ORIGINS)
def test_a_page_of_another_origin_opens_no_websocket(visit: Visit, plain: Plain, elsewhere: int, origin: str) -> None:
    hosts = (
        "localhost",
        "127.0.0.1",
        "x.execute-api.localhost",
        "x.appsync-realtime-api.localhost",
        "github.localhost",
    )
    addresses = [f"ws://{host}:{plain.port}{path}" for host in hosts for path in ("/", "/_alb/none/", "/mqtt")]
    visit.page.goto(f"http://{origin}:{elsewhere}/")
    assert set(visit.page.evaluate(SOCKETS, addresses)) == {"refused"}


def test_a_foreign_name_that_resolves_to_this_machine_is_refused(
    visit: Visit, plain: Plain, services: list[dict[str, str]]
) -> None:
    visit.page.goto(f"http://evil.example:{plain.port}/")
    assert "evil.example is not a name of this local cloud" in visit.page.inner_text("body")
    # The page now has the same origin as the cloud, as after DNS rebinding: it may read every response.
    targets = {"address": f"http://evil.example:{plain.port}", "services": services, "paths": list(PATHS)}
    visit.page.evaluate(ATTACK, targets)
    visit.page.evaluate(FORMS_AND_IMAGES, targets)
    visit.assert_all_refused(at_least=5 * len(services))


def test_a_page_of_the_cloud_itself_cannot_use_the_api_either(
    visit: Visit, plain: Plain, services: list[dict[str, str]]
) -> None:
    """The console has the same origin as the API, so a script in it could otherwise use the API."""
    visit.page.goto(f"http://localhost:{plain.port}/codesuite/codepipeline/pipelines")
    assert {status for _, status in visit.answers} == {200}
    targets = {"address": f"http://localhost:{plain.port}", "services": services, "paths": list(PATHS)}
    visit.answers.clear()
    visit.page.evaluate(ATTACK, {**targets, "paths": ["/_ministack/reset", "/_localcloud/faults"]})
    visit.assert_all_refused(at_least=3 * len(services))


def test_scripts_in_an_object_of_a_bucket_do_not_run(visit: Visit, plain: Plain) -> None:
    s3, bucket = plain.client("s3"), unique("pages")
    s3.create_bucket(Bucket=bucket)
    page = b"<title>mine</title><script>document.title = 'the script ran as ' + origin</script>"
    s3.put_object(Bucket=bucket, Key="page.html", Body=page, ContentType="text/html")
    url = s3.generate_presigned_url("get_object", Params={"Bucket": bucket, "Key": "page.html"})
    visit.page.goto(url)
    assert visit.page.title() == "mine"


def test_a_bucket_serves_the_origins_in_its_cors_configuration(browser: Browser, plain: Plain, elsewhere: int) -> None:
    s3, bucket = plain.client("s3"), unique("shared")
    s3.create_bucket(Bucket=bucket)
    allowed = f"http://127.0.0.1:{elsewhere}"
    rule = {"AllowedMethods": ["GET", "PUT"], "AllowedOrigins": [allowed], "AllowedHeaders": ["*"]}
    s3.put_bucket_cors(Bucket=bucket, CORSConfiguration={"CORSRules": [rule]})
    upload = s3.generate_presigned_url("put_object", Params={"Bucket": bucket, "Key": "a.txt"})
    send = (
        "url => fetch(url, {method: 'PUT', body: new Blob(['hello'])}).then(answer => answer.status, () => 'refused')"
    )

    page = browser.new_page()
    page.goto(f"http://evil.example:{elsewhere}/")
    assert page.evaluate(send, upload) == "refused"
    page.goto(allowed)
    assert page.evaluate(send, upload) == 200
    assert s3.get_object(Bucket=bucket, Key="a.txt")["Body"].read() == b"hello"
    page.close()
