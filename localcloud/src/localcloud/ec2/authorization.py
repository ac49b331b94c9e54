"""The resources for which IAM authorizes a call that joins a volume and an instance: both, with their tags.

docs.aws.amazon.com/service-authorization/latest/reference/list_amazonec2.html
"""

from __future__ import annotations

from collections.abc import Sequence
from urllib.parse import parse_qsl

from ministack.core.responses import get_account_id, get_region
from ministack.services import ec2

from localcloud.iam import several
from localcloud.iam.several import Reached

SYMBOLS: tuple[str, ...] = (
    *several.SYMBOLS,
    "ministack.core.responses:get_account_id",
    "ministack.core.responses:get_region",
    "ministack.services.ec2:_tags",
)

_JOINING = frozenset({"ec2:AttachVolume", "ec2:DetachVolume"})
_RESOURCES = {"VolumeId": "volume", "InstanceId": "instance"}


def _reached(_action: str, body: bytes) -> Sequence[Reached]:
    request = dict(parse_qsl(body.decode(errors="replace")))
    found = []
    for parameter, kind in _RESOURCES.items():
        if key := request.get(parameter):
            tags = {tag["Key"]: tag["Value"] for tag in ec2._tags.get(key) or []}
            arn = f"arn:aws:ec2:{get_region()}:{get_account_id()}:{kind}/{key}"
            found.append(Reached(arn, several.tagged(tags, "ec2:ResourceTag")))
    return found


def install() -> None:
    """Authorize these calls for both."""
    several.authorize_each("ec2", _JOINING, _reached, named_first=False)
