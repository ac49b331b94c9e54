"""Docker in a privileged build: builds can do what they need, cannot reach the host, and leave nothing behind."""

from __future__ import annotations

import json
import os
import signal
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import docker
import pytest

from builds import buildspec
from localcloud import launcher, process
from localcloud.codebuild.container import BUILD_LABEL
from localcloud.testing.builds import LOGS, REGISTRY, Builder, allow, exported, message, spec
from localcloud.testing.cloud import IMAGE, Cloud
from localcloud.testing.docker_socket import Socket
from localcloud.testing.plain import unique

pytestmark = [pytest.mark.local, pytest.mark.docker, pytest.mark.slow]

ECR = allow(["ecr:*"])
DOCKERFILE = f"FROM {IMAGE}\\nCOPY data /data\\n"


def owned(build_id: str) -> list[Any]:
    client, label = docker.from_env(), {"label": f"{BUILD_LABEL}={build_id}"}
    containers = client.containers.list(all=True, filters=dict(label))
    return [*containers, *client.networks.list(filters=dict(label)), *client.volumes.list(filters=dict(label))]


def succeeded(builder: Builder) -> tuple[dict[str, Any], list[str]]:
    build = builder.run()
    log = builder.log(build)
    assert build["buildStatus"] == "SUCCEEDED", "\n".join(log)
    return build, log


@pytest.fixture(scope="module")
def repository(cloud: Cloud) -> str:
    name = f"{unique('own')}/backend"
    cloud.client("ecr").create_repository(repositoryName=name)
    return name


def test_an_image_is_built_pushed_and_found_by_its_digest(cloud: Cloud, repository: str) -> None:
    image = f"{REGISTRY}/{repository}:one"
    described = f"aws ecr describe-images --repository-name {repository} --image-ids imageTag=one"
    builder = Builder(
        cloud,
        spec(
            f"aws ecr get-login-password | docker login --username AWS --password-stdin {REGISTRY}",
            f"printf '{DOCKERFILE}' > Dockerfile && date +%N > data",
            f"docker build --progress plain --tag {image} .",
            f"docker push --quiet {image}",
            f"LOCAL=$(docker image inspect --format '{{{{index .RepoDigests 0}}}}' {image})",
            f"DIGEST=$({described} --query 'imageDetails[0].imageDigest' --output text)",
            "docker image rm $LOCAL || :",
            f"docker run --rm --pull always {REGISTRY}/{repository}@$DIGEST cat /data",
            env={"shell": "bash", "exported-variables": ["LOCAL", "DIGEST"]},
        ),
        LOGS,
        ECR,
        privileged=True,
    )
    build, _log = succeeded(builder)
    found = cloud.client("ecr").describe_images(repositoryName=repository, imageIds=[{"imageTag": "one"}])
    digest = found["imageDetails"][0]["imageDigest"]
    assert exported(build) == {"LOCAL": f"{REGISTRY}/{repository}@{digest}", "DIGEST": digest}


def test_our_image_build_writes_the_packages_of_the_image(cloud: Cloud, repository: str) -> None:
    ours = buildspec("image")
    phases = dict(ours["phases"])
    product = (
        f"printf '{DOCKERFILE}' > Dockerfile && date +%N > data && echo '{{\"version\": \"1.0.0\"}}' > package.json"
    )
    phases["install"] = {"commands": [product, *phases["install"]["commands"]]}
    count = "jq --raw-output '.components[].purl' .sbom/sbom.cdx.json | grep --count pkg:"
    phases["post_build"] = {"commands": [f"export LISTED=$({count})"]}
    env = {**ours["env"], "exported-variables": ["LISTED"]}
    given = {"REPOSITORY_URI": f"{REGISTRY}/{repository}", "COMMIT": "c" * 40, "BRANCH": "main"}
    builder = Builder(
        cloud,
        json.dumps({"version": "0.2", "env": env, "phases": phases}),
        LOGS,
        ECR,
        privileged=True,
        variables=[{"name": k, "value": v} for k, v in {**given, "VERSION_FILE": "package.json"}.items()],
    )
    build, log = succeeded(builder)
    assert int(exported(build)["LISTED"]) > 10, log


def test_our_bundle_installs_in_the_whole_checkout(cloud: Cloud) -> None:
    ours = buildspec("bundle")
    phases = dict(ours["phases"])
    scripts = {"postinstall": "cp ../shared/marker .", "build": "cp -r . ../dist; mv ../dist ."}
    package = json.dumps({"name": "shop", "scripts": scripts})
    lock = json.dumps({"name": "shop", "lockfileVersion": 3, "packages": {"": {"name": "shop"}}})
    product = (
        "mkdir -p frontend shared && date > shared/marker && touch frontend/index.html && "
        f"printf %s '{package}' > frontend/package.json && printf %s '{lock}' > frontend/package-lock.json"
    )
    phases["install"] = {"commands": [product, *phases["install"]["commands"]]}
    phases["post_build"] = {"commands": ["export FOUND=$(ls build-output/marker)"]}
    env = {**ours["env"], "exported-variables": ["FOUND"]}
    builder = Builder(cloud, json.dumps({"version": "0.2", "env": env, "phases": phases}), LOGS, privileged=True)
    build, log = succeeded(builder)
    assert exported(build) == {"FOUND": "build-output/marker"}, log


def test_buildx_pushes_and_uses_its_cache_in_the_registry(cloud: Cloud, repository: str) -> None:
    image = f"{REGISTRY}/{repository}"
    cache = f"--cache-from type=registry,ref={image}:cache --cache-to type=inline"
    builder = Builder(
        cloud,
        spec(
            f"printf '{DOCKERFILE}' > Dockerfile && date +%N > data",
            f"docker buildx build --progress plain {cache} --tag {image}:cache --tag {image}:two --push .",
            f"docker buildx build --progress plain {cache} --build-arg BASE={image}:two --tag {image}:three --load .",
            f"docker tag {image}:three {image}:four && docker push --quiet {image}:four",
        ),
        LOGS,
        ECR,
        privileged=True,
    )
    _build, log = succeeded(builder)
    assert any("importing cache manifest from" in line for line in log)
    found = cloud.client("ecr").describe_images(repositoryName=repository)["imageDetails"]
    assert {"cache", "two", "four"} <= {tag for image in found for tag in image["imageTags"]}


def test_a_role_that_may_not_push_gets_the_missing_statement_in_the_log(cloud: Cloud, repository: str) -> None:
    image = f"{REGISTRY}/{repository}:denied"
    builder = Builder(cloud, spec(f"docker tag {IMAGE} {image}", f"docker push {image}"), LOGS, privileged=True)
    build = builder.run()
    assert build["buildStatus"] == "FAILED"
    assert '"Action": "ecr:PutImage"' in "\n".join(builder.log(build))


def test_containers_communicate_on_a_network_of_the_build_and_reach_the_local_cloud(cloud: Cloud) -> None:
    get = "import sys, urllib.request as r; print(r.urlopen(sys.argv[1], timeout=10).status)"
    health = f"{cloud.settings.container_url}/_ministack/health"
    name = unique("web")
    builder = Builder(
        cloud,
        spec(
            f"docker network create {name}",
            f"docker run --detach --name {name} --network {name} {IMAGE} python -u -m http.server 8000",
            f'docker run --rm --network {name} {IMAGE} python -c "{RETRIED}" http://{name}:8000',
            f'docker run --rm --network {name} {IMAGE} python -c "{get}" {health}',
            f'docker run --rm {IMAGE} python -c "{get}" {health}',
            f'docker run --rm $DOCKER_RUN_OPTIONS {IMAGE} python -c "{get}" {health}',
            f"echo text | docker run --rm --interactive {IMAGE} cat",
            f"docker exec {name} python --version && docker cp {name}:/etc/hostname copied && test -s copied",
            f"docker run --rm --volume $CODEBUILD_SRC_DIR:/work {IMAGE} test -s /work/copied",
            f"docker run --rm --volume {name}:/data {IMAGE} touch /data/file",
            f"docker run --rm --volume {name}:/data {IMAGE} test -e /data/file",
        ),
        privileged=True,
    )
    build, log = succeeded(builder)
    assert log.count("200") == 4
    assert "text" in log
    assert owned(build["id"]) == []  # the container, the network and the volume are gone


RETRIED = (
    "import sys, time, urllib.request as r\\n"
    "for _ in range(50):\\n"
    "  try: print(r.urlopen(sys.argv[1], timeout=10).status); break\\n"
    "  except OSError: time.sleep(0.1)\\n"
).replace("\\n", "\n")


def test_a_site_is_found_by_its_name(cloud: Cloud) -> None:
    cloudfront = cloud.client("cloudfront")
    behavior = {"TargetOriginId": "o", "ViewerProtocolPolicy": "allow-all", "MinTTL": 0}
    behavior["ForwardedValues"] = {"QueryString": False, "Cookies": {"Forward": "none"}}
    origin = {"Id": "o", "DomainName": "none.s3.amazonaws.com", "S3OriginConfig": {"OriginAccessIdentity": ""}}
    config = {
        "CallerReference": unique("site"),
        "Origins": {"Quantity": 1, "Items": [origin]},
        "DefaultCacheBehavior": behavior,
        "Comment": "",
        "Enabled": True,
    }
    made = cloudfront.create_distribution(DistributionConfig=config)["Distribution"]
    names = [f"{made['Id'].lower()}.cloudfront.localhost", made["DomainName"]]
    commands = [f"docker run --rm {IMAGE} getent hosts {name}" for name in names]
    _build, log = succeeded(Builder(cloud, spec(*commands, f"getent hosts {names[0]}"), privileged=True))
    assert sum(line.startswith(cloud.settings.relay_address) for line in log) == 3


# --- refused ---------------------------------------------------------------------------------------------------------

ESCAPES = {
    "run --privileged": "--privileged is refused",
    "run --volume /:/host": "the bind mount of / is refused",
    "run --mount type=bind,source=/etc,target=/x": "the bind mount of /etc is refused",
    "run --volume /var/run/docker.sock:/var/run/docker.sock": "the bind mount of /var/run/docker.sock is refused",
    "run --network host": "--network host is refused",
    "run --pid host": "--pid host is refused",
    "run --ipc host": "--ipc host is refused",
    "run --uts host": "UTSMode host is refused",
    "run --userns host": "UsernsMode host is refused",
    "run --cgroupns host": "CgroupnsMode host is refused",
    "run --cap-add SYS_ADMIN": "--cap-add is refused",
    "run --device /dev/null": "--device is refused",
    "run --security-opt seccomp=unconfined": "--security-opt seccomp=unconfined is refused",
    "run --security-opt systempaths=unconfined": "systempaths=unconfined is refused",
    "run --volumes-from OTHER": "--volumes-from is refused",
    "run --cgroup-parent /": "--cgroup-parent is refused",
    "run --network container:OTHER": "does not belong to this build",
    "run --pid container:OTHER": "does not belong to this build",
    "run --link OTHER:x": "does not belong to this build",
}
COMMANDS = {
    "docker exec OTHER true": "does not belong to this build",
    "docker cp OTHER:/etc/passwd x": "does not belong to this build",
    "docker rm --force OTHER": "does not belong to this build",
    "docker logs OTHER": "does not belong to this build",
    "docker inspect OTHER": "does not belong to this build",
    "docker kill OTHER": "does not belong to this build",
    "docker commit OTHER x": "does not belong to this build",
    "docker network rm NETWORK": "does not belong to this build",
    "docker network create --driver macvlan x": "driver macvlan is refused",
    "docker volume create --opt type=none --opt o=bind --opt device=/ x": "driver options",
    f"docker image rm {IMAGE}": "was not named by this build",
    "docker system df": "builds may not use this part",
    "docker image prune --force": "builds may not use this part",
    "docker swarm init": "builds may not use this part",
    "docker plugin ls": "builds may not use this part",
    "docker push example.com/x": "a build may push to ECR of the local cloud only",
    "echo x | docker login --username u --password-stdin example.com": "no registry except",
    "docker build --network host .": "build --network host is refused",
    "docker build --allow network.host .": "entitlement network.host is refused",
    "docker buildx prune --force": "cache of builds is shared",
    "DOCKER_BUILDKIT=0 docker build --network host .": "build --network host is refused",
    "DOCKER_API_VERSION=1.24 docker ps": "version 1.24 of the Docker API is refused",
    "docker exec --privileged $(cat /etc/hostname) true": "exec --privileged is refused",
    f"docker tag {IMAGE} redis:7-alpine": "the name redis:7-alpine is refused: the local cloud runs images",
    f"docker build --tag {IMAGE} .": f"the name {IMAGE} is refused: the local cloud runs images",
    "docker build --tag public.ecr.aws/lambda/python:3.13 .": "the name public.ecr.aws/lambda/python:3.13 is refused",
    "docker build --tag debian:trixie-slim .": "this build did not make that image",
    "docker buildx build --load --tag free --tag docker.io/library/debian:trixie-slim .": "did not make that image",
    "docker buildx build --output type=image,name=debian:trixie-slim .": "did not make that image",
    "DOCKER_BUILDKIT=0 docker build --tag debian:trixie-slim .": "did not make that image",
    "docker buildx build --output type=docker,name=debian:trixie-slim,dest=x . && docker load --input x": "did not",
    f"docker save --output y {IMAGE} && docker load --input y": f"the name {IMAGE} is refused",
    f"docker create --name committed {IMAGE} && docker commit committed debian:trixie-slim": "did not make that image",
    "docker import data debian:trixie-slim": "did not make that image",
}


def test_every_way_to_the_host_is_refused(cloud: Cloud) -> None:
    other, network = cloud.settings.gateway, cloud.settings.network
    commands = [f"docker {options} {IMAGE} true" for options in ESCAPES] + list(COMMANDS)
    named = [command.replace("OTHER", other).replace("NETWORK", network) for command in commands]
    tried = [f"{{ {command}; }} >said 2>&1 && echo ESCAPED || tr '\\n' ' ' <said" for command in named]
    files = ("printf 'FROM scratch\\nCOPY data /\\n' > Dockerfile", "echo 1 > data")
    before = {name: docker.from_env().images.get(name).id for name in (IMAGE, "debian:trixie-slim", "redis:7-alpine")}
    builder = Builder(cloud, spec(*files, *tried), privileged=True)
    build, log = succeeded(builder)
    shown = "\n".join(line for line in log if not line.startswith("[Container]"))
    assert "ESCAPED" not in [line.strip() for line in log], shown
    expected = [*ESCAPES.values(), *COMMANDS.values()]
    missing = [(command, words) for command, words in zip(commands, expected, strict=True) if words not in shown]
    assert missing == [], shown
    assert docker.from_env().containers.get(other).status == "running"
    assert {name: docker.from_env().images.get(name).id for name in before} == before
    assert owned(build["id"]) == []


@pytest.mark.parametrize("builder", ["0", "1"])
def test_a_base_image_of_the_registry_needs_the_right_to_pull_under_every_address(
    builder: str, cloud: Cloud, repository: str
) -> None:
    tag = unique("base")
    image, port = f"{REGISTRY}/{repository}:{tag}", cloud.settings.port
    commands = (
        f"printf 'FROM {IMAGE}\\nRUN cat /proc/sys/kernel/random/uuid > /data\\n' > Dockerfile",
        f"docker build --tag {image} . && docker push --quiet {image}",
    )
    made = Builder(cloud, spec(*commands), LOGS, ECR, privileged=True)
    succeeded(made)
    froms = [f"FROM {host}:{port}/{repository}:{tag}" for host in ("localhost", "127.0.0.1")]
    froms.append(f"ARG A={port}/{repository}\\nFROM 127.0.0.1:${{A}}:{tag}")
    tried = [
        f"printf '{line}\\n' > Dockerfile && {{ DOCKER_BUILDKIT={builder} docker build --no-cache . >said 2>&1 "
        "&& echo BUILT || { echo FAILED; cat said; }; }"
        for line in froms
    ]
    _build, log = succeeded(Builder(cloud, spec(*tried), LOGS, privileged=True))
    assert (log.count("FAILED"), log.count("BUILT")) == (3, 0), "\n".join(log)
    if builder == "0":  # BuildKit shows only the status
        assert f"may not ecr:BatchGetImage on arn:aws:ecr:us-east-1:111122223333:repository/{repository}" in "\n".join(
            log
        )
    _build, log = succeeded(Builder(cloud, spec(*tried), LOGS, ECR, privileged=True))
    assert (log.count("FAILED"), log.count("BUILT")) == (0, 3), "\n".join(log)


def test_an_image_of_a_build_is_its_own_and_is_removed_with_it(cloud: Cloud) -> None:
    name = unique("own-image")
    files = f"printf 'FROM {IMAGE}\\nRUN cat /proc/sys/kernel/random/uuid > /data\\n' > Dockerfile"
    builder = Builder(
        cloud,
        spec(files, f"docker build --tag {name} .", f"docker run --rm {name} true", "echo made", "sleep 600"),
        privileged=True,
    )
    build_id = builder.start()
    builder.wait_for_line(build_id, "made")
    try:
        assert f"{name}:latest" in docker.from_env().images.get(name).tags
        build = Builder(cloud, spec("true"), image=name).run()
        assert build["buildStatus"] == "FAILED"
        assert f"image {name} is not on this machine" in message(build, "PROVISIONING")
    finally:
        builder.codebuild.stop_build(id=build_id)
    builder.ended(build_id)
    with pytest.raises(docker.errors.ImageNotFound):
        docker.from_env().images.get(name)


@pytest.fixture
def gate(cloud: Cloud) -> Iterator[Path]:
    """The Docker socket of a build that is waiting."""
    builder = Builder(cloud, spec("echo begun", "sleep 600"), privileged=True)
    build_id = builder.start()
    builder.wait_for_line(build_id, "begun")
    container = docker.from_env().containers.list(filters={"label": f"{BUILD_LABEL}={build_id}"})[0]
    mounts = {mount["Destination"]: mount["Source"] for mount in container.attrs["Mounts"]}
    yield Path(mounts["/var/run/docker.sock"])
    builder.codebuild.stop_build(id=build_id)


def test_a_second_request_behind_an_upgrade_reaches_nobody(gate: Path) -> None:
    hidden = b"POST /v1.41/containers/create HTTP/1.1\r\nHost: d\r\nContent-Type: application/json\r\n"
    body = json.dumps({"Image": IMAGE, "HostConfig": {"Privileged": True}}).encode()
    hidden += f"Content-Length: {len(body)}\r\n\r\n".encode() + body
    upgrade = b"Connection: Upgrade\r\nUpgrade: tcp\r\n"
    for head in (
        b"GET /_ping HTTP/1.1\r\nHost: d\r\n" + upgrade + b"\r\n",
        b"GET /_ping HTTP/1.1\r\nHost: d\r\n\r\n",
        b"POST /exec/none/start HTTP/1.1\r\nHost: d\r\nContent-Length: 0\r\n" + upgrade + b"\r\n",
    ):
        with socket.socket(socket.AF_UNIX) as connection:
            connection.settimeout(10)
            connection.connect(str(gate))
            connection.sendall(head + hidden)
            answer = b""
            while data := connection.recv(65536):
                answer += data
        assert answer.count(b"HTTP/1.1 ") == 1, answer


def test_a_path_that_hides_another_is_refused(gate: Path) -> None:
    for path in ("/containers/../images/json", "/v1.41//containers/json", "/containers/a%2f..%2fb/json"):
        connection = Socket(gate)
        connection.request("GET", path)
        assert connection.getresponse().status in {403, 404}, path


def test_a_socket_is_removed_with_its_build(cloud: Cloud) -> None:
    builder = Builder(cloud, spec("docker version --format '{{.Server.Os}}'"), privileged=True)
    succeeded(builder)
    assert list((cloud.settings.run / "docker").glob("*.sock")) == []


@pytest.mark.last
def test_a_killed_server_leaves_nothing_of_a_build(cloud: Cloud) -> None:
    name = unique("left")
    commands = (f"docker network create {name}", f"docker run -d --network {name} {IMAGE} sleep 600", "echo begun")
    builder = Builder(cloud, spec(*commands, "sleep 600"), privileged=True)
    build_id = builder.start()
    builder.wait_for_line(build_id, "begun")
    assert len(owned(build_id)) == 4  # two containers, a network, the volume of the source
    pid = process.running(cloud.settings)
    assert pid is not None
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)
    assert launcher.up(cloud.settings) == 0
    assert owned(build_id) == []
