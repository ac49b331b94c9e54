"""ARNs in text: the policies of an account are computed without a stack that could format them."""

from __future__ import annotations


def arn(service: str, resource: str, *, region: str = "", account: str = "") -> str:
    """Returns an ARN in the partition `aws`; a global service has no region, and a bucket no account either."""
    return f"arn:aws:{service}:{region}:{account}:{resource}"
