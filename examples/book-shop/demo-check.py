"""Uses the book shop as a visitor does: the list, an order, its receipt, a 404. `URL` is its address.

Cookies are kept by hand: they are for HTTPS only, and this machine's address of the site is not; browsers accept them
there, since they trust localhost.
"""

import http.client
import json
import os
import re
import sys
from urllib.parse import urlencode, urlsplit

PATIENCE_SECONDS = 30
SITE = urlsplit(os.environ["URL"])
cookies = {}


def visit(path, **fields):
    """Returns status, headers and text. The name of the site is below localhost, which not every resolver knows."""
    connection = http.client.HTTPConnection("127.0.0.1", SITE.port, timeout=PATIENCE_SECONDS)
    headers = {"Host": SITE.netloc, "Cookie": "; ".join(f"{name}={value}" for name, value in cookies.items())}
    if fields:
        headers |= {"Content-Type": "application/x-www-form-urlencoded", "Origin": f"{SITE.scheme}://{SITE.netloc}"}
    connection.request("POST" if fields else "GET", path, urlencode(fields) or None, headers)
    answer = connection.getresponse()
    for value in answer.headers.get_all("Set-Cookie") or []:
        cookie, _, content = value.partition(";")[0].partition("=")
        cookies[cookie] = content
    return answer.status, answer.headers, answer.read().decode()


def page(path, expected):
    status, _, text = visit(path)
    assert status == 200 and expected in text, f"GET {path}: {status} {text[:300]!r}"
    return text


def books():
    page("/health/", "ok")
    return f"version {re.search(r'Version (.+)</footer>', page('/', '<h1>Books</h1>'))[1]}"


def order():
    offered = re.search(r'href="(/books/\d+/order/)"', page("/", "<h1>Books</h1>"))
    assert offered, "no book is in stock: run manage.py stock_shelves"
    token = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', page(offered[1], "<form"))[1]
    status, headers, text = visit(offered[1], csrfmiddlewaretoken=token, copies=1, email="demo@bookshop.example")
    assert status == 302, f"POST {offered[1]}: {status} {text[:300]!r}"
    page(urlsplit(headers["Location"]).path, "for demo@bookshop.example")
    return "one copy, with a receipt"


def forged():
    status, _, _ = visit("/books/1/order/", csrfmiddlewaretoken="x" * 64, copies=1, email="demo@bookshop.example")
    assert status == 403, f"an order of another site's form: {status}"
    return "an order of another site's form is refused"


def status():
    found = json.loads(page("/status/", "version"))
    assert found["database"], f"GET /status/: {found}"
    return found["version"]


for name, check in {"books": books, "order": order, "forged": forged, "status": status}.items():
    try:
        print(f"{name}: {check()}")
    except AssertionError as error:
        sys.exit(f"{name}: {error}")
