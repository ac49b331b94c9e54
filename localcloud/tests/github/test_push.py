"""The git remote, used with git: the pushes it accepts, the pipelines they start, and git's output."""

from __future__ import annotations

import gzip
import os
import socket
import subprocess
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from localcloud.github.repositories import NOTHING
from localcloud.testing.github import TOKEN, Place, Shop

pytestmark = pytest.mark.local


def test_a_push_starts_a_run_once_and_prints_it(shop: Shop) -> None:
    sha = shop.commit("first", files={"README.md": "hello", "a b.txt": "spaces"})

    output = shop.push("main")

    assert "remote: shop-main started: http://runs/1" in output
    [push] = shop.pushes
    assert (push.ref, push.before, push.after) == ("refs/heads/main", NOTHING, sha)
    assert (push.pusher, set(push.files)) == ("Mary Major", {"README.md", "a b.txt"})


def test_each_reference_of_a_push_is_an_event_of_its_own(shop: Shop) -> None:
    shop.commit("first")
    shop.git("branch", "other")
    shop.git("tag", "v1")
    shop.git("tag", "-a", "v2", "-m", "annotated")

    shop.push("main", "other", "v1", "v2")

    assert sorted(push.ref for push in shop.pushes) == [
        "refs/heads/main",
        "refs/heads/other",
        "refs/tags/v1",
        "refs/tags/v2",
    ]
    assert {push.after for push in shop.pushes} == {shop.git("rev-parse", "main")}


def test_a_push_that_changes_nothing_starts_nothing(shop: Shop) -> None:
    shop.pushed()

    shop.push("main")

    assert len(shop.pushes) == 1


def test_a_push_event_has_only_the_changed_files(shop: Shop) -> None:
    first = shop.pushed("first", files={"one.txt": "1", "two.txt": "2"})
    shop.pushed("second", files={"two.txt": "3"})

    assert (shop.pushes[1].before, shop.pushes[1].files) == (first, ("two.txt",))


def test_the_event_of_a_new_branch_has_the_files_that_differ_from_the_default_branch(shop: Shop) -> None:
    shop.pushed("first", files={"one.txt": "1"})

    shop.branch("feature/x", files={"new.txt": "1"})

    assert shop.pushes[1].files == ("new.txt",)


def test_deleting_a_branch_starts_nothing(shop: Shop) -> None:
    shop.pushed()
    shop.branch("feature/x")

    output = shop.push("--delete", "feature/x")

    assert [push.ref for push in shop.pushes] == ["refs/heads/main", "refs/heads/feature/x"]
    assert "started" not in output


def test_the_event_of_a_forced_push_has_the_previous_commit(shop: Shop) -> None:
    shop.pushed("first")
    old = shop.pushed("second")
    shop.git("reset", "-q", "--hard", "HEAD~1")
    new = shop.commit("another second", files={"README.md": "other"})

    refused = shop.run("push", "origin", "main")
    shop.push("--force", "main")

    assert refused.returncode != 0
    assert (shop.pushes[-1].before, shop.pushes[-1].after) == (old, new)
    assert len(shop.pushes) == 3


def test_a_push_that_git_refuses_starts_nothing(shop: Shop) -> None:
    shop.pushed()

    refused = shop.run("push", "origin", "main:refs/pull/1/head")

    assert refused.returncode != 0
    assert "deny updating a hidden ref" in refused.stderr
    assert len(shop.pushes) == 1


def test_a_push_succeeds_even_if_a_trigger_fails_and_prints_the_error(shop: Shop) -> None:
    shop.place.recorder.fails = True
    sha = shop.commit("first")

    output = shop.push("main")

    assert "remote: main: nothing was started: the pipeline is gone" in output
    assert shop.bare.resolve("main") == sha


def test_a_push_that_starts_nothing_says_so(shop: Shop) -> None:
    shop.commit("first")

    assert "remote: quiet: this push starts no pipeline" in shop.push("main:refs/heads/quiet")


def test_the_push_of_a_new_branch_prints_the_url_to_open_a_pull_request(shop: Shop) -> None:
    shop.pushed()
    shop.git("checkout", "-q", "-b", "feature/x")
    shop.commit("more")

    assert f"remote: Open a pull request: {shop.place.url}/{shop.name}/compare/main...feature/x" in shop.push(
        "feature/x"
    )
    shop.commit("still more")
    assert "Open a pull request" not in shop.push("feature/x")


def test_the_error_for_an_unknown_repository_lists_the_existing_ones(shop: Shop) -> None:
    shop.commit("first")

    done = shop.run("push", f"{shop.place.url}/acme/absent.git", "main")

    assert done.returncode != 0
    assert "remote: There is no repository acme/absent in the local cloud. It has: " in done.stderr
    assert shop.name in done.stderr


def test_simultaneous_pushes_are_all_stored_and_trigger_once(shop: Shop, tmp_path: Path) -> None:
    shop.pushed()
    clones = [tmp_path / f"clone-{number}" for number in range(6)]
    for number, clone in enumerate(clones):
        shop.git("clone", "-q", shop.url, str(clone))
        shop.commit(f"number {number}", folder=clone, files={f"{number}.txt": "x"})

    def push(number: int) -> subprocess.CompletedProcess[str]:
        return shop.run("push", "origin", f"HEAD:refs/heads/feature/{number}", folder=clones[number])

    with ThreadPoolExecutor(max_workers=6) as pool:
        done = list(pool.map(push, range(6)))

    assert [process.returncode for process in done] == [0] * 6
    assert sorted(push.ref for push in shop.pushes[1:]) == [f"refs/heads/feature/{number}" for number in range(6)]
    assert len(shop.bare.branches()) == 7


def test_only_one_of_two_simultaneous_pushes_to_a_branch_is_accepted(shop: Shop, tmp_path: Path) -> None:
    shop.pushed()
    clones = [tmp_path / "a", tmp_path / "b"]
    for clone in clones:
        shop.git("clone", "-q", shop.url, str(clone))
        shop.commit(clone.name, folder=clone, files={"README.md": clone.name})

    with ThreadPoolExecutor(max_workers=2) as pool:
        done = list(pool.map(lambda clone: shop.run("push", "origin", "main", folder=clone), clones))

    assert sorted(process.returncode == 0 for process in done) == [False, True]
    assert len(shop.pushes) == 2


def test_a_large_push_in_chunks_arrives_completely(shop: Shop, tmp_path: Path) -> None:
    content = os.urandom(8_000_000)  # more than http.postBuffer: git sends it in chunks
    sha = shop.commit("large", files={"large.bin": content})
    shop.push("main")

    shop.git("clone", "-q", shop.url, str(tmp_path / "again"))

    assert (tmp_path / "again" / "large.bin").read_bytes() == content
    assert shop.pushes[0].after == sha


def test_a_compressed_request_is_accepted(shop: Shop) -> None:
    sha = shop.pushed()
    line = f"want {sha}\n"
    wanted = f"{len(line) + 4:04x}{line}00000009done\n".encode()

    answer = shop.place.ask(
        "POST",
        f"/{shop.name}.git/git-upload-pack",
        gzip.compress(wanted),
        {"Content-Type": "application/x-git-upload-pack-request", "Content-Encoding": "gzip"},
    )

    assert answer.status == 200
    assert answer.body.startswith(b"0008NAK\nPACK")


def test_a_clone_pulls_commits_that_were_pushed_after_it(shop: Shop, tmp_path: Path) -> None:
    shop.pushed("first")
    shop.git("clone", "-q", shop.url, str(tmp_path / "clone"))
    sha = shop.pushed("second")

    shop.git("pull", "-q", folder=tmp_path / "clone")

    assert shop.git("rev-parse", "HEAD", folder=tmp_path / "clone") == sha


def test_a_push_triggers_even_if_the_client_disconnects_before_the_response(shop: Shop) -> None:
    sha = shop.commit("first")
    pack = subprocess.run(
        ["git", "pack-objects", "--stdout", "--revs"], cwd=shop.work, input=b"main\n", capture_output=True, check=True
    ).stdout
    line = f"{NOTHING} {sha} refs/heads/main\0report-status side-band-64k"
    body = f"{len(line) + 4:04x}{line}0000".encode() + pack
    head = (
        f"POST /{shop.name}.git/git-receive-pack HTTP/1.1\r\nHost: github.localhost\r\n"
        f"Content-Type: application/x-git-receive-pack-request\r\nContent-Length: {len(body)}\r\n\r\n"
    )

    with socket.create_connection(("127.0.0.1", shop.place.port)) as line_out:
        line_out.sendall(head.encode() + body)

    assert shop.place.recorder.heard.wait(20)
    assert [push.after for push in shop.pushes] == [sha]


def test_a_container_reads_without_a_token_but_pushes_only_with_it(shop: Shop) -> None:
    shop.pushed()
    remote = f"/{shop.name}.git"

    def through_the_relay(path: str, password: str = "") -> int:
        authorization = ["-u", f"ci:{password}"] if password else []
        relay = ["--unix-socket", str(shop.place.folder / "sock"), f"http://169.254.170.2/_github{path}"]
        command = ["curl", "-s", "-o", os.devnull, "-w", "%{http_code}", *authorization, *relay]
        return int(subprocess.run(command, capture_output=True, text=True, check=True).stdout)

    assert through_the_relay(f"{remote}/info/refs?service=git-upload-pack") == 200
    assert through_the_relay(f"{remote}/info/refs?service=git-receive-pack") == 401
    assert through_the_relay(f"{remote}/info/refs?service=git-receive-pack", "wrong") == 401
    assert through_the_relay(f"{remote}/info/refs?service=git-receive-pack", TOKEN) == 200


def test_the_dumb_protocol_and_the_repositorys_files_are_not_served(shop: Shop) -> None:
    shop.pushed()

    for path in ("HEAD", "config", "objects/info/packs", "info/refs"):
        assert shop.page(f".git/{path}").status == 404


def test_foreign_host_names_are_refused(place: Place) -> None:
    assert place.ask("GET", "/_github/", host="evil.example").status == 421
    assert place.ask("GET", "/_github/", host="[::1]:80").status == 200


def test_all_other_requests_are_passed_on_to_the_cloud(place: Place) -> None:
    for path, host in (("/", "localhost"), ("/_githubs/", "localhost"), ("/bucket/_github/", "s3.localhost")):
        assert place.ask("GET", path, host=host).status == 418


def test_only_the_hook_can_report_a_push(place: Place) -> None:
    answer = place.ask("POST", "/_hook", {"repository": "x/y", "pusher": "", "updates": []}, {"X-Localcloud-Hook": "x"})

    assert answer.status == 403


def test_without_git_http_backend_the_error_names_the_program(
    shop: Shop, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "git").write_text("#!/bin/sh\nexit 1\n", encoding="utf-8")
    (tmp_path / "git").chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))

    answer = shop.page(".git/info/refs?service=git-upload-pack")

    assert answer.status == 500
    assert "Is it installed?" in answer.text
