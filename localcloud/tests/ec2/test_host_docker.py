"""Docker in hosts: compose projects of two hosts side by side on one daemon, as if each had its own."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator

import pytest

from localcloud.testing.cloud import PULL, WRITE_LOG, Cloud, role, until
from localcloud.testing.hosts import Host, launched, template
from localcloud.testing.plain import unique

pytestmark = [pytest.mark.local, pytest.mark.docker, pytest.mark.slow]

COMPOSE = """
services:
  app:
    image: python:3.13-slim
    container_name: dev-app
    stop_grace_period: 0s
    command: ["python", "-m", "http.server", "8000", "--directory", "/data"]
    volumes: ["data:/data", "./settings:/settings:ro", "./uploads:/uploads"]
    healthcheck: {test: ["CMD", "python", "-c", "import socket; socket.create_connection(('127.0.0.1', 8000))"],
                  interval: 1s, retries: 20}
  proxy:
    image: nginx:alpine
    ports: ["8080:80"]
    volumes: ["./nginx/nginx.conf:/etc/nginx/nginx.conf:ro"]
    depends_on: {app: {condition: service_healthy}}
volumes: {data: {}}
"""
NGINX = """
events {}
http { server { listen 80; location / { proxy_pass http://dev-app:8000; } } }
"""
UP = "cd /srv/shop && docker compose up -d --quiet-pull --wait --wait-timeout 60 2>&1"


@pytest.fixture(scope="module")
def hosts(cloud: Cloud) -> Iterator[list[Host]]:
    """Two hosts with the same compose project, which runs."""
    made = [launched(cloud, template("#!/bin/sh\n")) for _ in range(2)]
    for number, host in enumerate(made):
        host.booted()
        host.write("/srv/shop/docker-compose.yml", COMPOSE)
        host.write("/srv/shop/nginx/nginx.conf", NGINX)
        host.write("/srv/shop/settings/name", f"host {number}")
        host.sh(UP)
        host.sh(f"docker exec dev-app sh -c 'echo {number} > /data/who'")
    yield made
    for host in made:
        cloud.client("ec2").terminate_instances(InstanceIds=[host.id])
        host.wait("terminated")
        left = ["docker", "ps", "-aq", "--filter", f"label=localcloud.host={host.id}"]
        assert subprocess.run(left, check=True, capture_output=True).stdout == b""
        left = ["docker", "volume", "ls", "-q", "--filter", f"label=localcloud.host={host.id}"]
        assert subprocess.run(left, check=True, capture_output=True).stdout == b""


def test_each_host_serves_its_own_project_at_the_published_port(hosts: list[Host]) -> None:
    for number, host in enumerate(hosts):
        assert host.sh("curl -sS http://127.0.0.1:8080/who") == str(number)
        address = host.describe()["PrivateIpAddress"]
        assert hosts[1 - number].sh(f"curl -sS http://{address}:8080/who") == str(number)


def test_a_host_sees_its_own_objects_by_the_names_it_gave(hosts: list[Host]) -> None:
    for host in hosts:
        shown = host.sh("docker ps --format '{{.Names}} {{.Ports}}' | sort")
        assert shown == "dev-app \nshop-proxy-1 0.0.0.0:8080->80/tcp"
        assert host.sh("docker volume ls --format '{{.Name}}' | grep shop") == "shop_data"
        assert host.sh("docker network ls --format '{{.Name}}' | grep shop") == "shop_default"
        assert host.sh("docker ps -q --filter name=dev-app | wc -l") == "1"
        assert host.sh("docker ps -q --filter name=^/dev-app$ | wc -l") == "1"
        assert host.sh("docker inspect dev-app --format '{{.Name}}'") == "/dev-app"
        assert host.sh("cd /srv/shop && docker compose port proxy 80") == "0.0.0.0:8080"
        assert host.sh("docker images --format '{{.Repository}}' | sort") == "nginx\npython"


def test_files_and_folders_of_the_host_are_in_its_containers(hosts: list[Host]) -> None:
    for number, host in enumerate(hosts):
        assert host.sh("docker exec dev-app cat /settings/name") == f"host {number}"
    host = hosts[0]
    host.sh("docker exec dev-app sh -c 'echo kept > /uploads/file; rm /settings/name'")
    host.write("/srv/shop/settings/name", "changed")
    host.write("/srv/shop/settings/more", "more")
    host.sh(f"{UP} --force-recreate")
    assert host.sh("docker exec dev-app cat /uploads/file /settings/name /settings/more") == "kept\nchangedmore"
    host.sh("rm /srv/shop/settings/more")
    host.sh(f"{UP} --force-recreate")
    assert host.sh("docker exec dev-app ls /settings") == "name"
    assert host.sh("curl -sS http://127.0.0.1:8080/who") == "0"


def test_a_port_published_twice_fails_as_on_docker(hosts: list[Host]) -> None:
    with pytest.raises(subprocess.CalledProcessError) as taken:
        hosts[0].sh("docker run --rm -p 8080:80 nginx:alpine 2>&1")
    assert "8080 failed: port is already allocated" in taken.value.stdout


def test_a_port_ends_with_its_container_and_returns_with_it(hosts: list[Host]) -> None:
    host = hosts[1]
    host.sh("docker stop shop-proxy-1")
    with pytest.raises(subprocess.CalledProcessError):
        host.sh("curl -sS http://127.0.0.1:8080/who")
    host.sh("docker start shop-proxy-1")
    until("it answers again", lambda: host.sh("curl -sS http://127.0.0.1:8080/who") == "1")


@pytest.mark.parametrize(
    "options",
    [
        "--privileged",
        "--network host",
        "--pid host",
        "--device /dev/null",
        "--cap-add SYS_ADMIN",
        "-v /:/host",
        "-v /var/run/docker.sock:/var/run/docker.sock",
        "-v /proc:/p",
        "-v /run/localcloud/host.json:/x",
        "-v /srv/link:/x",
        "--mount type=bind,source=/dev/shm,target=/x",
        "--volumes-from {other}",
        "--security-opt seccomp=unconfined",
    ],
)
def test_what_leads_out_of_the_host_is_refused(hosts: list[Host], options: str) -> None:
    host = hosts[0]
    host.sh("ln -sfn /proc /srv/link")
    with pytest.raises(subprocess.CalledProcessError) as refused:
        host.sh(f"docker run --rm {options.format(other='dev-app')} python:3.13-slim true 2>&1")
    assert "refused" in refused.value.stdout


def test_a_path_of_the_developers_machine_is_not_mounted(hosts: list[Host]) -> None:
    shown = hosts[0].sh("docker run --rm -v /var/lib/docker:/x -v /work:/y python:3.13-slim sh -c 'ls /x /y'")
    assert shown.split() == ["/x:", "/y:"]


def test_objects_of_another_host_do_not_exist(hosts: list[Host]) -> None:
    identifier = hosts[1].sh("docker inspect dev-app --format '{{.Id}}'")
    with pytest.raises(subprocess.CalledProcessError) as missing:
        hosts[0].sh(f"docker stop {identifier} 2>&1")
    assert "No such container" in missing.value.stdout
    with pytest.raises(subprocess.CalledProcessError) as missing:
        hosts[0].sh(f"docker rm -f {hosts[1].id}.dev-app 2>&1; docker inspect {hosts[1].id}.dev-app 2>&1")
    assert hosts[1].sh("docker inspect dev-app --format '{{.State.Running}}'") == "true"


def test_containers_do_not_reach_metadata(hosts: list[Host]) -> None:
    ask = "import urllib.request; urllib.request.urlopen('http://169.254.169.254/latest/', timeout=3)"
    with pytest.raises(subprocess.CalledProcessError) as refused:
        hosts[0].sh(f'docker exec dev-app python -c "{ask}" 2>&1')
    assert "Connection refused" in refused.value.stdout


def test_containers_that_restart_always_run_again_after_the_host_was_stopped(cloud: Cloud, hosts: list[Host]) -> None:
    host, ec2 = hosts[1], cloud.client("ec2")
    host.sh("docker run -d --name again --restart always -p 9000:80 nginx:alpine")
    ec2.stop_instances(InstanceIds=[host.id])
    host.wait("stopped")
    ec2.start_instances(InstanceIds=[host.id])
    host.wait("running")
    assert host.sh("docker ps --format '{{.Names}}'") == "again"
    until("it answers", lambda: "nginx" in host.sh("curl -sS http://127.0.0.1:9000/ || true"))
    host.sh("docker rm -f again")
    host.sh(UP)


def test_images_are_those_that_the_host_pulled(hosts: list[Host]) -> None:
    host = hosts[0]
    with pytest.raises(subprocess.CalledProcessError) as missing:
        host.sh("docker image inspect redis:7-alpine 2>&1")
    assert "No such image" in missing.value.stdout
    host.sh("docker pull -q redis:7-alpine")
    assert host.sh("docker rmi redis:7-alpine") == "Untagged: redis:7-alpine"
    assert (
        subprocess.run(["docker", "image", "inspect", "redis:7-alpine"], check=False, capture_output=True).returncode
        == 0
    )
    with pytest.raises(subprocess.CalledProcessError) as used:
        host.sh("docker rmi nginx:alpine 2>&1")
    assert "conflict" in used.value.stdout


def test_volumes_lie_on_the_data_volume_and_outlive_the_host(cloud: Cloud) -> None:
    ec2 = cloud.client("ec2")
    first = launched(cloud, template("#!/bin/sh\n"))
    volume = ec2.create_volume(AvailabilityZone=first.describe()["Placement"]["AvailabilityZone"], Size=5)["VolumeId"]
    write = "docker run --rm -v data:/data -v /srv/files:/files python:3.13-slim sh -c"
    ec2.attach_volume(VolumeId=volume, InstanceId=first.id, Device="/dev/sdf")
    first.sh(f"{write} 'echo named > /data/a; echo folder > /files/b'")
    ec2.terminate_instances(InstanceIds=[first.id])
    first.wait("terminated")
    second = launched(cloud, template("#!/bin/sh\n"))
    ec2.attach_volume(VolumeId=volume, InstanceId=second.id, Device="/dev/sdf")
    assert second.sh(f"{write} 'cat /data/a /files/b'") == "named\nfolder"
    assert second.sh("docker volume ls -q | grep -c ^data$") == "1"
    ec2.detach_volume(VolumeId=volume)
    ec2.delete_volume(VolumeId=volume)
    left = ["docker", "volume", "ls", "-q", "--filter", f"label=localcloud.ebs={volume}"]
    assert subprocess.run(left, check=True, capture_output=True).stdout == b""


def test_ecr_needs_a_login_and_the_rights_of_the_instances_role(cloud: Cloud) -> None:
    name = unique("shop")
    repository = cloud.client("ecr").create_repository(repositoryName=name)["repository"]["repositoryUri"]
    for command in (
        ["tag", "nginx:alpine", f"localhost:{cloud.port}/{name}:1"],
        ["push", f"localhost:{cloud.port}/{name}:1"],
    ):
        subprocess.run(["docker", *command], check=True, capture_output=True)
    subprocess.run(["docker", "rmi", f"localhost:{cloud.port}/{name}:1"], check=True, capture_output=True)
    allowed = launched(cloud, template("#!/bin/sh\n", Role=role(PULL, service="ec2.amazonaws.com")))
    denied = launched(cloud, template("#!/bin/sh\n", Role=role(WRITE_LOG, service="ec2.amazonaws.com")))
    login = (
        f"aws ecr get-login-password | docker login --username AWS --password-stdin {repository.partition('/')[0]} 2>&1"
    )
    with pytest.raises(subprocess.CalledProcessError) as refused:
        allowed.sh(f"docker pull {repository}:1 2>&1")
    assert "no basic auth credentials" in refused.value.stdout
    allowed.sh(f"{login} && docker pull -q {repository}:1 && docker run -d -p 80:80 {repository}:1")
    until("it answers", lambda: "nginx" in allowed.sh("curl -sS http://127.0.0.1/ || true"))
    assert allowed.sh("docker images --format '{{.Repository}}'") == repository
    with pytest.raises(subprocess.CalledProcessError) as refused:
        denied.sh(f"docker pull {repository}:1 2>&1")
    assert "denied" in refused.value.stdout


def test_lines_of_containers_are_in_cloudwatch_logs_and_in_docker_logs(cloud: Cloud) -> None:
    group, logs = unique("/hosts/shop"), cloud.client("logs")
    daemon = {
        "log-driver": "awslogs",
        "log-opts": {"awslogs-group": group, "awslogs-region": "us-east-1", "tag": "{{.Name}}/host-1"},
    }
    boot = f"#!/bin/sh\nmkdir -p /etc/docker\ncat > /etc/docker/daemon.json <<'EOF'\n{json.dumps(daemon)}\nEOF\n"
    host = launched(cloud, template(boot, Role=role(WRITE_LOG, service="ec2.amazonaws.com")))
    host.booted()
    run = "docker run --name job python:3.13-slim echo hello 2>&1"
    with pytest.raises(subprocess.CalledProcessError) as failed:
        host.sh(run)
    assert "failed to create Cloudwatch log stream" in failed.value.stdout
    logs.create_log_group(logGroupName=group)
    host.sh(f"docker rm -f job; {run}")

    def lines() -> list[tuple[str, str]]:
        found = logs.filter_log_events(logGroupName=group)["events"]
        return [(event["logStreamName"], event["message"]) for event in found]

    until("the line has arrived", lambda: lines() == [("job/host-1", "hello")])
    assert host.sh("docker logs job") == "hello"
    # Compose replaces containers so: the new one has a name for the meantime until the old one has gone.
    host.sh("docker create --name 0a1b_job python:3.13-slim echo again; docker rm job; docker rename 0a1b_job job")
    host.sh("docker start job")
    until("the second line has arrived", lambda: lines()[1:] == [("job/host-1", "again")])
