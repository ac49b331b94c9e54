"""The seo build: the example passes, and each planted defect is found and explained."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest

from builds.buildspecs import program
from tests.builds.programs import ALLTHRIVE, Desk

PLUGIN = ".well-known/ai-plugin.json"
SITEMAP = '<?xml version="1.0"?>\n<urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9">{}</urlset>\n'
HOME = "<url><loc>https://allthrive.ai/</loc></url>"


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """A copy of the example's public files, in which a test may plant defects."""
    shutil.copytree(ALLTHRIVE / "frontend" / "public", tmp_path / "source" / "frontend" / "public")
    return tmp_path / "source"


def test_the_example_passes(desk: Desk) -> None:
    result, printed = desk.run("seo", ALLTHRIVE, SITE="https://allthrive.ai")
    assert result.succeeded, printed
    assert "robots.txt, sitemap.xml and ai-plugin.json agree on https://allthrive.ai" in printed


@pytest.mark.parametrize(
    ("file", "content", "sentence"),
    [
        ("robots.txt", None, "robots.txt: there is no frontend/public/robots.txt; write it, or set DIRECTORY"),
        (
            "robots.txt",
            "User-agent: *\nDisallow: /api/\n",
            "it names no sitemap; add 'Sitemap: https://<site>/sitemap.xml'",
        ),
        (
            "robots.txt",
            "Disallow: /\nSitemap: https://allthrive.ai/sitemap.xml\n",
            "robots.txt:1: it comes before any",
        ),
        ("robots.txt", "<!doctype html>\n", "robots.txt:1: '<!doctype html>' is no rule; write 'Disallow: /path/'"),
        ("robots.txt", "User-agent: *\nDisallow: api\n", "robots.txt:2: 'api' is no path; begin it with '/'"),
        ("robots.txt", "User-agent: *\nSitemap: /sitemap.xml\n", "robots.txt:2: '/sitemap.xml' is no absolute address"),
        (
            "robots.txt",
            "User-agent: *\nSitemap: https://allthrive.ai/map.xml\n",
            "map.xml: there is no frontend/public/map.xml",
        ),
        (
            "robots.txt",
            "User-agent: *\nDisallow: /\nSitemap: https://allthrive.ai/sitemap.xml\n",
            "sitemap.xml: robots.txt forbids crawlers https://allthrive.ai/about",
        ),
        ("sitemap.xml", "<urlset>", "sitemap.xml: it is not XML"),
        ("sitemap.xml", "<urlset/>", "sitemap.xml: its root is urlset; write <urlset xmlns="),
        ("sitemap.xml", SITEMAP.format(""), "sitemap.xml: it has 0 addresses; 1 to 50000 are allowed"),
        ("sitemap.xml", SITEMAP.format(HOME + HOME), "sitemap.xml: it names https://allthrive.ai/ more than once"),
        ("sitemap.xml", SITEMAP.format(HOME.replace("https", "http")), "'http://allthrive.ai/' is no absolute address"),
        (
            "sitemap.xml",
            SITEMAP.format(HOME.replace("allthrive", "example")),
            "sitemap.xml: it names https://example.ai, but other files name https://allthrive.ai",
        ),
        (PLUGIN, "{", "ai-plugin.json: it is not JSON"),
        (PLUGIN, "[]", "ai-plugin.json: 'schema_version' is missing or no text; write one"),
        (PLUGIN, None, "there is no frontend/public/.well-known/ai-plugin.json"),
    ],
)
def test_a_defect_is_found_and_explained(
    desk: Desk, source: Path, file: str, content: str | None, sentence: str
) -> None:
    path = source / "frontend" / "public" / file
    path.unlink() if content is None else path.write_text(content)
    result, printed = desk.run("seo", source)
    assert not result.succeeded
    assert sentence in printed
    assert "FAILED: " in printed


@pytest.mark.parametrize("key", ["name_for_model", "auth.type", "api.url", "legal_info_url"])
def test_a_missing_key_of_the_plugin_is_named(desk: Desk, source: Path, key: str) -> None:
    path = source / "frontend" / "public" / PLUGIN
    document = json.loads(path.read_text())
    parent = document
    *parents, last = key.split(".")
    for name in parents:
        parent = parent[name]
    del parent[last]
    path.write_text(json.dumps(document))
    result, printed = desk.run("seo", source)
    assert not result.succeeded
    assert f"ai-plugin.json: '{key}' is missing or no text; write one" in printed


def test_another_site_than_the_wanted_one_is_named(desk: Desk, source: Path) -> None:
    result, printed = desk.run("seo", source, SITE="https://allthrive.example")
    assert not result.succeeded
    assert "it names https://allthrive.ai, but SITE is https://allthrive.example" in printed


def test_the_sitemaps_of_an_index_are_read_too(desk: Desk, source: Path) -> None:
    public = source / "frontend" / "public"
    public.joinpath("sitemap.xml").write_text(
        '<sitemapindex xmlns="http://www.sitemaps.org/schemas/sitemap/0.9">'
        "<sitemap><loc>https://allthrive.ai/pages.xml</loc></sitemap></sitemapindex>"
    )
    assert "pages.xml: there is no frontend/public/pages.xml" in desk.run("seo", source)[1]
    public.joinpath("pages.xml").write_text(SITEMAP.format(HOME))
    assert desk.run("seo", source)[0].succeeded


def test_a_running_site_is_asked_for_the_same_files(source: Path, tmp_path: Path) -> None:
    public = source / "frontend" / "public"
    (public / "sitemap.xml").rename(public / "elsewhere.xml")
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(SimpleHTTPRequestHandler, directory=str(public)))
    Thread(target=server.serve_forever, daemon=True).start()
    address = f"http://127.0.0.1:{server.server_port}"
    try:
        result = subprocess.run(
            [sys.executable, str(program("seo.py")), address, ""], capture_output=True, text=True, check=False
        )
    finally:
        server.shutdown()
        server.server_close()

    assert result.returncode == 1
    assert (
        result.stdout == f"sitemap.xml: {address}/sitemap.xml answers 404; the site must serve this file at this path\n"
    )
