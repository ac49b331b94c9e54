"""Destinations of requests: a product's site, pages of ours, a bucket that allows other origins, or the API."""

from __future__ import annotations

import ipaddress

from ministack import app as gateway
from ministack.core.responses import get_region, request_scope
from ministack.services import alb, cloudfront, s3

from localcloud import extensions, settings
from localcloud.github import server
from localcloud.guard.head import Head, RefusedError

SYMBOLS: tuple[str, ...] = (
    "ministack.app:_ALB_PATH_PREFIX",
    "ministack.app:_EXECUTE_API_RE",
    "ministack.app:_LAMBDA_URL_RE",
    "ministack.app:_parse_cloudfront_dataplane_host",
    "ministack.app:_resolve_custom_domain_request",
    "ministack.app:_s3_cors_target",
    "ministack.app:detect_service",
    "ministack.services.alb:_find_lb_by_name",
    "ministack.services.alb:find_lb_for_host",
    "ministack.services.cloudfront:find_distribution_for_label",
    "ministack.services.s3:_bucket_owner_account",
    "ministack.services.s3:cors_response_headers",
)

#: Paths served to every client but web pages: health, certificates, and addresses that are a secret by themselves.
_OPEN = frozenset(
    {"/_ministack/health", "/_ministack/ready", "/_ministack/rds/ca.pem", "/_ministack/elasticache/ca.pem"}
)
_CAPABILITIES = (
    "/_ministack/cfn-response/",
    "/_ministack/cfn-signal/",
    "/_ministack/rds/iam-auth",
    "/_ministack/eks-auth/",
)
_OF_THE_CLOUD = ("/_ministack", "/_localstack", "/_localcloud")


#: Suffixes of AWS's host names, which SDKs and containers use and which lead here.
_OF_AWS = (".amazonaws.com", ".amazonaws.com.cn", ".cloudfront.net", ".on.aws")


def require_known(head: Head) -> None:
    """Checks that the request is addressed to this cloud, and not to a name that a stranger points here.

    Raises:
        RefusedError: if it is not.
    """
    if not _is_ours(head.name) and not _is_domain_of_api(head):
        raise RefusedError(f"{head.name} is not a name of this local cloud; use {settings.current().url}")


def _is_ours(name: str) -> bool:
    try:
        address = ipaddress.ip_address(name.strip("[]"))
    except ValueError:
        return name in {"localhost", "host.docker.internal"} or name.endswith((".localhost", *_OF_AWS))
    return address.is_loopback or str(address) == settings.current().relay_address


def _is_domain_of_api(head: Head) -> bool:
    """True if the host name is a custom domain that somebody registered in this cloud's API Gateway."""
    return not _is_ours(head.name) and gateway._resolve_custom_domain_request(head.host, head.path) is not None


def is_site(head: Head) -> bool:
    """True if a product answers: a distribution, a load balancer, an API or a function with a host name of its own."""
    label = gateway._parse_cloudfront_dataplane_host(head.host)
    return bool(
        (label and cloudfront.find_distribution_for_label(label) is not None)
        or alb.find_lb_for_host(head.host) is not None
        or gateway._EXECUTE_API_RE.match(head.host)
        or gateway._LAMBDA_URL_RE.match(head.host)
        or _is_domain_of_api(head)
        or (_balancer(head) and not _by_browser(head))
    )


def address_of_site(head: Head) -> str:
    """Returns the address to which a browser's request below `/_alb/` is redirected; empty for other requests.

    Below `/_alb/` a product's page would have the console's origin, and could press its buttons.
    """
    name = _balancer(head)
    if not name or head.container or head.socket:
        return ""
    rest = head.raw_path.removeprefix(gateway._ALB_PATH_PREFIX).partition("/")[2]
    query = f"?{head.query}" if head.query else ""
    return f"http://{name}.alb.localhost:{settings.current().port}/{rest}{query}"


def _balancer(head: Head) -> str:
    prefix: str = gateway._ALB_PATH_PREFIX
    name = head.path.removeprefix(prefix).partition("/")[0] if head.path.startswith(prefix) else ""
    return name.lower() if name and alb._find_lb_by_name(name) is not None else ""


def _by_browser(head: Head) -> bool:
    return "origin" in head.headers or "sec-fetch-mode" in head.headers or "sec-fetch-site" in head.headers


def has_pages(head: Head) -> bool:
    """True if the console or the local GitHub answers; both have forms of their own."""
    return not head.socket and (
        any(
            extension.answers(head.path, head.host, head.headers, local=not head.container)
            for extension in extensions.loaded()
        )
        or (server.root_of(head.host, head.path) is not None)
    )


def bucket_allows(head: Head) -> bool:
    """True if S3 may answer a page: the bucket's CORS configuration allows it, or it is a presigned download."""
    target = None if head.socket else gateway._s3_cors_target(head.host, head.path)
    if target is None:
        return False
    if gateway.detect_service(head.method, head.path, dict(head.headers), head.parameters) != "s3":
        return False
    if head.method == "OPTIONS":
        return True  # S3 answers a preflight by the configuration
    if head.headers.get("sec-fetch-mode") in {"no-cors", "navigate"} and head.method in {"GET", "HEAD"}:
        return bool(head.parameters.keys() & {"X-Amz-Signature", "Signature"})
    owner = s3._bucket_owner_account(target[0])
    with request_scope(owner, get_region()):
        return bool(s3.cors_response_headers(target[0], head.method, dict(head.headers)))


def needs_root(head: Head) -> bool:
    """True if the request administers the cloud or reads its internal state."""
    path = head.path
    ours = any(path == prefix or path.startswith(f"{prefix}/") for prefix in _OF_THE_CLOUD)
    return ours and path not in _OPEN and not path.startswith(_CAPABILITIES)
