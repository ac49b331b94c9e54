"""The containers behind instances: created, started, stopped and removed; `hosts` tells which ones run.

An instance of an image of Amazon Linux 2023 or Ubuntu gets a container of its own. All others are on record only.
"""

from __future__ import annotations

import json
import logging
import secrets
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import docker
from docker.errors import APIError, DockerException, NotFound
from ministack.core.responses import get_account_id, get_region, request_scope
from ministack.services import ec2, iam

from localcloud import certificate_authorities, containers, local_images, machine_images, network, settings
from localcloud.ec2 import devices, hosts

SYMBOLS: tuple[str, ...] = (
    "ministack.core.responses:request_scope",
    "ministack.services.ec2:_instances",
    "ministack.services.ec2:_volumes",
    "ministack.services.iam:_instance_profiles",
    "ministack.services.iam:_roles",
)

HOST_LABEL = f"{settings.LABEL}.host"
"""The label of everything that belongs to a host; its value is the ID of the instance."""
MACHINE_LABEL = f"{settings.LABEL}.machine"
"""The label of the host's own container, which the host itself does not see."""
METADATA_ADDRESS = "169.254.169.254"
ROOT_DEVICES = ("/dev/xvda", "/dev/sda1")
"""The root disks of Amazon Linux and of Ubuntu."""
REPOSITORY, FOLDER = "localcloud/host", Path(__file__).parent / "image"
PENDING, RUNNING, SHUTTING_DOWN, TERMINATED, STOPPING, STOPPED = (
    {"Code": code, "Name": name}
    for code, name in (
        (0, "pending"),
        (16, "running"),
        (32, "shutting-down"),
        (48, "terminated"),
        (64, "stopping"),
        (80, "stopped"),
    )
)
_UBUNTU = 'NAME="Ubuntu"\nID=ubuntu\nID_LIKE=debian\nVERSION_ID="{release}"\nPRETTY_NAME="Ubuntu {release} LTS"\n'
_READY_SECONDS = 60.0
_STOP_SECONDS = 10
_FOREVER = 365 * 24 * 3600  # the daemon sends an event whenever there is one
_CONSOLE_BYTES = 64 * 1024  # docs.aws.amazon.com/AWSEC2/latest/APIReference/API_GetConsoleOutput.html

Record = dict[str, Any]
logger = logging.getLogger("localcloud")


class MachineError(RuntimeError):
    """A machine could not be started; the message says why."""


@dataclass
class Machine:
    """The container behind one instance."""

    record: Record
    account: str
    region: str
    secret: str = field(default_factory=lambda: secrets.token_hex(32))
    lock: threading.RLock = field(default_factory=threading.RLock)
    relaying: threading.Lock = field(default_factory=threading.Lock)
    """Held while the published ports of the host's containers are listed and its agent relays them."""
    on_removed: list[Callable[[], None]] = field(default_factory=list)

    @property
    def id(self) -> str:
        """The ID of the instance."""
        return str(self.record["InstanceId"])

    @property
    def name(self) -> str:
        """The name of the container."""
        return f"{settings.current().network}-{self.id}"

    @property
    def address(self) -> str:
        """The host's address on the local cloud's network; it keeps it until it is terminated."""
        return str(self.record.get("PrivateIpAddress", ""))

    @property
    def arn(self) -> str:
        """The ARN of the instance."""
        return f"arn:aws:ec2:{self.region}:{self.account}:instance/{self.id}"

    @property
    def role_arn(self) -> str:
        """The role of the instance profile; empty if the instance has none."""
        profile = (self.record.get("IamInstanceProfile") or {}).get("Arn", "")
        known = iam._instance_profiles.get_scoped(self.account, None, profile.rsplit("/", 1)[-1]) or {}
        role = next(iter(known.get("Roles") or ()), "")
        found = iam._roles.get_scoped(self.account, None, role) if role else None
        return str((found or {}).get("Arn", ""))

    def labels(self) -> dict[str, str]:
        """Returns the labels of everything that belongs to the host."""
        return {**network.labels(settings.current()), HOST_LABEL: self.id}

    def volumes(self) -> list[Record]:
        """Returns the attached data volumes."""
        every = [volume for (account, _region, _id), volume in ec2._volumes.all_items() if account == self.account]
        return [
            volume
            for volume in every
            if any(a["InstanceId"] == self.id and a["Device"] not in ROOT_DEVICES for a in volume["Attachments"])
        ]


_machines: dict[str, Machine] = {}
#: Called with a machine and Docker before its container is created; they return more arguments of docker-py.
on_created: list[Callable[[Machine], dict[str, Any]]] = []
#: Called with a machine and Docker when it has started, is about to stop, or is removed.
on_started: list[Callable[[Machine], None]] = []
on_stopping: list[Callable[[Machine], None]] = []
on_removing: list[Callable[[Machine], None]] = []


def find(instance_id: str) -> Machine | None:
    """Returns the machine of an instance; None if the instance is on record only."""
    return _machines.get(instance_id)


def by_secret(secret: str) -> Machine | None:
    """Returns the machine that a metadata request comes from; None if no machine has this secret."""
    return next((m for m in list(_machines.values()) if secrets.compare_digest(m.secret, secret)), None)


def _run_in_background(machine: Machine, work: Callable[[Machine], None]) -> None:
    def run() -> None:
        with request_scope(machine.account, machine.region), machine.lock:
            try:
                work(machine)
            except (DockerException, local_images.ImageBuildError, MachineError, OSError) as error:
                logger.warning("instance %s: %s", machine.id, error)
                machine.record["StateReason"] = ("Server.InternalError", f"Server.InternalError: {error}")
                if machine.record["State"] is PENDING:
                    _remove(machine)

    threading.Thread(target=run, daemon=True, name="localcloud-ec2").start()


# --- the life of a machine -------------------------------------------------------------------------------------------


def launch(record: Record) -> None:
    """Gives an instance a machine, which starts in the background; the instance is pending until it runs."""
    machine = Machine(record, get_account_id(), get_region())
    _machines[machine.id] = machine
    record["State"] = PENDING
    record["PublicIpAddress"] = record["PublicDnsName"] = ""
    _run_in_background(machine, _create)


def _create(machine: Machine) -> None:
    _Deaths.watch()
    client, chosen = docker.from_env(timeout=180), settings.current()
    image = local_images.provide(
        client, REPOSITORY, FOLDER, lambda: logger.warning("building the image of EC2 hosts, once per machine")
    )
    address = containers.free_address(client.containers)
    endpoint = client.api.create_endpoint_config(ipv4_address=address, link_local_ips=[METADATA_ADDRESS])
    dashed = address.replace(".", "-")
    machine.record.update(PrivateIpAddress=address, PrivateDnsName=f"ip-{dashed}.ec2.internal")
    volumes = [certificate_authorities.bind()]
    arguments: dict[str, Any] = {}
    for callback in on_created:
        given = callback(machine)
        volumes += given.pop("volumes", [])
        arguments |= given
    container = client.containers.create(
        image,
        name=machine.name,
        hostname=f"ip-{dashed}.ec2.internal",
        labels={**network.labels(chosen), MACHINE_LABEL: machine.id, containers.ADDRESS_LABEL: address},
        network=chosen.network,
        networking_config={chosen.network: endpoint},
        environment={"AWS_ENDPOINT_URL": chosen.container_url, **certificate_authorities.variables()},
        volumes=volumes,
        init=True,
        **arguments,
    )
    own = {"relay": chosen.relay_address, "port": chosen.port, "secret": machine.secret}
    devices.put(container, "/run/localcloud", {"host.json": json.dumps(own).encode()}, mode=0o600)
    release = machine_images.ubuntu_release(machine.record["ImageId"])
    if release:
        devices.put(container, "/etc", {"os-release": _UBUNTU.format(release=release).encode()})
    _start(machine)


def container_of(machine: Machine) -> Any:
    """Returns the container of a machine.

    Raises:
        NotFound: if it does not exist.
    """
    return docker.from_env(timeout=180).containers.get(machine.name)


def _start(machine: Machine) -> None:
    container = container_of(machine)
    container.start()
    deadline = time.monotonic() + _READY_SECONDS
    while container.exec_run(["test", "-S", "/run/localcloud/agent.sock"]).exit_code:
        container.reload()
        if container.status != "running" or time.monotonic() > deadline:
            raise MachineError(f"its container does not start: {container.logs(tail=5).decode(errors='replace')}")
        time.sleep(0.05)
    shown = {volume["VolumeId"]: volume for volume in machine.volumes()}
    for volume in shown.values():
        devices.show(container, machine.id, volume)
    for callback in on_started:
        callback(machine)
    if machine.record["State"] is not PENDING:  # terminated in the meantime
        return
    machine.record["State"] = RUNNING
    # From here on, who attaches a volume shows it; the user data may have attached one, or detached one, before.
    now = {volume["VolumeId"]: volume for volume in machine.volumes()}
    for volume_id in now.keys() - shown.keys():
        devices.show(container, machine.id, now[volume_id])
    for volume_id in shown.keys() - now.keys():
        devices.hide(container, volume_id)
    hosts.report_started(_host(machine))


def _host(machine: Machine) -> hosts.Host:
    record = machine.record
    return hosts.Host(
        instance_id=machine.id,
        account=machine.account,
        region=machine.region,
        container_name=machine.name,
        address=machine.address,
        image_id=record["ImageId"],
        instance_type=record["InstanceType"],
        role_arn=machine.role_arn,
        started=time.time(),
    )


def start(machine: Machine) -> None:
    """Starts a stopped machine in the background."""
    machine.record["State"] = PENDING
    machine.record["LaunchTime"] = time.strftime("%Y-%m-%dT%H:%M:%S.000Z", time.gmtime())
    _run_in_background(machine, _start)


def stop(machine: Machine) -> None:
    """Stops a machine in the background; its disk and its containers remain."""
    machine.record["State"] = STOPPING
    hosts.report_ended(machine.id)
    _run_in_background(machine, _stop)


def _stop(machine: Machine) -> None:
    for callback in on_stopping:
        callback(machine)
    container_of(machine).stop(timeout=_STOP_SECONDS)
    if machine.record["State"] is STOPPING:
        machine.record["State"] = STOPPED


def reboot(machine: Machine) -> None:
    """Stops and starts a machine in the background; the instance stays in the state running, as on AWS."""

    def work(rebooted: Machine) -> None:
        hosts.report_ended(rebooted.id)
        for callback in on_stopping:
            callback(rebooted)
        rebooted.record["State"] = PENDING  # so that its end is not taken for a death
        container_of(rebooted).stop(timeout=_STOP_SECONDS)
        _start(rebooted)

    _run_in_background(machine, work)


def terminate(machine: Machine) -> None:
    """Removes a machine in the background, with everything that belongs to it but data volumes."""
    machine.record["State"] = SHUTTING_DOWN
    hosts.report_ended(machine.id)
    _run_in_background(machine, _remove)


def _remove(machine: Machine) -> None:
    hosts.report_ended(machine.id)
    for callback in on_removing:
        callback(machine)
    try:
        container_of(machine).remove(force=True, v=True)
    except (NotFound, APIError) as error:
        if getattr(error, "status_code", 404) not in (404, 409):
            raise
    for volume in machine.volumes():
        volume.update(Attachments=[], State="available")
    for mapping in machine.record.get("BlockDeviceMappings", []):
        ec2._volumes.pop_scoped(machine.account, machine.region, mapping["Ebs"]["VolumeId"], None)
    machine.record.update(State=TERMINATED, BlockDeviceMappings=[], _terminated_at=time.time())
    _machines.pop(machine.id, None)


def forget_all() -> None:
    """Removes all machines, when the local cloud is emptied."""
    for machine in list(_machines.values()):
        machine.record["State"] = SHUTTING_DOWN
        with request_scope(machine.account, machine.region), machine.lock:
            _remove(machine)


def console(machine: Machine) -> bytes:
    """Returns the end of what the machine wrote to its console: the output of its user data."""
    try:
        return bytes(container_of(machine).logs())[-_CONSOLE_BYTES:]
    except (NotFound, APIError):
        return b""


# --- machines that end by themselves ---------------------------------------------------------------------------------


class _Deaths:
    """Notices containers of machines that end by themselves: a shutdown from inside, or a kill from outside."""

    _thread: threading.Thread | None = None
    _guard = threading.Lock()

    @classmethod
    def watch(cls) -> None:
        """Starts the thread that listens to Docker, once."""
        with cls._guard:
            if cls._thread is None or not cls._thread.is_alive():
                cls._thread = threading.Thread(target=cls._listen, daemon=True, name="localcloud-ec2-deaths")
                cls._thread.start()

    @classmethod
    def _listen(cls) -> None:
        label = f"{settings.LABEL}.port={settings.current().port}"
        filters: dict[str, Any] = {"label": label, "event": ["die", "start", "destroy"], "type": "container"}
        client = docker.from_env(timeout=_FOREVER)
        for event in client.events(decode=True, filters=filters):
            attributes = event["Actor"]["Attributes"]
            itself = _machines.get(attributes.get(MACHINE_LABEL, ""))
            owner = _machines.get(attributes.get(HOST_LABEL, ""))
            if itself is not None and event["Action"] != "start":
                _died(itself)
            if owner is not None:
                for callback in on_container_event:
                    callback(owner, event)


#: Called with a machine and Docker's event when a container that a host started begins or ends.
on_container_event: list[Callable[[Machine, dict[str, Any]], None]] = []


def _died(machine: Machine) -> None:
    if machine.record["State"] is not RUNNING:
        return
    machine.record["State"] = STOPPING
    machine.record["StateReason"] = ("Client.InstanceInitiatedShutdown", "the container of the host ended")
    hosts.report_ended(machine.id)

    def work(dead: Machine) -> None:
        for callback in on_stopping:
            callback(dead)
        try:
            container_of(dead)
        except NotFound:
            _remove(dead)
            return
        if dead.record["State"] is STOPPING:
            dead.record["State"] = STOPPED

    _run_in_background(machine, work)
