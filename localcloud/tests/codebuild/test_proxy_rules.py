"""The Docker API calls that a build may make, and those that are refused."""

from __future__ import annotations

import copy
import json
from typing import Any

import pytest

from localcloud.codebuild.container import SOURCE
from localcloud.dockerfilter import container_rules as rules
from localcloud.dockerfilter import names
from localcloud.dockerfilter.container_rules import RefusedError
from localcloud.dockerfilter.rules import route, without_version

LABELS = {"localcloud.build": "p:1"}
# The HostConfig of a `docker run` without options.
PLAIN: dict[str, Any] = {
    "Binds": None,
    "ContainerIDFile": "",
    "LogConfig": {"Type": "", "Config": {}},
    "NetworkMode": "default",
    "PortBindings": {},
    "RestartPolicy": {"Name": "no", "MaximumRetryCount": 0},
    "AutoRemove": True,
    "VolumeDriver": "",
    "VolumesFrom": None,
    "ConsoleSize": [0, 0],
    "CapAdd": None,
    "CapDrop": None,
    "CgroupnsMode": "",
    "IpcMode": "",
    "Cgroup": "",
    "Links": None,
    "OomScoreAdj": 0,
    "PidMode": "",
    "Privileged": False,
    "PublishAllPorts": False,
    "ReadonlyRootfs": False,
    "SecurityOpt": None,
    "UTSMode": "",
    "UsernsMode": "",
    "ShmSize": 0,
    "Isolation": "",
    "Devices": [],
    "DeviceCgroupRules": None,
    "DeviceRequests": None,
    "MaskedPaths": None,
    "ReadonlyPaths": None,
    "NewOfTomorrow": None,
}


def create(host: dict[str, Any] | None = None, **more: Any) -> tuple[dict[str, Any], rules.Wanted]:
    body = {"Image": "debian", "Labels": {"own": "1"}, "HostConfig": {**copy.deepcopy(PLAIN), **(host or {})}, **more}
    return rules.create(body, rules.Own(LABELS, SOURCE, "source-volume"), ["site:169.254.170.2"], names.to_local)


def bind(source: str) -> dict[str, Any]:
    return {"Mounts": [{"Type": "bind", "Source": source, "Target": "/x"}]}


REFUSED: list[dict[str, Any]] = [
    {"Privileged": True},
    {"Binds": ["/:/host"]},
    {"Binds": ["/var/run/docker.sock:/var/run/docker.sock"]},
    {"Binds": [f"{SOURCE}/../..:/x"]},
    {"Binds": ["../x:/x"]},
    bind("/etc"),
    bind("/var/run/docker.sock"),
    {"Mounts": [{"Type": "npipe", "Source": "x", "Target": "/x"}]},
    {"Mounts": [{"Type": "volume", "Source": "v", "VolumeOptions": {"DriverConfig": {"Options": {"device": "/"}}}}]},
    {"NetworkMode": "host"},
    {"PidMode": "host"},
    {"IpcMode": "host"},
    {"UTSMode": "host"},
    {"UsernsMode": "host"},
    {"CgroupnsMode": "host"},
    {"CapAdd": ["SYS_ADMIN"]},
    {"Devices": [{"PathOnHost": "/dev/sda", "PathInContainer": "/dev/sda"}]},
    {"DeviceRequests": [{"Driver": "nvidia"}]},
    {"DeviceCgroupRules": ["b 8:* rwm"]},
    {"SecurityOpt": ["seccomp=unconfined"]},
    {"SecurityOpt": ["apparmor=unconfined"]},
    {"SecurityOpt": ["label=disable"]},
    {"MaskedPaths": []},
    {"ReadonlyPaths": []},
    {"VolumesFrom": ["web"]},
    {"CgroupParent": "/"},
    {"OomScoreAdj": -1000},
    {"Runtime": "other"},
    {"LogConfig": {"Type": "syslog", "Config": {}}},
    {"PublishAllPorts": True},
    {"VolumeDriver": "sshfs"},
    {"Annotations": {"a": "b"}},
    {"NewOfTomorrow": True},
    # The daemon ignores the case of names, and of duplicates the last one counts.
    {"privileged": True},
    {"PRIVILEGED": True},
    {"cAPaDD": ["ALL"]},
    {"Bind\u017f": ["/:/host"]},
]


@pytest.mark.parametrize("host", REFUSED, ids=json.dumps)
def test_a_container_with_access_to_the_host_is_refused(host: dict[str, Any]) -> None:
    with pytest.raises(RefusedError):
        create(host)


def test_a_second_host_config_is_refused() -> None:
    with pytest.raises(RefusedError, match="appears twice"):
        create(hostconfig={"Privileged": True})


def test_the_host_network_is_refused_by_its_other_name_too() -> None:
    with pytest.raises(RefusedError, match="--network host"):
        create(NetworkingConfig={"EndpointsConfig": {"host": {}}})


def test_a_container_without_options_is_allowed_and_gets_the_labels_of_its_build() -> None:
    body, wanted = create()
    assert body["labels"] == {"own": "1", **LABELS}
    assert body["HostConfig"]["ExtraHosts"] == ["site:169.254.170.2"]
    assert (wanted.containers, wanted.networks, wanted.volumes) == ([], [], [])


def test_a_build_cannot_remove_its_label() -> None:
    body = {"Image": "debian", "labels": {"localcloud.build": "another"}}
    assert rules.create(body, rules.Own(LABELS), [], names.to_local)[0]["labels"] == LABELS


def test_limits_are_forwarded() -> None:
    body, _wanted = create({"Memory": 1024, "CapDrop": ["ALL"], "Init": True, "Tmpfs": {"/tmp": ""}})
    assert body["HostConfig"]["Memory"] == 1024
    assert body["HostConfig"]["CapDrop"] == ["ALL"]


def test_the_objects_that_a_container_refers_to_are_returned() -> None:
    _body, wanted = create({"NetworkMode": "tests", "PidMode": "container:web", "Binds": ["data:/data", "/anonymous"]})
    assert (wanted.networks, wanted.containers, wanted.volumes) == (["tests"], ["web"], ["data"])


@pytest.mark.parametrize("host", [{"Binds": [f"{SOURCE}:/work:ro"]}, bind(SOURCE + "/")])
def test_the_source_folder_can_be_mounted(host: dict[str, Any]) -> None:
    body, wanted = create(host)
    assert "source-volume" in json.dumps(body["HostConfig"])
    assert wanted.volumes == []


def test_ports_are_published_on_loopback() -> None:
    body, _wanted = create({"PortBindings": {"80/tcp": [{"HostIp": "0.0.0.0", "HostPort": "8080"}]}})
    assert body["HostConfig"]["PortBindings"] == {"80/tcp": [{"HostIp": "127.0.0.1", "HostPort": "8080"}]}


@pytest.mark.parametrize(
    "body",
    [
        {"Driver": "macvlan", "Options": {"parent": "eth0"}},
        {"Driver": "host"},
        {"Options": {"com.docker.network.bridge.name": "docker0"}},
        {"ConfigFrom": {"Network": "other"}},
        {"driver": "ipvlan"},
    ],
)
def test_a_network_with_access_to_the_host_is_refused(body: dict[str, Any]) -> None:
    with pytest.raises(RefusedError):
        rules.network({"Name": "n", **body}, LABELS)


def test_a_network_gets_the_label_of_its_build() -> None:
    sent = {
        "Name": "n",
        "Driver": "bridge",
        "Options": {},
        "ConfigFrom": {"Network": ""},
        "Scope": "",
        "Internal": True,
    }
    assert rules.network(sent, LABELS)["labels"] == LABELS


@pytest.mark.parametrize(
    "body",
    [{"DriverOpts": {"type": "none", "o": "bind", "device": "/"}}, {"driveropts": {"device": "/"}}, {"Driver": "nfs"}],
)
def test_a_volume_with_a_folder_of_the_host_is_refused(body: dict[str, Any]) -> None:
    with pytest.raises(RefusedError):
        rules.volume({"Name": "v", **body}, LABELS)


def test_a_privileged_exec_is_refused() -> None:
    with pytest.raises(RefusedError, match="exec --privileged"):
        rules.execution({"Cmd": ["sh"], "privileged": True})


def test_an_update_can_change_limits_only() -> None:
    assert rules.update({"Memory": 5, "RestartPolicy": {}}) == {"Memory": 5}
    with pytest.raises(RefusedError):
        rules.update({"Devices": [{"PathOnHost": "/dev/sda"}]})


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "/swarm/init"),
        ("POST", "/plugins/pull"),
        ("GET", "/secrets"),
        ("POST", "/build/prune"),
        ("POST", "/images/prune"),
        ("GET", "/system/df"),
        ("POST", "/containers/x/attach/ws"),
        ("GET", "/containers/x/attach/ws"),
        ("POST", "/containers/x/checkpoints"),
        ("DELETE", "/containers/create/x"),
        ("PUT", "/plugins/x/set"),
        ("GET", "/"),
    ],
)
def test_a_call_that_is_not_in_the_table_is_refused(method: str, path: str) -> None:
    with pytest.raises(RefusedError):
        route(method, path)


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/_ping"),
        ("POST", "/build"),
        ("POST", "/grpc"),
        ("POST", "/session"),
        ("POST", "/images/create"),
        ("POST", "/images/123456789012.dkr.ecr.us-east-1.amazonaws.com/a/b/push"),
        ("GET", "/images/debian:trixie-slim/json"),
        ("POST", "/containers/create"),
        ("POST", "/containers/web/start"),
        ("POST", "/containers/web/attach"),
        ("GET", "/containers/web/archive"),
        ("PUT", "/containers/web/archive"),
        ("DELETE", "/containers/web"),
        ("POST", "/networks/n/connect"),
        ("DELETE", "/volumes/v"),
    ],
)
def test_the_calls_that_builds_need_are_in_the_table(method: str, path: str) -> None:
    assert method in route(method, path).entry.methods


def test_an_old_api_version_that_accepts_a_host_config_at_start_is_refused() -> None:
    assert without_version("/v1.41/containers/x/start") == "/containers/x/start"
    with pytest.raises(RefusedError, match=r"version 1\.20"):
        without_version("/v1.20/containers/x/start")


# --- names -----------------------------------------------------------------------------------------------------------

ECR = "111122223333.dkr.ecr.us-east-1.amazonaws.com"
LOCAL = "localhost:4701"


@pytest.mark.parametrize(
    ("given", "local"),
    [
        (f"{ECR}/a/b:1", f"{LOCAL}/a/b:1"),
        (f"{ECR}/a@sha256:00", f"{LOCAL}/a@sha256:00"),
        (f"x,{ECR}/a:1,y", f"x,{LOCAL}/a:1,y"),
        ("debian:trixie-slim", "debian:trixie-slim"),
        ("evil." + ECR + "/a", "evil." + ECR + "/a"),
    ],
)
def test_image_names_of_ecr_become_those_of_the_local_registry(
    given: str, local: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("LOCALCLOUD_PORT", raising=False)
    assert names.to_local(given) == local


def test_answers_contain_image_names_of_ecr_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("LOCALCLOUD_PORT", raising=False)
    assert names.to_ecr(f'{{"RepoDigests":["{LOCAL}/a@sha256:00"]}}'.encode()) == (
        f'{{"RepoDigests":["{ECR}/a@sha256:00"]}}'.encode()
    )


ALIASES = (
    "localhost:4701",
    "LOCALHOST:4701",
    "127.0.0.1:4701",
    "127.9.9.9:04701",
    "[::1]:4701",
    "0.0.0.0:4701",
    "169.254.170.2:4701",
    "any.name.that.resolves.example:4701",
    ECR,
)


@pytest.mark.parametrize("host", ALIASES)
@pytest.mark.parametrize(("rest", "repository"), [("a/b:1", "a/b"), (f"a@sha256:{'0' * 64}", "a"), ("a", "a")])
def test_all_addresses_of_the_local_registry_become_the_same(
    host: str, rest: str, repository: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("LOCALCLOUD_PORT", raising=False)
    assert names.parse(f"{host}/{rest}").repository == repository
    assert str(names.parse(f"{host}/{rest}")) == f"{LOCAL}/{rest}"
    assert names.repositories_in(f"BASE={host}/{rest}") == {repository}


@pytest.mark.parametrize("image", ["debian:12", "localhost:5000/a", "example.com/a", "4701/a", "localhost/a:4701"])
def test_an_image_of_another_registry_has_no_repository_in_the_local_one(
    image: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("LOCALCLOUD_PORT", raising=False)
    assert names.parse(image).repository == ""


def test_a_url_of_the_local_cloud_contains_no_repository(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("LOCALCLOUD_PORT", raising=False)
    assert names.repositories_in("API=http://169.254.170.2:4701/bucket/key docker-image://127.0.0.1:4701/a:1") == {"a"}


@pytest.mark.parametrize(
    ("name", "tag", "full"),
    [
        ("web", "", "web:latest"),
        ("web", "1", "web:1"),
        ("web:2", "1", "web:1"),
        ("library/web:1", "", "web:1"),
        ("docker.io/web:1", "", "web:1"),
        ("docker.io/library/web:1", "", "web:1"),
        ("index.docker.io/library/web:1", "", "web:1"),
        ("INDEX.docker.io/web", "", "web:latest"),
        ("docker.io/team/web:1", "", "team/web:1"),
        ("library/team/web:1", "", "library/team/web:1"),
        ("Example.com/Web:1".replace("W", "w"), "", "example.com/web:1"),
        ("web:V1.0", "", "web:V1.0"),
    ],
)
def test_all_spellings_of_an_image_become_one_name(name: str, tag: str, full: str) -> None:
    assert str(names.target(name, tag)) == full


@pytest.mark.parametrize(
    ("name", "tag"),
    [
        ("Web", ""),
        ("web:", ""),
        ("web", "a b"),
        ("web", f"sha256:{'0' * 64}"),
        (f"web@sha256:{'0' * 64}", ""),
        (f"web:1@sha256:{'0' * 64}", ""),
        ("sha256", "1"),
        ("0123456789ab", ""),
        ("0" * 64, "1"),
        ("../web", ""),
        ("web//x", ""),
        ("web,python", ""),
        ("web\nx", ""),
        ("pyth\u00f6n", ""),
        ("", ""),
    ],
)
def test_a_name_that_docker_does_not_accept_or_reads_as_an_id_is_invalid(name: str, tag: str) -> None:
    with pytest.raises(names.InvalidNameError):
        names.target(name, tag)
