"""A bundler's manifest decides which files are immutable. `manifests/` has what real builds of small projects wrote."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from builds import immutable_files

MANIFESTS = Path(__file__).parent / "manifests"
SOURCE = ["src/photo-20240115.png", "public/banner-a1b2c3d4.png", "public/manifest.json"]


def bundle(folder: Path, files: list[str], manifests: dict[str, str]) -> Path:
    for name in files:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).touch()
    for name, text in manifests.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text, encoding="utf-8")
    return folder


def found(
    folder: Path, files: list[str], manifests: dict[str, str], source: list[str] = SOURCE
) -> tuple[list[str], str]:
    listed = immutable_files.find(bundle(folder, files, manifests), files, source)
    return listed.files, listed.said_by


@pytest.mark.parametrize(
    ("fixture", "said_by", "never"),
    [
        ("vite", ".vite/manifest.json (Vite)", {"assets/worker-B4bSgqXr.js"}),
        ("create-react-app", "asset-manifest.json (webpack)", set()),
        ("webpack", "manifest.json (webpack)", set()),
        ("webpack-stats", "stats.json (webpack)", set()),
        ("next", "_next/static/mJ_Wu4XV2v99l_pDNQYTv/_buildManifest.js (Next)", set()),
    ],
)
def test_the_manifest_of_a_real_build_decides(fixture: str, said_by: str, never: set[str], tmp_path: Path) -> None:
    build = json.loads((MANIFESTS / f"{fixture}.json").read_text(encoding="utf-8"))
    scripts = {
        name
        for name in build["files"]
        if name.endswith((".js", ".css", ".png")) and not name.startswith(("banner", "_next/static/mJ"))
    }

    assert found(tmp_path, build["files"], build["manifests"]) == (sorted(scripts - never), said_by)


@pytest.mark.parametrize("fixture", ["vite", "create-react-app", "webpack", "next"])
def test_without_its_source_a_copied_file_is_recognized_by_its_name_in_the_manifest(
    fixture: str, tmp_path: Path
) -> None:
    build = json.loads((MANIFESTS / f"{fixture}.json").read_text(encoding="utf-8"))
    listed, _ = found(tmp_path, build["files"], build["manifests"], ["public/banner-a1b2c3d4.png"])

    assert "banner-a1b2c3d4.png" not in listed
    assert "index.html" not in listed


@pytest.mark.parametrize(
    ("name", "manifest", "files", "immutable"),
    [
        # Vite, with names that the product chose: no hash, only a hash, a word, a date.
        ("manifest.json", {"src/main.ts": {"file": "assets/main.js", "src": "src/main.ts"}}, ["assets/main.js"], []),
        ("manifest.json", {"src/a.ts": {"file": "Dl4UqK2U.js"}}, ["Dl4UqK2U.js"], ["Dl4UqK2U.js"]),
        ("manifest.json", {"src/a.ts": {"file": "a-bundle.js", "name": "a"}}, ["a-bundle.js"], []),
        ("manifest.json", {"src/a.ts": {"file": "a-20240115.js", "name": "a"}}, ["a-20240115.js"], []),
        ("manifest.json", {"_b-D4UqK2Us.js": {"file": "b-Dl4UqK2U.js"}}, ["b-Dl4UqK2U.js"], ["b-Dl4UqK2U.js"]),
        # Create React App lists a chunk without a name under its own name; webpack may be told a host and a folder.
        ("asset-manifest.json", {"files": {"787.28cb0dcd.chunk.js": "/static/787.28cb0dcd.chunk.js"}},
         ["static/787.28cb0dcd.chunk.js"], ["static/787.28cb0dcd.chunk.js"]),
        ("asset-manifest.json", {"main.js": "https://cdn.example.org/app/main.3f2a1bc9.js"}, ["main.3f2a1bc9.js"],
         ["main.3f2a1bc9.js"]),
        ("assets-manifest.json", {"main.js": {"src": "main-3f2a1bc9.js", "integrity": "sha256-x"}},
         ["main-3f2a1bc9.js"], ["main-3f2a1bc9.js"]),
        ("manifest.json", {"main.js": "main.js", "logo.svg": "logo.svg"}, ["main.js", "logo.svg"], []),
        # Angular lists files of all kinds.
        ("ngsw.json", {"hashTable": {"/index.html": "1", "/main-5RQGVUBI.js": "2", "/favicon.ico": "3"}},
         ["index.html", "main-5RQGVUBI.js", "favicon.ico", "chunk-7XK2PQ3A.js"], ["main-5RQGVUBI.js"]),
        # webpack says it itself, and the hash must be in the name.
        ("stats.json", {"assets": [{"name": "a.js", "info": {"immutable": True, "contenthash": "3f"}}]}, ["a.js"], []),
    ],
)  # fmt: skip
def test_only_what_is_listed_and_has_a_hash_is_immutable(
    name: str, manifest: dict[str, object], files: list[str], immutable: list[str], tmp_path: Path
) -> None:
    assert found(tmp_path, files, {name: json.dumps(manifest)}, [])[0] == immutable


@pytest.mark.parametrize(
    "text",
    [
        '{"name": "Shop", "short_name": "Shop", "icons": [{"src": "/icon-a1b2c3d4.png"}], "start_url": "/"}',
        '{"name": "Shop", "display": "standalone"}',
        "[]", "{}", "not JSON", '{"main.js": "/elsewhere.js"}', "null",
    ],
)  # fmt: skip
def test_a_web_app_manifest_or_an_unknown_file_leaves_the_names_to_decide(text: str, tmp_path: Path) -> None:
    files = ["assets/index-DMcx_nWD.js", "icon-a1b2c3d4.png"]

    assert found(tmp_path, files, {"manifest.json": text}, ["public/icon-a1b2c3d4.png"]) == (files[:1], "")


def test_a_framework_that_writes_a_list_of_versions_names_the_files_of_its_folder(tmp_path: Path) -> None:
    nuxt = ["_nuxt/builds/latest.json", "_nuxt/builds/meta/3f2a1bc9.json", "_nuxt/Dl4UqK2U.js", "logo-a1b2c3d4.png"]
    kit = ["_app/version.json", "_app/immutable/nodes/0.CwX1DPqt.js", "_app/immutable/nodes/1.js", "a-Dl4UqK2U.js"]

    assert found(tmp_path / "nuxt", nuxt, {}) == (["_nuxt/Dl4UqK2U.js"], "_nuxt/builds/latest.json (Nuxt)")
    assert found(tmp_path / "kit", kit, {}) == ([kit[1]], "_app/version.json (SvelteKit)")


def test_the_builds_log_says_what_decided(tmp_path: Path) -> None:
    build = json.loads((MANIFESTS / "vite.json").read_text(encoding="utf-8"))
    folder = bundle(tmp_path / "a", build["files"], build["manifests"])
    plain = bundle(tmp_path / "b", ["assets/index-DMcx_nWD.js"], {})
    program = [sys.executable, immutable_files.__file__]

    def log(built: Path) -> str:
        arguments = [*program, str(built), str(tmp_path / "source"), "dist"]
        return subprocess.run(arguments, capture_output=True, text=True, check=True).stdout

    assert log(folder) == "4 files may be cached for ever, according to .vite/manifest.json (Vite)\n"
    assert log(plain) == "1 files may be cached for ever, by their names: the bundler wrote no manifest\n"
    assert json.loads((plain / ".slipway" / "immutable.json").read_text()) == ["assets/index-DMcx_nWD.js"]
