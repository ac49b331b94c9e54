"""Uses the bookstall's site as a reader does: pages, login, a task, an upload. `URL` is its address.

The user is the one of `slipway-demo.yaml`. Cookies are kept by hand: they are for HTTPS only, and this machine's
address of the site is not; browsers accept them there, since they trust localhost.
"""

import http.client
import os
import re
import sys
import time
from urllib.parse import quote, urlencode, urlsplit

SITE = urlsplit(os.environ["URL"])
PATIENCE_SECONDS = 30
PICTURE = b"\x89PNG\r\n\x1a\n" + bytes(64)
FORM = "application/x-www-form-urlencoded"
cookies = {}


def visit(path, body=None, kind=FORM, method=None):
    """Returns status, headers and body of the answer, as a browser with cookies gets them."""
    connection = http.client.HTTPConnection("127.0.0.1", SITE.port, timeout=PATIENCE_SECONDS)
    headers = {"Host": SITE.netloc, "Cookie": "; ".join(f"{name}={value}" for name, value in cookies.items())}
    if body is not None:
        headers |= {"Content-Type": kind, "Origin": f"{SITE.scheme}://{SITE.netloc}"}
    connection.request(method or ("GET" if body is None else "POST"), path, body, headers)
    answer = connection.getresponse()
    for name, value in answer.getheaders():
        if name.lower() == "set-cookie":
            cookie, _, content = value.partition(";")[0].partition("=")
            cookies[cookie] = content
    return answer.status, answer.headers, answer.read()


def page(path, expected):
    status, _, body = visit(path)
    assert status == 200 and expected in body, f"GET {path}: {status} {body[:300]!r}"
    return body.decode()


def token(path):
    """Returns the token of a page's form."""
    found = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', page(path, b"csrfmiddlewaretoken"))
    return found[1]


def form(path, source, **fields):
    """Sends a form; returns the path that the answer redirects to."""
    status, headers, body = visit(path, urlencode({"csrfmiddlewaretoken": token(source), **fields}))
    assert status == 302, f"POST {path}: {status} {body[:300]!r}"
    return urlsplit(headers["Location"]).path


def pages():
    style = re.search(r'href="(/static/[^"]+)"', page("/", b"<h1>Books</h1>"))[1]
    page("/about/", b"on Sundays")
    page(style, b"font-family")
    status, _, _ = visit("/no-such-page/")
    assert status == 404, f"GET /no-such-page/: {status}"
    return f"served, with {style}"


def login():
    wrong = urlencode({"csrfmiddlewaretoken": token("/accounts/login/"), "username": "demo", "password": "wrong"})
    assert visit("/accounts/login/", wrong)[0] == 200, "a wrong password logs in"
    form("/accounts/login/", "/accounts/login/", username="demo", password="demo")
    page("/", b"Log out demo")
    # The manifest says where the admin is, with DJANGO_ADMIN_URL: that of `slipway init` has Django's usual path.
    admin = next((path for path in ("/office/", "/admin/") if visit(path)[0] == 200), "/office/")
    page(admin, b"Site administration")
    return "as demo, the admin too"


def task():
    path, deadline = form("/reports/", "/"), time.monotonic() + PATIENCE_SECONDS
    while "SUCCESS" not in (text := page(path, b"State:")) and time.monotonic() < deadline:
        time.sleep(0.5)
    found = re.search(r"Words in titles: (\d+)", text)
    assert found, f"GET {path}: no result after {PATIENCE_SECONDS} s: {text[-300:]}"
    return f"counted {found[1]} words"


def upload():
    title = f"Demo {time.time_ns()}"
    fields = {"csrfmiddlewaretoken": token("/books/add/"), "title": title}
    parts = [f'--x\r\nContent-Disposition: form-data; name="{key}"\r\n\r\n{value}\r\n' for key, value in fields.items()]
    head = '--x\r\nContent-Disposition: form-data; name="cover"; filename="cover.png"\r\nContent-Type: image/png\r\n\r\n'
    body = "".join(parts).encode() + head.encode() + PICTURE + b"\r\n--x--\r\n"
    status, _, answer = visit("/books/add/", body, "multipart/form-data; boundary=x")
    assert status == 302, f"POST /books/add/: {status} {answer[-500:]!r}"
    shown = re.search(r'<img src="([^"]+)"[^>]*> ' + re.escape(title), page("/", title.encode()))[1]
    path = quote(urlsplit(shown).path)
    status, headers, served = visit(path)
    assert (status, served) == (200, PICTURE), f"GET {path}: {status} {served[:200]!r}"
    assert headers["Content-Type"] == "image/png", headers["Content-Type"]
    return f"{path} is served from the bucket"


for name, check in {"pages": pages, "login": login, "task": task, "upload": upload}.items():
    try:
        print(f"{name}: {check()}")
    except AssertionError as error:
        sys.exit(f"{name}: {error}")
