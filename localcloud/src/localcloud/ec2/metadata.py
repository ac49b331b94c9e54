"""Instance metadata of hosts (IMDS): each host asks through its agent, which adds a secret that names the host.

Containers of a host do not reach the agent, as with a hop limit of 1.
"""

from __future__ import annotations

import asyncio
import json
import secrets
import time
from collections.abc import Callable, Mapping
from typing import Any

from ministack.core.responses import request_scope
from ministack.services import ec2, imds

from localcloud.ec2 import machines
from localcloud.ec2.machines import Machine
from localcloud.ecs import credentials

SYMBOLS: tuple[str, ...] = ("ministack.services.imds:handle_request", *machines.SYMBOLS)

PRINCIPAL = "ec2.amazonaws.com"
_SECRET, _TOKEN, _TTL = "x-localcloud-host", "x-aws-ec2-metadata-token", "x-aws-ec2-metadata-token-ttl-seconds"
_LONGEST = 21_600  # seconds, docs.aws.amazon.com/AWSEC2/latest/UserGuide/instancedata-data-retrieval.html
_RENEW_SECONDS = 600
Answer = tuple[int, dict[str, str], bytes]

#: What programs of the local cloud's own hosts ask below /latest/localcloud/: the name's answer to a path, in JSON.
OWN: dict[str, Callable[[Machine, list[str]], dict[str, Any]]] = {}
_tokens: dict[tuple[str, str], float] = {}
_keys: dict[str, tuple[str, float, dict[str, str]]] = {}


def _text(body: str | bytes, status: int = 200) -> Answer:
    return status, {"Content-Type": "text/plain"}, body.encode() if isinstance(body, str) else body


def keys(machine: Machine) -> dict[str, str]:
    """Returns credentials of the instance's role, which are valid for at least ten minutes.

    Raises:
        AssumeError: if the instance has no role, or if the role does not trust EC2.
    """
    role, known = machine.role_arn, _keys.get(machine.id)
    if not role:
        raise credentials.AssumeError(f"the instance {machine.id} has no instance profile with a role")
    if known is None or known[0] != role or known[1] < time.time() + _RENEW_SECONDS:
        made = credentials.session(role, machine.id, principal=PRINCIPAL, source_arn=machine.arn)
        known = _keys[machine.id] = (role, time.time() + credentials.LIFETIME_SECONDS, made)
    return known[2]


def _options(machine: Machine) -> Mapping[str, Any]:
    return machine.record.get("MetadataOptions") or {}


def _issue(machine: Machine, headers: Mapping[str, str]) -> Answer:
    given = headers.get(_TTL, "")
    if "x-forwarded-for" in headers:
        return _text("Forbidden", 403)
    if not given.isdigit() or not 1 <= int(given) <= _LONGEST:
        return _text("Bad Request", 400)
    token = secrets.token_urlsafe(40)
    _tokens[machine.id, token] = time.time() + int(given)
    return 200, {"Content-Type": "text/plain", "X-Aws-Ec2-Metadata-Token-Ttl-Seconds": given}, token.encode()


def _may(machine: Machine, headers: Mapping[str, str]) -> bool:
    token = headers.get(_TOKEN, "")
    if not token:
        return str(_options(machine).get("HttpTokens", "optional")) != "required"
    return _tokens.get((machine.id, token), 0.0) > time.time()


def _answer(machine: Machine, method: str, path: str, headers: Mapping[str, str]) -> Answer:
    if _options(machine).get("HttpEndpoint") == "disabled":
        return _text("Forbidden", 403)
    if path == "/latest/api/token":
        return _issue(machine, headers) if method == "PUT" else _text("Method Not Allowed", 405)
    if not _may(machine, headers):
        return _text("Unauthorized", 401)
    if path.startswith("/latest/localcloud/formatted/"):
        return _formatted(machine, *path.split("/")[4:6])
    own = path.removeprefix("/latest/localcloud/").split("/")
    if path.startswith("/latest/localcloud/") and own[0] in OWN:
        return _text(json.dumps(OWN[own[0]](machine, own[1:])))
    return _read(machine, path)


def _read(machine: Machine, path: str) -> Answer:
    if path == "/latest/user-data":
        return _text(machine.record.get("_user_data") or b"", 200 if machine.record.get("_user_data") else 404)
    if path == "/latest/dynamic/instance-identity/document":
        return _text(json.dumps(_document(machine), indent=2))
    return _meta_data(machine, path.removeprefix("/latest/meta-data").strip("/"))


def _formatted(machine: Machine, volume_id: str, kind: str) -> Answer:
    for volume in machine.volumes():
        if volume["VolumeId"] == volume_id:
            volume["_type"] = kind
    return _text("")


def _document(machine: Machine) -> dict[str, Any]:
    record = machine.record
    return {
        "accountId": machine.account,
        "architecture": record["Architecture"],
        "availabilityZone": record["Placement"]["AvailabilityZone"],
        "imageId": record["ImageId"],
        "instanceId": machine.id,
        "instanceType": record["InstanceType"],
        "pendingTime": record["LaunchTime"],
        "privateIp": machine.address,
        "region": machine.region,
        "version": "2017-09-30",
    }


def _meta_data(machine: Machine, path: str) -> Answer:
    record, region = machine.record, machine.region
    role = machine.role_arn.rsplit("/", 1)[-1]
    if path == f"iam/security-credentials/{role}" and role:
        return _credentials(machine)
    leaves = {
        "ami-id": record["ImageId"],
        "hostname": record["PrivateDnsName"],
        "instance-id": machine.id,
        "instance-life-cycle": "on-demand",
        "instance-type": record["InstanceType"],
        "local-hostname": record["PrivateDnsName"],
        "local-ipv4": machine.address,
        "placement/availability-zone": record["Placement"]["AvailabilityZone"],
        "placement/region": region,
        "security-groups": "\n".join(group["GroupName"] for group in record["SecurityGroups"]),
        "services/domain": "amazonaws.com",
        "services/partition": "aws",
    }
    if role:
        leaves["iam/security-credentials"] = role
        profile = record["IamInstanceProfile"]
        leaves["iam/info"] = json.dumps({"Code": "Success", "InstanceProfileArn": profile["Arn"]})
    if _options(machine).get("InstanceMetadataTags") == "enabled":
        listed = ec2._tags.get_scoped(machine.account, region, machine.id) or []
        leaves |= {f"tags/instance/{tag['Key']}": tag["Value"] for tag in listed}
    if path in leaves:
        return _text(leaves[path])
    below = {
        leaf.removeprefix(f"{path}/" if path else "") for leaf in leaves if leaf.startswith(f"{path}/" * bool(path))
    }
    names = sorted({name.partition("/")[0] + ("/" if "/" in name else "") for name in below})
    return _text("\n".join(names)) if names else _text("Not Found", 404)


def _credentials(machine: Machine) -> Answer:
    updated = {"LastUpdated": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()), "Type": "AWS-HMAC"}
    try:
        found = keys(machine)
    except credentials.AssumeError as error:
        return _text(json.dumps({"Code": "AssumeRoleUnauthorizedAccess", "Message": str(error), **updated}))
    wanted = ("AccessKeyId", "SecretAccessKey", "Token", "Expiration")
    return _text(json.dumps({"Code": "Success", **updated, **{name: found[name] for name in wanted}}))


def install() -> None:
    """Answer the metadata requests of hosts, and no others."""
    original = imds.handle_request

    async def handling(method: str, path: str, headers: Any, body: bytes, query_params: Any) -> Any:
        secret = {name.lower(): value for name, value in headers.items()}.get(_SECRET)
        if secret is None:
            return await original(method, path, headers, body, query_params)
        machine = machines.by_secret(secret)
        if machine is None:
            return _text("Not Found", 404)
        lower = {name.lower(): value for name, value in headers.items()}
        with request_scope(machine.account, machine.region):
            arguments = (machine, method.upper(), path.rstrip("/"), lower)
            # What hosts of the local cloud ask for themselves may take a while.
            own = path.startswith("/latest/localcloud/")
            return await asyncio.to_thread(_answer, *arguments) if own else _answer(*arguments)

    imds.handle_request = handling
