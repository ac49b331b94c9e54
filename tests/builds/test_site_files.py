"""The rules for a frontend's files: what may be cached for ever, what is refused, and how URLs are written."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from urllib.parse import unquote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from builds import immutable_files, site_files
from builds.immutable_files import immutable, sources
from builds.site_files import Refused, changed, check, url_path, url_paths

COPIED = ["public/assets/hero-portrAit.png", "src/assets/photo-20240115.jpg", "public/assets/Logo-v2final8.svg"]


@pytest.mark.parametrize(
    "name",
    [
        "assets/index-DMcx_nWD.js",  # Vite
        "assets/vendor-react-Bx7k9-2q.css",
        "assets/inter-latin-400-normal-C38fXH4l.woff2",
        "static/js/main.4e1b2c3d.js",  # Create React App
        "static/js/787.28cb0dcd.chunk.js",
        "static/media/logo.6ce24c58023cc2f8fd88fe9d219db6c6.svg",
        "_next/static/chunks/app/page-3f1c2d4e5a6b7c8d.js",  # Next
        "_next/static/css/7e7d96b1e6991756.css",
        "_next/static/media/c9a5bc6a7c948fb0-s.p.woff2",
        "_app/immutable/entry/start.CwX1DPqt.js",  # SvelteKit
        "docs/_app/immutable/nodes/0.CwX1DPqt.js",
        "_astro/about.HnJ8lZ3k.css",  # Astro
        "_nuxt/entry.D7jUuo9w.css",  # Nuxt
        "main-5RQGVUBI.js",  # Angular
        "chunk-7XK2PQ3A.js",
        "index.3b1f9a2e.css",  # Parcel
    ],
)
def test_a_name_that_the_bundler_made_of_the_content_is_immutable(name: str) -> None:
    assert immutable([name], []) == [name]


@pytest.mark.parametrize(
    "name",
    [
        "assets/hero-background.png",
        "assets/logo-horizontal.svg",
        "assets/team-portrait.jpg",
        "assets/team-Portrait.jpg",
        "index.html",
        "about.4e1b2c3d.html",
        "assets/plain.css",
        "sw.js",
        "manifest.webmanifest",
        "_next/static/aBcD1234/_buildManifest.js",  # named after the build, which a product may name
        "_nuxt/builds/latest.json",
        "robots.txt",
        "assets/inventory-20240115.csv",
        "data/prices-12345678.json",
    ],
)
def test_a_name_without_a_hash_is_not_immutable(name: str) -> None:
    assert immutable([name], []) == []


@pytest.mark.parametrize("copy", COPIED)
def test_a_file_of_the_source_is_not_immutable_whatever_its_name(copy: str) -> None:
    name = f"assets/{copy.rpartition('/')[2]}"

    assert immutable([name], COPIED) == []


def test_installed_packages_and_the_output_are_not_the_source(tmp_path: Path) -> None:
    for name in ("src/main.ts", "dist/assets/index-DMcx_nWD.js", "node_modules/a/b.js", "packages/x/node_modules/c.js"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()

    assert sources(tmp_path, "dist") == ["src/main.ts"]


def test_a_file_that_changed_under_the_same_name_is_found_in_new_lists_and_not_in_old_ones() -> None:
    records = [{"a.js": "1", "b.js": "1"}, {"b.js": "2"}, ["c.js"]]

    assert changed({"a.js": "1", "b.js": "2", "c.js": "9", "d.js": "1"}, records) == ["b.js"]


@pytest.mark.parametrize(
    ("name", "path"),
    [
        ("index.html", "/index.html"),
        ("runtime~main.js", "/runtime%7Emain.js"),
        ("a b/c.js", "/a%20b/c.js"),
        ("50%.txt", "/50%25.txt"),
        ("#1.txt", "/%231.txt"),
        ("café.txt", "/caf%C3%A9.txt"),
        ("c++,(x)=@.js", "/c++,(x)=@.js"),
        ("[id].js", "/%5Bid%5D.js"),
        ("a|b^c`{d}.js", "/a%7Cb%5Ec%60%7Bd%7D.js"),
    ],
)
def test_a_path_has_exactly_the_unsafe_characters_of_rfc_1738_encoded(name: str, path: str) -> None:
    assert url_path(name) == path


@given(st.text(st.characters(exclude_categories=["Cs"]), min_size=1))
def test_a_path_names_its_file_and_is_one_word_of_ascii(name: str) -> None:
    path = url_path(name)

    assert unquote(path) == f"/{name}"
    assert path.isascii()
    assert not set(path) & set(' <>"#{}|\\^~[]`?*')


def test_paths_that_do_not_fit_into_a_variable_become_all() -> None:
    assert url_paths(["b.js", "a b.js"]) == "/a%20b.js /b.js"
    assert url_paths(f"assets/{number}-chunk.js" for number in range(100)) == "/*"


@pytest.mark.parametrize(
    ("name", "message"),
    [
        (".slipway/releases/1.json", "give the folder another name"),
        ("what?.html", "no URL can name a file with '?'"),
        ("all*.js", "rename it"),
        ("a\nb.js", "rename it"),
        ("a\\b.js", "rename it"),
        ("x" * 1025, "S3 allows 1024 bytes"),
        ("assets/model.weird", "file_endings: [weird]"),
        ("v2.1", "counts as a page"),
    ],
)
def test_a_file_that_cannot_be_served_is_refused(name: str, message: str) -> None:
    with pytest.raises(Refused) as refused:
        check([name])
    assert message in str(refused.value)


@pytest.mark.parametrize(
    "name", [".well-known/acme.challenge", "LICENSE", ".nojekyll", "a.PNG", "assets/model.glb", "a~b.js", "_redirects"]
)
def test_a_file_that_can_be_served_is_accepted(name: str) -> None:
    check([name])


def test_the_manifest_names_further_endings() -> None:
    check(["assets/model.weird"], ["weird"])


def bundled(tmp_path: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    source, built = tmp_path / "source", tmp_path / "built"
    for place in (source / "src", built / "assets"):
        place.mkdir(parents=True, exist_ok=True)
    (source / "src" / "photo-aB3dE6gH.png").touch()
    for name in ("index-DMcx_nWD.js", "index-DMcx_nWD.js.map", "photo-aB3dE6gH.png"):
        (built / "assets" / name).touch()
    steps = [
        [str(Path(site_files.__file__)), "bundle", str(built)],
        [str(Path(immutable_files.__file__)), str(built), str(source), "dist"],
    ]
    for step in steps:
        program = [sys.executable, *step]
        done = subprocess.run(program, env={**os.environ, **environment}, capture_output=True, text=True, check=False)
        if done.returncode:
            break
    return done


def test_source_maps_are_published_only_on_request(tmp_path: Path) -> None:
    assert bundled(tmp_path / "a").returncode == 0
    assert bundled(tmp_path / "b", SOURCE_MAPS="true").returncode == 0

    assert not list((tmp_path / "a").rglob("*.map"))
    assert len(list((tmp_path / "b").rglob("*.map"))) == 1


def test_a_bundle_lists_what_its_bundler_named(tmp_path: Path) -> None:
    assert bundled(tmp_path).returncode == 0

    listed = json.loads((tmp_path / "built" / ".slipway" / "immutable.json").read_text(encoding="utf-8"))
    assert listed == ["assets/index-DMcx_nWD.js"]


def test_a_bundle_with_a_folder_of_our_name_is_refused(tmp_path: Path) -> None:
    (tmp_path / "built" / ".slipway").mkdir(parents=True)

    done = bundled(tmp_path)

    assert (done.returncode, "FAILED: .slipway" in done.stderr) == (1, True)


def test_a_folder_that_another_frontend_serves_is_refused() -> None:
    with pytest.raises(Refused, match=r"admin/x\.js: another frontend serves admin/"):
        check(["admin/x.js"], others=["admin/"])


@pytest.mark.parametrize(
    ("url", "refused"),
    [
        ("/assets/index.js", True),
        ("/a%20b.js", True),
        ("/admin/assets/index.js", False),
        ("assets/index.js", False),
        ("/api/config.js", False),
        ("https://cdn.example.org/assets/index.js", False),
    ],
)
def test_a_page_must_ask_for_its_files_below_its_path(url: str, refused: bool, tmp_path: Path) -> None:
    (tmp_path / "index.html").write_text(f'<script type="module" src="{url}"></script>')
    names = ["index.html", "assets/index.js", "a b.js"]

    site_files.check_base(tmp_path, names, "/")
    if not refused:
        site_files.check_base(tmp_path, names, "/admin/")
        return
    with pytest.raises(Refused, match=f"index.html asks for {url}, but the site serves this frontend below /admin/"):
        site_files.check_base(tmp_path, names, "/admin/")
