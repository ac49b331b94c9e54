"""What differs between AWS regions and cannot be looked up, since synth touches no network."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Region:
    """One region: its zones' letters, and the id of CloudFront's origin-facing prefix list in it.

    Zones as `aws ec2 describe-availability-zones` names them; accounts opened long ago may lack one.
    Prefix lists as `aws ec2 describe-managed-prefix-lists --filters
    Name=prefix-list-name,Values=com.amazonaws.global.cloudfront.origin-facing` prints them.
    """

    zone_letters: str
    cloudfront_prefix_list: str


REGIONS: dict[str, Region] = {
    "ap-northeast-1": Region("acd", "pl-58a04531"),
    "ap-northeast-2": Region("abcd", "pl-22a6434b"),
    "ap-south-1": Region("abc", "pl-9aa247f3"),
    "ap-southeast-1": Region("abc", "pl-31a34658"),
    "ap-southeast-2": Region("abc", "pl-b8a742d1"),
    "ca-central-1": Region("abd", "pl-38a64351"),
    "eu-central-1": Region("abc", "pl-a3a144ca"),
    "eu-north-1": Region("abc", "pl-fab65393"),
    "eu-west-1": Region("abc", "pl-4fa04526"),
    "eu-west-2": Region("abc", "pl-93a247fa"),
    "eu-west-3": Region("abc", "pl-75b1541c"),
    "sa-east-1": Region("abc", "pl-5da64334"),
    "us-east-1": Region("abcdf", "pl-3b927c52"),  # without e, which lacks Graviton and newer database classes
    "us-east-2": Region("abc", "pl-b6a144df"),
    "us-west-1": Region("ac", "pl-4ea04527"),
    "us-west-2": Region("abcd", "pl-82a045eb"),
}


def zones(region: str, count: int, letters: str | None = None) -> list[str]:
    """The first `count` availability zones of a region, or of its `letters`, e.g. ["us-east-1a", "us-east-1b"]."""
    return [f"{region}{letter}" for letter in (letters or REGIONS[region].zone_letters)[:count]]
