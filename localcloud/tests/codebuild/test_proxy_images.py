"""The proxy with the real daemon: a build cannot use or change the images, volumes and containers of others."""

from __future__ import annotations

import io
import json
import tarfile
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import docker
import pytest
from docker.errors import DockerException, ImageNotFound, NotFound

from localcloud import network
from localcloud.codebuild import proxy
from localcloud.dockerfilter import images
from localcloud.settings import Settings
from localcloud.testing.docker_socket import REPOSITORY, call, opened
from localcloud.testing.plain import unique

pytestmark = [pytest.mark.local, pytest.mark.docker]

FORM = "application/x-www-form-urlencoded"


@pytest.fixture(scope="module")
def client() -> docker.DockerClient:
    try:
        found = docker.from_env()
        found.ping()
    except DockerException:
        pytest.skip("no Docker daemon answers")
    return found


@pytest.fixture(autouse=True)
def state(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    monkeypatch.delenv("LOCALCLOUD_PORT", raising=False)
    monkeypatch.setattr(images, "_SECOND_LOOK_SECONDS", 0)
    with tempfile.TemporaryDirectory() as short:  # the path of a socket has at most 108 bytes
        monkeypatch.setenv("LOCALCLOUD_STATE", short)
        yield Path(short)


@pytest.fixture
def build(state: Path) -> str:
    assert state.exists()
    return f"project:{unique('b')}"


@pytest.fixture
def gate(build: str, client: docker.DockerClient) -> Iterator[proxy.Gate]:
    with opened(build, client) as opening:
        yield opening


@pytest.fixture
def socket(gate: proxy.Gate) -> Path:
    return gate.socket


def layer(text: str) -> bytes:
    """Returns a tar archive with one file."""
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as tar:
        member = tarfile.TarInfo("file")
        member.size = len(text)
        tar.addfile(member, io.BytesIO(text.encode()))
    return packed.getvalue()


@pytest.fixture
def theirs(client: docker.DockerClient) -> Iterator[str]:
    """The name of an image on this machine that was not made by a build."""
    name = f"{unique('theirs')}:1"
    client.api.import_image_from_data(layer(name), *name.split(":"))
    yield name
    try:
        client.images.remove(name, force=True)
    except ImageNotFound:
        return


@pytest.fixture
def own(socket: Path, build: str) -> str:
    """The name of an image that the build made."""
    name = f"{build.replace(':', '-')}:own"
    assert named(socket, "import", name) == (200, ""), "the build makes an image"
    return name


def dockerfile(text: str) -> bytes:
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as tar:
        member = tarfile.TarInfo("Dockerfile")
        member.size = len(text)
        tar.addfile(member, io.BytesIO(text.encode()))
    return packed.getvalue()


def saved(name: str, *tags: str) -> bytes:
    """Returns the archive of `docker save` for an image, with other image names."""
    connection = docker.from_env().api
    packed = io.BytesIO()
    given = io.BytesIO(b"".join(connection.get_image(name)))
    with tarfile.open(fileobj=given) as tar, tarfile.open(fileobj=packed, mode="w") as made:
        for member in tar:
            if member.name == "manifest.json":
                manifest = json.loads(tar.extractfile(member).read())  # type: ignore[union-attr]  # it is a file
                manifest[0]["RepoTags"] = list(tags)
            elif member.name != "repositories":
                made.addfile(member, tar.extractfile(member) if member.isreg() else None)
        content = json.dumps(manifest).encode()
        written = tarfile.TarInfo("manifest.json")
        written.size = len(content)
        made.addfile(written, io.BytesIO(content))
    return packed.getvalue()


def named(socket: Path, way: str, name: str, source: str = "") -> tuple[int, str]:
    """Gives an image a name, in one of the possible ways. Returns the status and the error message."""
    repository, _, tag = name.rpartition(":")
    if way == "tag":
        status, text = call(socket, "POST", f"/images/{source}/tag?repo={repository}&tag={tag}")
    elif way == "tag in the name":
        status, text = call(socket, "POST", f"/images/{source}/tag?repo={name}")
    elif way == "import":
        target = f"/images/create?fromSrc=-&repo={repository}&tag={tag}"
        status, text = call(socket, "POST", target, layer(name), "application/x-tar")
    elif way == "commit":
        _status, made = call(socket, "POST", "/containers/create", {"Image": source, "Cmd": ["x"]})
        target = f"/commit?container={json.loads(made)['Id']}&repo={repository}&tag={tag}"
        status, text = call(socket, "POST", target, {})
    elif way == "load":
        status, text = call(socket, "POST", "/images/load", saved(source, name), "application/x-tar")
    elif way == "build":
        target = f"/build?t={unique('other')}&t={name}"
        status, text = call(socket, "POST", target, dockerfile(f"FROM {source}\nLABEL a=b\n"), "application/x-tar")
    else:
        outputs = json.dumps([{"type": "moby", "ATTRS": {"name": f"{unique('other')},{name}"}}])
        status, text = call(socket, "POST", f"/build?outputs={outputs.replace(' ', '')}", b"", "application/x-tar")
    return status, text if status >= 400 else ""


WAYS = ("tag", "tag in the name", "import", "commit", "load", "build", "output")


def ids(client: docker.DockerClient, name: str) -> str:
    return str(client.images.get(name).id)


# --- parameters in the body ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("body", [b"filters=%7B%7D", b"filters=%7B%22label%22%3A%5B%5D%7D"])
def test_prune_deletes_only_objects_of_the_build(
    body: bytes, socket: Path, build: str, client: docker.DockerClient
) -> None:
    other, mine = unique("volume"), unique("volume")
    client.volumes.create(other, labels={"test": "1"})
    try:
        call(socket, "POST", "/volumes/create", {"Name": mine})
        for target in ("/volumes/prune", "/v1.41/volumes/prune", "/containers/prune", "/networks/prune"):
            assert call(socket, "POST", target, body, FORM)[0] == 403
        status, text = call(socket, "POST", "/volumes/prune", None, FORM)
        assert (status, json.loads(text)["VolumesDeleted"]) == (200, [mine])
        assert client.volumes.get(other).attrs["Labels"] == {"test": "1"}
    finally:
        client.volumes.get(other).remove()


def test_a_pull_with_parameters_in_the_body_is_refused(socket: Path) -> None:
    target = f"/images/create?fromImage=localhost:4701/{REPOSITORY}&tag=1"
    status, text = call(socket, "POST", target, b"fromImage=localhost:4701/secret&tag=1", FORM)
    assert (status, "takes no body" in text) == (403, True)


def test_an_import_with_parameters_in_the_body_does_not_replace_another_image(
    socket: Path, theirs: str, client: docker.DockerClient
) -> None:
    before = ids(client, theirs)
    repository, tag = theirs.split(":")
    body = f"repo={repository}&tag={tag}".encode()
    call(socket, "POST", "/images/create?fromSrc=-&repo=own-import&tag=1", body, FORM)
    assert ids(client, theirs) == before


# --- names -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("way", WAYS)
def test_a_name_of_an_image_that_the_build_did_not_make_is_refused(
    way: str, socket: Path, own: str, theirs: str, client: docker.DockerClient
) -> None:
    before = ids(client, theirs)
    for spelling in (theirs, f"docker.io/{theirs}", f"docker.io/library/{theirs}", f"index.docker.io/library/{theirs}"):
        status, text = named(socket, way, spelling, own)
        assert (status, "this build did not make that image" in text) == (403, True), text
    assert ids(client, theirs) == before


@pytest.mark.parametrize("way", WAYS[:-1])
def test_a_build_can_give_its_own_name_again_and_the_name_is_removed_with_the_build(
    way: str, build: str, client: docker.DockerClient, state: Path
) -> None:
    name = f"{unique('mine')}:1"
    with opened(build, client) as gate:
        source = f"{unique('source')}:1"
        assert named(gate.socket, "import", source) == (200, "")
        for _twice in range(2):
            assert named(gate.socket, way, name, source)[1] == ""
        assert client.images.get(name).tags
        assert name in json.loads(network.image_names(Settings(state=state)).read_text())
    for gone in (name, source):
        with pytest.raises(ImageNotFound):
            client.images.get(gone)
    assert json.loads(network.image_names(Settings(state=state)).read_text()) == []


@pytest.mark.parametrize(
    "name",
    [
        "public.ecr.aws/lambda/python:3.12",
        "public.ecr.aws/lambda/nodejs:99",
        "postgres:17-alpine",
        "docker.io/library/postgres:99",
        "redis:99",
        "python:99",
        "aws/codebuild/standard:7.0",
        "localcloud/codebuild:1",
    ],
)
def test_the_name_of_an_image_that_the_local_cloud_runs_is_refused_even_if_no_such_image_exists(
    name: str, socket: Path, own: str
) -> None:
    status, text = named(socket, "tag", name, own)
    assert (status, "the local cloud runs images of this name" in text) == (403, True), text


@pytest.mark.parametrize("host", ["localhost:4701", "127.0.0.1:4701", "111122223333.dkr.ecr.us-east-1.amazonaws.com"])
def test_a_name_in_the_registry_requires_the_right_to_push_to_the_repository(
    host: str, socket: Path, own: str, client: docker.DockerClient
) -> None:
    assert named(socket, "tag", f"{host}/{REPOSITORY}:1", own) == (201, "")
    assert client.images.get(f"localhost:4701/{REPOSITORY}:1").id == ids(client, own)
    status, text = named(socket, "tag", f"{host}/secret:1", own)
    assert (status, "denied: ecr:PutImage on secret" in text) == (403, True)


@pytest.mark.parametrize(
    "host", ["localhost:4701", "127.0.0.1:4701", "[::1]:4701", "169.254.170.2:4701", "other.example:4701"]
)
def test_rights_are_checked_for_every_address_of_the_registry(host: str, socket: Path, own: str) -> None:
    image = f"{host}/secret"
    for method, target in (
        ("POST", f"/images/create?fromImage={image}&tag=1"),
        ("GET", f"/images/{image}:1/json"),
        ("GET", f"/images/{image}:1/get"),
        ("GET", f"/images/get?names={image}:1"),
        ("GET", f"/distribution/{image}:1/json"),
        ("POST", f"/images/{image}:1/tag?repo=x&tag=1"),
        ("POST", f"/images/{image}:1/push"),
    ):
        status, text = call(socket, method, target)
        assert (status, "on secret" in text) == (403, True), (target, text)
    status, text = call(socket, "POST", "/containers/create", {"Image": f"{image}:1"})
    assert (status, "denied: ecr:BatchGetImage on secret" in text) == (403, True)
    arguments = json.dumps({"BASE": f"{image}:1"}).replace(" ", "")
    status, text = call(
        socket, "POST", f"/build?buildargs={arguments}", dockerfile(f"FROM {own}\n"), "application/x-tar"
    )
    assert (status, "denied: ecr:BatchGetImage on secret" in text) == (403, True)


def test_an_image_of_another_build_can_be_neither_used_nor_replaced(socket: Path, own: str) -> None:
    with opened(f"project:{unique('other')}") as other:
        for target in (f"/images/{own}/json", f"/images/{own}/get", f"/images/{own}/history"):
            assert call(other.socket, "GET", target)[0] == 403
        status, text = call(other.socket, "POST", "/containers/create", {"Image": own})
        assert (status, "belongs to the build" in text) == (403, True)
        status, text = named(other.socket, "import", own)
        assert (status, "which runs now" in text) == (403, True)
        assert call(other.socket, "DELETE", f"/images/{own}")[0] == 403
    assert call(socket, "GET", f"/images/{own}/json")[0] == 200


def test_the_name_of_an_ended_build_can_be_used_again(client: docker.DockerClient) -> None:
    name = f"{unique('again')}:1"
    for _build in range(2):
        with opened(f"project:{unique('b')}") as gate:
            assert named(gate.socket, "import", name) == (200, "")
    with pytest.raises(ImageNotFound):
        client.images.get(name)


# --- archives --------------------------------------------------------------------------------------------------------


def test_a_loaded_archive_keeps_its_layers(socket: Path, client: docker.DockerClient, build: str) -> None:
    name = f"{build.replace(':', '-')}:loaded"
    source = client.images.get("python:3.13-slim")
    assert named(socket, "load", name, "python:3.13-slim") == (200, "")
    assert client.images.get(name).attrs["RootFS"] == source.attrs["RootFS"]


def packed(*members: tuple[tarfile.TarInfo, bytes]) -> bytes:
    made = io.BytesIO()
    with tarfile.open(fileobj=made, mode="w") as tar:
        for member, content in members:
            member.size = len(content)
            tar.addfile(member, io.BytesIO(content))
    return made.getvalue()


def member(name: str, **more: Any) -> tarfile.TarInfo:
    made = tarfile.TarInfo(name)
    for key, value in more.items():
        setattr(made, key, value)
    return made


MANIFEST = json.dumps([{"Config": "0" * 64 + ".json", "RepoTags": ["own:1"], "Layers": []}]).encode()


@pytest.mark.parametrize(
    ("archive", "words"),
    [
        (packed((member("manifest.json"), MANIFEST), (member("./manifest.json"), MANIFEST)), "appears twice"),
        (packed((member("manifest.json"), MANIFEST), (member("x/../manifest.json"), MANIFEST)), "is not part of"),
        (packed((member("manifest.json", type=tarfile.SYMTYPE, linkname="x"), b"")), "is not part of"),
        (packed((member("0" * 64, type=tarfile.SYMTYPE, linkname="."), b"")), "is not part of"),
        (packed((member("0" * 64 + ".json", type=tarfile.LNKTYPE, linkname="manifest.json"), b"")), "is not part of"),
        (packed((member("repositories"), b"{}")), "has no manifest.json"),
        (packed((member("manifest.json"), b"[" * 100_000)), "cannot be read"),
        (
            packed((member("manifest.json"), b'[{"RepoTags":["own:1"],"repotags":["python:3.13-slim"]}]')),
            "appears twice",
        ),
        (
            packed((member("manifest.json"), b"[]"), (member("index.json"), b'{"manifests":[],"Manifests":[]}')),
            "appears twice",
        ),
        (b"\x28\xb5\x2f\xfd" + b"x" * 100, "cannot be read"),
        (b"", "cannot be read"),
    ],
)
def test_an_archive_that_can_be_read_in_two_ways_is_refused(archive: bytes, words: str, socket: Path) -> None:
    status, text = call(socket, "POST", "/images/load", archive, "application/x-tar")
    assert (status, words in text) == (403, True), text


def test_a_name_in_the_index_of_an_archive_is_checked_too(socket: Path, theirs: str) -> None:
    entry = {"digest": "sha256:" + "0" * 64, "annotations": {"io.containerd.image.name": f"docker.io/library/{theirs}"}}
    index = json.dumps({"schemaVersion": 2, "manifests": [entry]}).encode()
    content = packed((member("manifest.json"), MANIFEST), (member("index.json"), index))
    status, text = call(socket, "POST", "/images/load", content, "application/x-tar")
    assert (status, "this build did not make that image" in text) == (403, True), text


# --- the rest --------------------------------------------------------------------------------------------------------


def test_names_that_a_killed_server_left_are_removed_at_the_next_start(
    client: docker.DockerClient, state: Path
) -> None:
    name = f"{unique('left')}:1"
    client.api.import_image_from_data(layer(name), *name.split(":"))
    chosen = Settings(state=state, port=1, subnet="169.254.199")
    network.image_names(chosen).parent.mkdir(parents=True)
    network.image_names(chosen).write_text(json.dumps([name, "never:made"]))
    assert network.remove(client, chosen) == 0
    with pytest.raises(ImageNotFound):
        client.images.get(name)
    assert not network.image_names(chosen).exists()


def test_a_container_cannot_start_from_a_checkpoint_on_the_host(socket: Path, own: str) -> None:
    _status, made = call(socket, "POST", "/containers/create", {"Image": own, "Cmd": ["x"]})
    container = json.loads(made)["Id"]
    _status, text = call(socket, "POST", f"/containers/{container}/start?checkpoint=x&checkpoint-dir=/tmp")
    assert "checkpoint" not in text
    assert call(socket, "DELETE", f"/containers/{container}")[0] == 204
    with pytest.raises(NotFound):
        docker.from_env().containers.get(container)


def test_a_client_that_gave_no_name_ends_without_an_error() -> None:
    images.Names().remove([], "host")
