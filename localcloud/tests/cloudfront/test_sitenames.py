"""A site at its local URL: the product sees the name on AWS, the visitor's browser the local one."""

from __future__ import annotations

from collections.abc import Iterator
from http.client import HTTPConnection, HTTPResponse
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

import pytest

from localcloud.cloudfront import sitenames
from localcloud.testing.plain import Plain, plain, resources

__all__ = ["plain"]
pytestmark = pytest.mark.local

LOCAL = "d111.cloudfront.localhost:4701"
DOMAIN = "staging.bookstall.example"
STACK = "sitenames"
CACHING_DISABLED = "4135ea2d-6df8-44a3-9df3-4b5a84be39ad"
ALL_VIEWER = "216adef6-5c7f-47e4-b989-5492eafa07d3"


class Django(BaseHTTPRequestHandler):
    """Refuses other hosts and origins than its own, as Django does with HTTPS, and redirects to absolute URLs."""

    def do_POST(self) -> None:
        own = (DOMAIN, f"https://{DOMAIN}")
        refused = (self.headers["Host"], self.headers["Origin"]) != own
        self.send_response(403 if refused else 302)
        self.send_header("Location", f"https://{DOMAIN}/done/?next=https://{DOMAIN}/")
        self.send_header("Set-Cookie", f"__Secure-sessionid=1; Domain={DOMAIN}; Path=/; Secure")
        self.send_header("Set-Cookie", "__Secure-csrftoken=2; Path=/; Secure")
        self.end_headers()

    def do_GET(self) -> None:
        page = f'<img src="https://{DOMAIN}/media/a.png"> at {self.headers["Host"]}'.encode()
        self.send_response(200)
        self.send_header("Content-Type", "text/html; charset=utf-8" if self.path == "/" else "text/plain")
        self.send_header("Content-Length", str(len(page)))
        self.end_headers()
        self.wfile.write(page)

    def log_message(self, *_args: Any) -> None:
        """Log nothing."""


@pytest.fixture(scope="module")
def site(plain: Plain) -> Iterator[tuple[Plain, str]]:
    """A distribution with a domain, and its local host name."""
    with ThreadingHTTPServer(("127.0.0.1", 0), Django) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        origin = {"HTTPPort": server.server_port, "OriginProtocolPolicy": "http-only"}
        config = {
            "Enabled": True,
            "Aliases": [DOMAIN],
            "Origins": [{"Id": "django", "DomainName": "127.0.0.1", "CustomOriginConfig": origin}],
            "DefaultCacheBehavior": {
                "TargetOriginId": "django",
                "ViewerProtocolPolicy": "redirect-to-https",
                "CachePolicyId": CACHING_DISABLED,
                "OriginRequestPolicyId": ALL_VIEWER,
                "AllowedMethods": ["GET", "HEAD", "OPTIONS", "PUT", "PATCH", "POST", "DELETE"],
            },
        }
        template = resources(Distribution=("AWS::CloudFront::Distribution", {"DistributionConfig": config}))
        template["Outputs"] = {
            "Url": {"Value": f"https://{DOMAIN}"},
            "Page": {"Value": f"https://{DOMAIN}/about/"},
            "Other": {"Value": f"https://www.{DOMAIN}"},
        }
        plain.deploy(template, STACK)
        yield plain, outputs(plain)["Url"]
        server.shutdown()


def outputs(plain: Plain) -> dict[str, str]:
    (stack,) = plain.client("cloudformation").describe_stacks(StackName=STACK)["Stacks"]
    return {output["OutputKey"]: output["OutputValue"] for output in stack["Outputs"]}


def ask(site: tuple[Plain, str], method: str, path: str) -> HTTPResponse:
    plain, url = site
    connection = HTTPConnection("127.0.0.1", plain.port, timeout=10)
    headers = {"Host": url.removeprefix("http://")} | ({"Origin": url} if method == "POST" else {})
    connection.request(method, path, headers=headers)
    return connection.getresponse()


def test_the_url_of_the_domain_in_an_output_is_the_local_one(site: tuple[Plain, str]) -> None:
    plain, url = site

    assert url.endswith(f".cloudfront.localhost:{plain.port}")
    assert outputs(plain)["Page"] == f"{url}/about/"
    assert outputs(plain)["Other"] == f"https://www.{DOMAIN}"


def test_a_form_is_accepted_by_a_product_that_knows_only_its_domain(site: tuple[Plain, str]) -> None:
    answer = ask(site, "POST", "/")

    assert answer.status == 302
    assert answer.headers["Location"] == f"{site[1]}/done/?next=https://{DOMAIN}/"
    assert answer.headers.get_all("Set-Cookie") == [
        "__Secure-sessionid=1; Path=/; Secure",
        "__Secure-csrftoken=2; Path=/; Secure",
    ]


def test_links_of_a_page_to_the_domain_lead_to_the_local_url(site: tuple[Plain, str]) -> None:
    answer = ask(site, "GET", "/")
    page = answer.read().decode()

    assert page == f'<img src="{site[1]}/media/a.png"> at {DOMAIN}'
    assert answer.headers["Content-Length"] == str(len(page))


def test_other_files_are_unchanged(site: tuple[Plain, str]) -> None:
    assert ask(site, "GET", "/robots.txt").read().decode() == f'<img src="https://{DOMAIN}/media/a.png"> at {DOMAIN}'


@pytest.mark.parametrize("origin", ["https://evil.example", f"http://{LOCAL}.evil.example", "null"])
def test_the_origin_of_another_site_stays_what_it_is(origin: str) -> None:
    assert sitenames.request({"host": LOCAL, "origin": origin}, DOMAIN)["origin"] == origin


def test_a_referer_keeps_its_path() -> None:
    sent = sitenames.request({"host": LOCAL, "referer": f"http://{LOCAL}/books/?page=2"}, DOMAIN)

    assert sent["referer"] == f"https://{DOMAIN}/books/?page=2"


def test_a_redirect_to_another_site_is_unchanged() -> None:
    elsewhere = f"https://{DOMAIN}.evil.example/"

    assert sitenames.response((302, {"Location": elsewhere}, b""), LOCAL, DOMAIN)[1] == {"Location": elsewhere}


def test_a_compressed_page_is_unchanged() -> None:
    headers = {"Content-Type": "text/html", "Content-Encoding": "gzip"}
    body = f"https://{DOMAIN}".encode()

    assert sitenames.response((200, headers, body), LOCAL, DOMAIN)[2] == body


@pytest.mark.parametrize(
    ("host", "expected"),
    [(LOCAL, True), ("d111.cloudfront.net:4701", True), ("d111.cloudfront.net", False), (DOMAIN, False)],
)
def test_only_local_names_are_replaced(host: str, expected: bool) -> None:
    assert sitenames.local({"host": host}) is expected


@pytest.mark.parametrize(
    ("link", "expected"),
    [
        (f"https://{DOMAIN}/basket", f"http://{LOCAL}/basket"),
        (f"https://{DOMAIN}.", f"http://{LOCAL}."),
        (f"https://{DOMAIN}.evil.test/", f"https://{DOMAIN}.evil.test/"),
        (f"https://{DOMAIN}-mirror/", f"https://{DOMAIN}-mirror/"),
    ],
)
def test_only_the_whole_domain_of_a_link_is_replaced(link: str, expected: str) -> None:
    answer = sitenames.response((200, {"Content-Type": "text/html"}, link.encode()), LOCAL, DOMAIN)

    assert answer[2] == expected.encode()
