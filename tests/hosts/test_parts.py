"""A host's program refuses bad input, hides secrets and bounds what it runs: without containers."""

from __future__ import annotations

import ast
import contextlib
import json
import os
import subprocess
import sys
import tarfile
import threading
import time
import zipfile
from pathlib import Path
from typing import Any

import pytest

from slipway_host import bundle, folder, state, values
from slipway_host.output import Failed, Output
from slipway_host.probe import probe
from slipway_host.programs import Programs
from slipway_host.settings import Configuration, Record, Verify
from tests.hosts.machine import PASSWORD, PROGRAM, Machine
from tests.hosts.machine import bundle as packed

SOURCES = sorted(path for path in PROGRAM.rglob("*.py") if path.parent.name != "eks")  # a function, with boto3
DIGEST = "sha256:" + "b" * 64


@pytest.mark.parametrize("source", SOURCES, ids=lambda path: path.name)
def test_it_needs_python_3_9_and_its_standard_library_only(source: Path) -> None:
    tree = ast.parse(source.read_text(encoding="utf-8"), feature_version=(3, 9))

    imported = {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
    imported |= {node.module or "" for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    assert {name.partition(".")[0] for name in imported} <= {*sys.stdlib_module_names, "slipway_host"}


def test_it_runs_from_a_zip_file(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "runner.zip", "w") as archive:
        for source in SOURCES:
            archive.write(source, source.relative_to(PROGRAM))
    options = ["--region", "r", "--bucket", "b", "--configuration", "/c"]

    done = subprocess.run(
        [sys.executable, "-I", str(tmp_path / "runner.zip"), *options, "apply", "latest"],
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 2
    assert "RELEASE is 'latest'; give 64 hexadecimal digits, or current" in done.stderr


def link(name: str, target: str, kind: bytes) -> tarfile.TarInfo:
    member = tarfile.TarInfo(name)
    member.type, member.linkname = kind, target
    return member


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (packed({"../evil": b"x"}), "'../evil': it must lie below"),
        (packed({"/etc/evil": b"x"}), "'/etc/evil': it must lie below"),
        (packed({"a/../../evil": b"x"}), "it must lie below"),
        (packed({".slipway/state.json": b"x"}), "it must lie below"),
        (packed({"new\nline": b"x"}), "it must lie below"),
        (packed({}, link("conf", "/etc", tarfile.SYMTYPE)), "conf, which is a link or a device"),
        (packed({}, link("conf", "/etc/shadow", tarfile.LNKTYPE)), "conf, which is a link or a device"),
        (packed({}, link("null", "", tarfile.CHRTYPE)), "null, which is a link or a device"),
        (b"no archive", "cannot be read"),
        (packed({"a": b"x"})[:-20], "cannot be read"),
    ],
)
def test_a_bundle_with_anything_but_files_below_its_folder_is_refused(
    tmp_path: Path, content: bytes, message: str
) -> None:
    (tmp_path / "bundle").write_bytes(content)

    with pytest.raises(Failed, match=message.replace("\n", ".")):
        bundle.unpacked(tmp_path / "bundle", bundle.sha256(tmp_path / "bundle"))


def test_a_bundle_with_another_sha256_is_not_even_opened(tmp_path: Path) -> None:
    (tmp_path / "bundle").write_bytes(b"no archive")

    with pytest.raises(Failed, match="it was changed after the build; nothing was unpacked"):
        bundle.unpacked(tmp_path / "bundle", "0" * 64)


def test_a_file_larger_than_the_limit_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bundle, "_LIMIT", 10)
    (tmp_path / "bundle").write_bytes(packed({"large": b"x" * 11}))

    with pytest.raises(Failed, match="put large files into an image"):
        bundle.unpacked(tmp_path / "bundle", bundle.sha256(tmp_path / "bundle"))


def test_a_link_that_a_container_planted_is_not_followed(tmp_path: Path) -> None:
    outside = tmp_path / "etc"
    outside.mkdir()
    (outside / "passwd").write_text("root")
    srv = folder.Folder(tmp_path / "srv")
    (srv.path / "data").symlink_to(outside)
    (srv.path / "file").symlink_to(outside / "passwd")

    with pytest.raises(Failed, match="data is a link or a file, not a folder"):
        srv.write("data/passwd", b"evil", 0o644)
    srv.write("file", b"ours", 0o644)
    srv.remove("data/passwd")

    assert (outside / "passwd").read_text() == "root"
    assert (srv.path / "file").read_bytes() == b"ours"
    assert not (srv.path / "file").is_symlink()


def test_a_folder_that_docker_made_in_place_of_a_file_is_replaced_and_one_with_data_is_not(tmp_path: Path) -> None:
    srv = folder.Folder(tmp_path / "srv")
    (srv.path / "nginx.conf").mkdir()
    srv.write("nginx.conf", b"ours", 0o644)
    (srv.path / "data").mkdir()
    (srv.path / "data" / "row").write_text("kept")

    with pytest.raises(Failed, match="is a folder with files"):
        srv.write("data", b"x", 0o644)

    assert (srv.path / "nginx.conf").read_bytes() == b"ours"
    assert sorted(path.name for path in srv.path.iterdir()) == ["data", "nginx.conf"]


def test_removing_a_file_removes_the_folders_that_are_empty_then(tmp_path: Path) -> None:
    srv = folder.Folder(tmp_path)
    srv.write("a/b/c", b"", 0o644)
    srv.write("a/d", b"", 0o644)

    srv.remove("a/b/c")
    srv.remove("never/was")

    assert sorted(path.name for path in tmp_path.rglob("*")) == ["a", "d"]


def test_secrets_are_hidden_in_every_form(capsys: pytest.CaptureFixture[str]) -> None:
    output = Output()
    output.hide("line one\nline two")
    output.hide('qu"oted')

    output.say('a line one b\nc line two d\n{"x": "qu\\"oted"}')

    assert capsys.readouterr().out == 'a *** b\nc *** d\n{"x": "***"}\n'


def test_the_last_line_is_within_what_ssm_keeps_however_much_is_printed(capsys: pytest.CaptureFixture[str]) -> None:
    output = Output()
    for _ in range(1000):
        output.say("x" * 1000)

    output.end({"state": "failed"})

    printed = capsys.readouterr().out
    assert len(printed) < 24_000
    assert printed.endswith('more lines were left out; the containers\' logs have them]\nSLIPWAY {"state": "failed"}\n')


def test_a_program_that_hangs_is_killed_with_what_it_has_started() -> None:
    programs = Programs("test-of-hanging")

    with pytest.raises(Failed, match=r"'sh -c …' did not end within 0 seconds and was killed"):
        programs.run(["sh", "-c", "sleep 1000 & sleep 1000"], timeout=0.2)

    assert programs.end_leftovers() == 0


def test_programs_of_a_killed_step_are_found_and_ended() -> None:
    child = subprocess.Popen(["sleep", "1000"], env={"PATH": os.environ["PATH"], "SLIPWAY_HOST_STEP": "test-killed"})
    other = subprocess.Popen(["sleep", "1000"], env={"PATH": os.environ["PATH"], "SLIPWAY_HOST_STEP": "test-killed2"})
    try:
        while b"sleep" not in Path(f"/proc/{child.pid}/cmdline").read_bytes():
            time.sleep(0.01)

        assert Programs("test-killed").end_leftovers() == 1
        assert child.wait(10) == -9
        assert other.poll() is None
    finally:
        other.kill()
        other.wait()


@pytest.mark.parametrize("runner", [b"", b"\xff\xfe.1", "²".encode() + b".1", b"1", b".", b"9" * 5000 + b".1"])
def test_a_container_cannot_stop_steps_by_a_runner_that_is_none(runner: bytes) -> None:
    """A container may set any variables; its processes are in the host's list, too."""
    mark = f"test-of-containers-{runner.hex()[:8]}"
    environment = {b"SLIPWAY_HOST_STEP": mark.encode(), b"SLIPWAY_HOST_RUNNER": runner}
    child = subprocess.Popen(["/bin/sleep", "1000"], env=environment)
    try:
        while b"sleep" not in Path(f"/proc/{child.pid}/cmdline").read_bytes():
            time.sleep(0.01)

        assert Programs(mark).end_leftovers() == 1
        assert child.wait(10) == -9
    finally:
        child.kill()
        child.wait()


def test_programs_of_another_step_that_runs_are_left_alone() -> None:
    """Two commands may reach a host at once: the second one reads its configuration before it waits for the first."""
    programs = Programs("test-of-two")
    found: list[int] = []
    running = threading.Thread(target=lambda: found.append(programs.run(["sleep", "1000"], timeout=60).code))
    running.start()
    try:
        while b"sleep" not in _commands("test-of-two"):
            time.sleep(0.01)

        other = "from slipway_host.programs import Programs; print(Programs('test-of-two').end_leftovers())"
        done = subprocess.run([sys.executable, "-c", other], cwd=PROGRAM, capture_output=True, text=True, check=True)

        assert done.stdout == "0\n"
        assert b"sleep" in _commands("test-of-two")
    finally:
        with pytest.raises(Failed):
            programs.run(["sleep", "1000"], timeout=0.1)  # ends what this runner has started, and so the other one
        running.join()
    assert found == [-9]


def _commands(mark: str) -> bytes:
    """Returns the command lines of the processes with a mark."""
    found = b""
    for process in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            if f"SLIPWAY_HOST_STEP={mark}".encode() in (process / "environ").read_bytes().split(b"\0"):
                found += (process / "cmdline").read_bytes()
    return found


def test_a_program_that_is_missing_is_named() -> None:
    with pytest.raises(Failed, match="no-such-program is not installed on this host"):
        Programs("x").run(["no-such-program"], timeout=1)


class Counting:
    """Secrets, and how often each was read."""

    def __init__(self) -> None:
        self.reads: list[str] = []

    def secret(self, arn: str) -> str:
        self.reads.append(arn)
        return {"plain": "text-of-it", "table": '{"password": "from-table", "port": 5432}'}[arn]


RECORD = Record("1.2.3", "c" * 40, {"web": f"registry/web@{DIGEST}"}, "d" * 64)


def test_a_value_joins_text_images_secrets_and_the_release() -> None:
    cloud = Counting()
    joining = values.Values(RECORD, cloud, Output())  # type: ignore[arg-type]  # only secrets are asked for
    parts: list[Any] = ["a ", {"image": "web"}, {"secret": "plain"}, {"secret": "table", "key": "port"}]

    joined = joining.joined([*parts, {"release": "version"}, {"secret": "table", "key": "password"}], "URL")

    assert joined == f"a registry/web@{DIGEST}text-of-it54321.2.3from-table"
    assert sorted(cloud.reads) == ["plain", "table"]


@pytest.mark.parametrize(
    ("part", "message"),
    [
        ({"image": "api"}, "URL in .env needs the image api; this release has web"),
        (
            {"secret": "table", "key": "nope"},
            "URL in .env needs the key nope of the secret table, which does not have it",
        ),
        ({"secret": "plain", "key": "nope"}, "needs the key nope of the secret plain"),
        ({"relese": "version"}, "has a part that this program does not know"),
    ],
)
def test_a_value_that_cannot_be_joined_names_the_variable_and_no_secret(part: Any, message: str) -> None:
    joining = values.Values(RECORD, Counting(), Output())  # type: ignore[arg-type]  # only secrets are asked for

    with pytest.raises(Failed, match=message) as error:
        joining.joined([part], "URL in .env")

    assert "text-of-it" not in str(error.value)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"project": "Two Words"}, "'project' must be a text of its form, got 'Two Words'"),
        ({"folder": "srv"}, "'folder' must be a text of its form"),
        ({"folder": "/"}, "'folder' must be a text of its form"),
        ({"compose": []}, "names no compose file"),
        ({"compose": ["../compose.yml"]}, "it must lie below the folder"),
        ({"files": {"/root/.env": []}}, "it must lie below the folder"),
        ({"files": {".env": [["A B", ["x"]]]}}, "a variable 'A B', which is no variable's name"),
        ({"files": {".env": [["A", "x"]]}}, r"must be a list of \[name, parts\]"),
        ({"verify": {"port": 80, "path": "status"}}, "'verify': 'path' must be a text of its form"),
        ({"wait_seconds": "long"}, "'wait_seconds' must be a number, got 'long'"),
        ({"rendered": []}, "'rendered' must be null or an object"),
    ],
)
def test_a_wrong_configuration_is_named(machine: Machine, changes: dict[str, Any], message: str) -> None:
    with pytest.raises(Failed, match=message):
        Configuration.parse(json.dumps({**machine.configuration, **changes}))


def test_a_page_that_nobody_serves_is_a_failure_with_its_reason() -> None:
    with pytest.raises(Failed, match=r"http://127.0.0.1:1/ never answered with success in 2 tries: ConnectionRefused"):
        probe(Verify(1, "/", 2, 0, ""))


def test_a_state_that_was_cut_off_counts_as_none(tmp_path: Path) -> None:
    memory = state.Memory(tmp_path / "srv")
    (memory.path / "state.json").write_text('{"current": "a')

    assert memory.read() == state.State()


def test_a_state_folder_that_is_a_link_is_refused(tmp_path: Path) -> None:
    (tmp_path / "srv").mkdir()
    (tmp_path / "srv" / ".slipway").symlink_to(tmp_path)

    with pytest.raises((Failed, FileExistsError)):
        state.Memory(tmp_path / "srv")


def test_before_the_first_release_there_is_nothing_to_do(machine: Machine) -> None:
    machine.install("docker", "pass\n")

    ended = machine.run("apply")

    assert (ended.code, ended.report["state"]) == (0, "none")
    assert "no release yet" in ended.printed


def test_a_parameter_that_may_not_be_read_is_named_and_the_last_line_is_there(machine: Machine) -> None:
    machine.fail("get-parameter")

    ended = machine.run("apply")

    assert (ended.code, ended.report["state"]) == (1, "failed")
    assert f"FAILED: 'aws ssm get-parameter --name {machine.parameter}' failed: An error" in ended.printed
    assert "not authorized" in ended.printed


def test_a_record_that_was_changed_is_refused(machine: Machine) -> None:
    machine.install("docker", "pass\n")
    sha = machine.release("1.0.0", {"web": f"registry/web@{DIGEST}"}, {"docker-compose.yml": "services: {}"})
    machine.put(f"releases/{sha}.json", b'{"version": "evil"}')

    ended = machine.run("apply", sha)

    assert ended.code == 1
    assert f"releases/{sha}.json has the SHA-256" in ended.printed


def test_a_compose_file_that_the_bundle_lacks_is_named(machine: Machine) -> None:
    machine.install("docker", "pass\n")

    ended = machine.run("apply", machine.release("1.0.0", {"web": f"registry/web@{DIGEST}"}, {"README": "x"}))

    assert (
        "the bundle of this release has no docker-compose.yml: name it in compose.files, or add the file"
        in ended.printed
    )


def test_the_registrys_password_is_no_argument_and_is_gone_afterwards(machine: Machine) -> None:
    machine.configuration |= {
        "registry": "registry.example.com",
        "files": {".env": [["DB_PASSWORD", [{"secret": "database", "key": "password"}]]]},
    }
    machine.install(
        "docker",
        "with (folder / 'docker').open('a') as log:\n"
        "    log.write(json.dumps([sys.argv[1:], os.environ['DOCKER_CONFIG'], sorted(os.environ)]) + '\\n')\n"
        "if sys.argv[1] == 'login':\n    assert sys.stdin.read() == 'token-of-the-registry'\n    sys.exit('no')\n",
    )

    ended = machine.run(
        "apply", machine.release("1.0.0", {"web": f"registry/web@{DIGEST}"}, {"docker-compose.yml": "services: {}"})
    )

    called = [json.loads(line) for line in (machine.aws / "docker").read_text().splitlines()]
    login = next(call for call in called if call[0][0] == "login")
    assert "token-of-the-registry" not in " ".join(login[0])
    assert not Path(login[1]).exists()
    assert not [name for name in login[2] if name.startswith("AWS_")]
    assert "the registry registry.example.com refused the login: no" in ended.printed
    assert PASSWORD not in ended.printed
