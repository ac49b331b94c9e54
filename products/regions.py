"""Facts about AWS regions. They are listed here because `cdk synth` must not call AWS."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Region:
    """One region: the letters of its availability zones, and the id of its prefix list of CloudFront's origin servers.

    `aws ec2 describe-availability-zones` prints the zones; old accounts may lack one of them.
    `aws ec2 describe-managed-prefix-lists --filters
    Name=prefix-list-name,Values=com.amazonaws.global.cloudfront.origin-facing` prints the prefix lists.
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
    """Returns the first `count` zones of a region, or of its `letters`, e.g. ["us-east-1a", "us-east-1b"]."""
    return [f"{region}{letter}" for letter in (letters or REGIONS[region].zone_letters)[:count]]
