"""EC2's API for instances that have a machine: launch templates, states, console output, volumes."""

from __future__ import annotations

import base64
import binascii
import re
import time
from collections.abc import Callable, Mapping
from typing import Any
from xml.sax.saxutils import escape

from ministack.services import ec2

from localcloud import machine_images, settings
from localcloud.ec2 import devices, machines
from localcloud.ec2.machines import Machine, Record

SYMBOLS: tuple[str, ...] = (
    *machines.SYMBOLS,
    *(
        f"ministack.services.ec2:{name}"
        for name in (
            "_ACTION_MAP",
            "_attach_volume",
            "_find_active_iam_instance_profile_association",
            "_mark_iam_instance_profile_association_disassociated",
            "_detach_volume",
            "_error",
            "_instance_xml",
            "_launch_instances_internal",
            "_launch_templates",
            "_matches_filters",
            "_p",
            "_parse_member_list",
            "_run_instances",
            "_subnets",
            "_tags",
            "_terminate_instances",
            "_xml",
            "reset",
        )
    ),
)

ON_RECORD = "localcloud:on-record"  # AdditionalInfo of RunInstances, which AWS reserves: the instance gets no machine
_BAD = 400  # HTTP statuses from here on are errors
Params = dict[str, Any]
Answer = Any  # status, headers and body, as MiniStack's handlers return them


# --- launching -------------------------------------------------------------------------------------------------------


def _images() -> dict[str, str]:
    """Returns the IDs of the images that machines run, by their public parameters."""
    known = [name for name in machine_images.names() if "/al2023-ami-" in name or name in machine_images.ubuntu()]
    return {name: machine_images.image_id(name) for name in known}


def _template_version(params: Params) -> tuple[Record | None, str]:
    """Returns the launch template's data for RunInstances, or the reason why there is none."""
    wanted_id = ec2._p(params, "LaunchTemplate.LaunchTemplateId")
    wanted_name = ec2._p(params, "LaunchTemplate.LaunchTemplateName")
    if not wanted_id and not wanted_name:
        return {}, ""
    every = ec2._launch_templates.values()
    template: Record = next(
        (t for t in every if wanted_id == t["LaunchTemplateId"] or wanted_name == t["LaunchTemplateName"]), {}
    )
    if not template:
        return None, f"The specified launch template, with template {wanted_id or wanted_name}, does not exist."
    version = ec2._p(params, "LaunchTemplate.Version") or "$Default"
    names = {"$Default": template["DefaultVersionNumber"], "$Latest": template["LatestVersionNumber"]}
    number = str(names.get(version, version))
    found = next((v for v in template["Versions"] if str(v["VersionNumber"]) == number), None)
    if found is None:
        return None, f"Could not find launch template version {version} of {template['LaunchTemplateId']}."
    return dict(found["LaunchTemplateData"]), ""


def _fill(params: Params, data: Mapping[str, Any]) -> None:
    """Adds the parameters that only the launch template gives."""
    plain = {name: data.get(name) for name in ("ImageId", "InstanceType", "KeyName", "UserData")}
    for kind in ("Arn", "Name"):
        plain[f"IamInstanceProfile.{kind}"] = (data.get("IamInstanceProfile") or {}).get(kind)
    interface: Record = next(iter(data.get("NetworkInterfaces") or ()), {})
    plain["SubnetId"] = interface.get("SubnetId")
    groups = data.get("SecurityGroupIds") or interface.get("Groups") or []
    plain |= {f"SecurityGroupId.{number}": group for number, group in enumerate(groups, 1)}
    for name, value in plain.items():
        if value and not ec2._p(params, name):
            params[name] = value
    image = str(ec2._p(params, "ImageId") or "")
    if image.startswith("resolve:ssm:"):
        params["ImageId"] = _images().get(image.removeprefix("resolve:ssm:"), image)


def _user_data(encoded: str) -> bytes:
    try:
        return base64.b64decode(encoded, validate=True) if encoded else b""
    except (binascii.Error, ValueError):
        return encoded.encode()  # AWS's SDKs encode it; other clients may not


def _metadata_options(params: Params, data: Mapping[str, Any]) -> dict[str, Any]:
    names = ("HttpTokens", "HttpEndpoint", "HttpPutResponseHopLimit", "InstanceMetadataTags")
    given = {name: ec2._p(params, f"MetadataOptions.{name}") for name in names}
    return {
        # Images of Amazon Linux 2023 require tokens: docs.aws.amazon.com/linux/al2023/ug/ec2.html
        "HttpTokens": "required",
        "HttpEndpoint": "enabled",
        "HttpPutResponseHopLimit": 2,
        **(data.get("MetadataOptions") or {}),
        **{name: value for name, value in given.items() if value},
    }


def _tag(instance: Record, data: Mapping[str, Any]) -> None:
    own = {tag["Key"]: tag["Value"] for tag in ec2._tags.get(instance["InstanceId"], [])}
    for entry in data.get("TagSpecifications") or ():
        if entry.get("ResourceType") == "instance":
            own = {**{tag["Key"]: tag["Value"] for tag in entry.get("Tags") or ()}, **own}
    if own:
        ec2._tags[instance["InstanceId"]] = [{"Key": key, "Value": value} for key, value in own.items()]


def _root_disk(instance: Record, data: Mapping[str, Any]) -> None:
    mappings = data.get("BlockDeviceMappings") or ()
    wanted: Record = next((m for m in mappings if m.get("DeviceName") in machines.ROOT_DEVICES), {})
    ebs = wanted.get("Ebs") or {}
    for mapping in instance["BlockDeviceMappings"]:
        volume = ec2._volumes.get(mapping["Ebs"]["VolumeId"])
        if volume is not None:
            volume["AvailabilityZone"] = instance["Placement"]["AvailabilityZone"]
            volume["Size"] = int(ebs.get("VolumeSize") or volume["Size"])
            volume["Encrypted"] = str(ebs.get("Encrypted", volume["Encrypted"])).lower() == "true"


def _run(original: Callable[[Params], Answer]) -> Callable[[Params], Answer]:
    def run(given: Params) -> Answer:
        params = dict(given)
        data, missing = _template_version(params)
        if data is None:
            return ec2._error("InvalidLaunchTemplateId.NotFoundException", escape(missing), 400)
        _fill(params, data)
        before = set(ec2._instances)
        status, headers, body = original(params)
        made = [ec2._instances[key] for key in ec2._instances if key not in before]
        for instance in made:
            zone = (ec2._subnets.get(instance["SubnetId"]) or {}).get("AvailabilityZone")
            instance["Placement"]["AvailabilityZone"] = zone or instance["Placement"]["AvailabilityZone"]
            instance["MetadataOptions"] = _metadata_options(params, data)
            _tag(instance, data)
            _root_disk(instance, data)
            if _has_machine(params):
                instance["_user_data"] = _user_data(ec2._p(params, "UserData") or "")
                machines.launch(instance)
        if status >= _BAD or not made:
            return status, headers, body
        text = body.decode()
        items = "".join(ec2._instance_xml(instance) for instance in made)
        shown = re.sub(
            r"<instancesSet>.*</instancesSet>", lambda _: f"<instancesSet>{items}</instancesSet>", text, flags=re.S
        )
        return status, headers, shown.encode()

    return run


def _has_machine(params: Params) -> bool:
    wanted = ec2._p(params, "ImageId") in _images().values() and ec2._p(params, "AdditionalInfo") != ON_RECORD
    return settings.current().docker and wanted


# --- states ----------------------------------------------------------------------------------------------------------


def _changing(action: str, allowed: tuple[str, ...], work: Callable[[Machine], None]) -> None:
    """Replaces a handler that changes the state of instances; those without a machine are left to MiniStack's."""
    original = ec2._ACTION_MAP[action]

    def change(params: Params) -> Answer:
        ids = ec2._parse_member_list(params, "InstanceId")
        found = {instance_id: machines.find(instance_id) for instance_id in ids}
        own = [machine for machine in found.values() if machine is not None]
        for machine in own:
            state = machine.record["State"]["Name"]
            if state not in allowed:
                message = f"The instance '{machine.id}' is not in a state from which it can be changed: {state}."
                return ec2._error("IncorrectInstanceState", message, 400)
        before = {machine.id: dict(machine.record["State"]) for machine in own}
        others = [instance_id for instance_id, machine in found.items() if machine is None]
        if others:
            numbered = {f"InstanceId.{number}": instance_id for number, instance_id in enumerate(others, 1)}
            kept = {name: value for name, value in params.items() if not name.startswith("InstanceId.")}
            status, headers, body = original({**kept, **numbered})
            if status >= _BAD or not own:
                return status, headers, body
        for machine in own:
            work(machine)
        if action == "RebootInstances":
            return ec2._xml(200, "RebootInstancesResponse", "<return>true</return>")
        items = "".join(
            _changed(i, before.get(i) or ec2._instances[i]["State"], ec2._instances[i]["State"]) for i in ids
        )
        return ec2._xml(200, f"{action}Response", f"<instancesSet>{items}</instancesSet>")

    ec2._ACTION_MAP[action] = change


def _changed(instance_id: str, before: Mapping[str, Any], after: Mapping[str, Any]) -> str:
    return (
        f"<item><instanceId>{instance_id}</instanceId>"
        f"<previousState><code>{before['Code']}</code><name>{before['Name']}</name></previousState>"
        f"<currentState><code>{after['Code']}</code><name>{after['Name']}</name></currentState></item>"
    )


def _terminating(machine: Machine) -> None:
    association = ec2._find_active_iam_instance_profile_association(machine.id)
    if association:
        profile = machine.record.get("IamInstanceProfile")
        ec2._mark_iam_instance_profile_association_disassociated(association)
        machine.record["IamInstanceProfile"] = profile  # until the machine has ended
    machines.terminate(machine)


# --- reading ---------------------------------------------------------------------------------------------------------


def _described(original: Callable[[Record], str]) -> Callable[[Record], str]:
    def render(instance: Record) -> str:
        more = ""
        if instance.get("StateReason"):
            code, message = instance["StateReason"]
            more += f"<stateReason><code>{code}</code><message>{escape(message)}</message></stateReason>"
        if options := instance.get("MetadataOptions"):
            members = "".join(
                f"<{name[0].lower()}{name[1:]}>{value}</{name[0].lower()}{name[1:]}>" for name, value in options.items()
            )
            more += f"<metadataOptions><state>applied</state>{members}</metadataOptions>"
        return original(instance).rstrip().removesuffix("</item>") + more + "</item>"

    return render


_FIELDS: dict[str, Callable[[Record], str]] = {
    "availability-zone": lambda instance: str(instance["Placement"]["AvailabilityZone"]),
    "instance-id": lambda instance: str(instance["InstanceId"]),
    "private-ip-address": lambda instance: str(instance["PrivateIpAddress"]),
    "subnet-id": lambda instance: str(instance["SubnetId"]),
    "vpc-id": lambda instance: str(instance["VpcId"]),
}


def _filtering(original: Callable[..., bool]) -> Callable[..., bool]:
    def matches(instance: Record, filters: Mapping[str, list[str]]) -> bool:
        own = all(_FIELDS[name](instance) in values for name, values in filters.items() if name in _FIELDS)
        return own and original(instance, filters)

    return matches


def _console(params: Params) -> Answer:
    instance_id = ec2._p(params, "InstanceId")
    if instance_id not in ec2._instances:
        return ec2._error("InvalidInstanceID.NotFound", f"The instance ID '{instance_id}' does not exist", 400)
    machine = machines.find(instance_id)
    output = base64.b64encode(machines.console(machine) if machine else b"").decode()
    now = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    inner = f"<instanceId>{instance_id}</instanceId><timestamp>{now}</timestamp><output>{output}</output>"
    return ec2._xml(200, "GetConsoleOutputResponse", inner)


# --- volumes ---------------------------------------------------------------------------------------------------------


def _attach(params: Params) -> Answer:
    volume = ec2._volumes.get(ec2._p(params, "VolumeId"))
    instance = ec2._instances.get(ec2._p(params, "InstanceId"))
    if volume and instance:
        if volume["State"] != "available":
            message = f"Volume '{volume['VolumeId']}' is in the state '{volume['State']}', not 'available'"
            return ec2._error("VolumeInUse", message, 400)
        zone = instance["Placement"]["AvailabilityZone"]
        if machines.find(instance["InstanceId"]) and volume["AvailabilityZone"] != zone:
            message = f"The volume '{volume['VolumeId']}' is not in the same availability zone as the instance"
            return ec2._error("InvalidVolume.ZoneMismatch", message, 400)
    answer: Answer = ec2._attach_volume(params)
    machine = machines.find(ec2._p(params, "InstanceId"))
    if answer[0] < _BAD and machine is not None and machine.record["State"] is machines.RUNNING:
        devices.show(machines.container_of(machine), machine.id, volume)
    return answer


def _detach(params: Params) -> Answer:
    volume = ec2._volumes.get(ec2._p(params, "VolumeId")) or {}
    attached = [machines.find(a["InstanceId"]) for a in volume.get("Attachments") or ()]
    answer: Answer = ec2._detach_volume(params)
    for machine in attached:
        if answer[0] < _BAD and machine is not None and machine.record["State"] is machines.RUNNING:
            devices.hide(machines.container_of(machine), volume["VolumeId"])
    return answer


def install() -> None:
    """Replace MiniStack's handlers."""
    ec2._ACTION_MAP["RunInstances"] = _run(ec2._run_instances)
    _changing("StartInstances", ("stopped",), machines.start)
    _changing("StopInstances", ("running", "pending"), machines.stop)
    _changing("RebootInstances", ("running",), machines.reboot)
    _changing("TerminateInstances", ("pending", "running", "stopping", "stopped"), _terminating)
    ec2._ACTION_MAP["GetConsoleOutput"] = _console
    ec2._ACTION_MAP["AttachVolume"], ec2._ACTION_MAP["DetachVolume"] = _attach, _detach
    ec2._instance_xml = _described(ec2._instance_xml)
    ec2._matches_filters = _filtering(ec2._matches_filters)
    original_reset = ec2.reset

    def reset() -> None:
        machines.forget_all()
        original_reset()

    ec2.reset = reset
