"""The prefix list of CloudFront's servers has the id that it has on AWS; MiniStack makes ids up.

AWS publishes no table: each id is what `aws ec2 describe-managed-prefix-lists` prints in that region.
"""

from __future__ import annotations

from typing import Any

from ministack.core.responses import get_region
from ministack.services import ec2

SYMBOLS: tuple[str, ...] = (
    "ministack.core.responses:get_region",
    "ministack.services.ec2:_aws_pl_id_from_name",
)

NAME = "com.amazonaws.global.cloudfront.origin-facing"
IDS = {
    "ap-northeast-1": "pl-58a04531",
    "ap-northeast-2": "pl-22a6434b",
    "ap-south-1": "pl-9aa247f3",
    "ap-southeast-1": "pl-31a34658",
    "ap-southeast-2": "pl-b8a742d1",
    "ca-central-1": "pl-38a64351",
    "eu-central-1": "pl-a3a144ca",
    "eu-north-1": "pl-fab65393",
    "eu-west-1": "pl-4fa04526",
    "eu-west-2": "pl-93a247fa",
    "eu-west-3": "pl-75b1541c",
    "sa-east-1": "pl-5da64334",
    "us-east-1": "pl-3b927c52",
    "us-east-2": "pl-b6a144df",
    "us-west-1": "pl-4ea04527",
    "us-west-2": "pl-82a045eb",
}


def install() -> None:
    """Return these ids."""
    original: Any = ec2._aws_pl_id_from_name

    def named(name: str) -> str:
        return IDS.get(str(get_region()), "") if name == NAME and get_region() in IDS else str(original(name))

    ec2._aws_pl_id_from_name = named
