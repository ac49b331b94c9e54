"""EC2's instance types: those that this cloud offers, with their architecture, vCPUs and memory, in each of its zones.

MiniStack knows every name, and takes all for x86_64.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any

from ministack.core.responses import get_region
from ministack.services import ec2

SYMBOLS: tuple[str, ...] = (
    "ministack.core.responses:get_region",
    "ministack.services.ec2:_ACTION_MAP",
    "ministack.services.ec2:_az_id_for_zone_name",
    "ministack.services.ec2:_describe_instance_types",
    "ministack.services.ec2:_error",
    "ministack.services.ec2:_p",
    "ministack.services.ec2:_parse_filters",
    "ministack.services.ec2:_parse_member_list",
    "ministack.services.ec2:_xml",
)

ZONES = "abc"  # MiniStack's, in every region


@dataclass(frozen=True)
class Type:
    """An instance type."""

    name: str
    vcpus: int
    memory_mib: int

    @property
    def architecture(self) -> str:
        """The architecture: a `g` after the generation is Graviton (EC2 user guide, instance type names)."""
        return "arm64" if re.match(r"[a-z]+\d+g", self.name) else "x86_64"


# docs.aws.amazon.com/ec2/latest/instancetypes: vCPUs, and GiB of memory. T: burstable; M, C, R: 4, 2 and 8 GiB a vCPU.
_BURSTABLE = {
    "nano": (2, 0.5),
    "micro": (2, 1),
    "small": (2, 2),
    "medium": (2, 4),
    "large": (2, 8),
    "xlarge": (4, 16),
    "2xlarge": (8, 32),
}
_VCPUS = {"medium": 1, "large": 2, "xlarge": 4, "2xlarge": 8, "4xlarge": 16, "8xlarge": 32}
_GIB_PER_VCPU = {"m": 4, "c": 2, "r": 8}
_FAMILIES = ("m5", "m6i", "m6g", "m7i", "m7g", "c5", "c6i", "c6g", "c7i", "c7g", "r5", "r6i", "r6g", "r7i", "r7g")


def _offered() -> Iterator[Type]:
    for family in ("t3", "t3a", "t4g"):
        for size, (vcpus, gib) in _BURSTABLE.items():
            yield Type(f"{family}.{size}", vcpus, int(gib * 1024))
    # t2's small sizes have one vCPU.
    for size, (vcpus, gib) in _BURSTABLE.items():
        yield Type(f"t2.{size}", 1 if size in {"nano", "micro", "small"} else vcpus, int(gib * 1024))
    for family in _FAMILIES:
        graviton = family.endswith("g")
        for size, vcpus in _VCPUS.items():
            if size != "medium" or graviton:
                yield Type(f"{family}.{size}", vcpus, vcpus * _GIB_PER_VCPU[family[0]] * 1024)


OFFERED = {offered.name: offered for offered in _offered()}


def _unknown(names: list[str]) -> Any:
    listed = f"[{', '.join(names)}]"
    message = f"The following supplied instance types do not exist: {listed}"
    return ec2._error("InvalidInstanceType", message, 400)


def _matching(filters: Mapping[str, list[str]]) -> list[Type]:
    patterns = filters.get("instance-type") or ["*"]
    return [offered for offered in OFFERED.values() if any(fnmatchcase(offered.name, text) for text in patterns)]


def _types(original: Any) -> Any:
    def describe(params: Mapping[str, Any]) -> Any:
        named = ec2._parse_member_list(params, "InstanceType")
        if unknown := [name for name in named if name not in OFFERED]:
            return _unknown(unknown)
        found = _matching(ec2._parse_filters(params))
        wanted = [offered for offered in found if not named or offered.name in named]
        asked = {"Action": params["Action"]}
        asked.update({f"InstanceType.{number}": offered.name for number, offered in enumerate(wanted, 1)})
        if not wanted:
            return ec2._xml(200, "DescribeInstanceTypesResponse", "<instanceTypeSet/>")
        status, headers, body = original(asked)
        text = body.decode() if isinstance(body, bytes) else str(body)
        return status, headers, _corrected(text).encode()

    return describe


def _corrected(text: str) -> str:
    """Returns MiniStack's description with the architecture, vCPUs and memory of each type."""
    parts = re.split(r"(?=<instanceType>)", text)
    for index, part in enumerate(parts):
        if name := re.match(r"<instanceType>([^<]+)</instanceType>", part):
            known = OFFERED[name[1]]
            for pattern, value in (
                (r"(<supportedArchitectures><item>)[^<]*", known.architecture),
                (r"(<defaultVCpus>)\d+", str(known.vcpus)),
                (r"(<defaultCores>)\d+", str(known.vcpus)),
                (r"(<memoryInfo><sizeInMiB>)\d+", str(known.memory_mib)),
            ):
                parts[index] = re.sub(pattern, rf"\g<1>{value}", parts[index])
    return "".join(parts)


def _offerings(params: Mapping[str, Any]) -> Any:
    kind = ec2._p(params, "LocationType") or "region"
    filters = ec2._parse_filters(params)
    places = [place for place in _locations(kind) if place in (filters.get("location") or [place])]
    items = "".join(
        f"<item><instanceType>{offered.name}</instanceType><locationType>{kind}</locationType>"
        f"<location>{place}</location></item>"
        for place in places
        for offered in _matching(filters)
    )
    body = f"<instanceTypeOfferingSet>{items}</instanceTypeOfferingSet>"
    return ec2._xml(200, "DescribeInstanceTypeOfferingsResponse", body)


def _locations(kind: str) -> list[str]:
    if kind == "region":
        return [str(get_region())]
    zones = [f"{get_region()}{letter}" for letter in ZONES]
    return [str(ec2._az_id_for_zone_name(zone)) for zone in zones] if kind == "availability-zone-id" else zones


def install() -> None:
    """Replace the description of types, and add where they are offered."""
    ec2._ACTION_MAP["DescribeInstanceTypes"] = _types(ec2._describe_instance_types)
    ec2._ACTION_MAP["DescribeInstanceTypeOfferings"] = _offerings
