"""The destination of a request: a product's site, pages of the local cloud, a bucket with CORS, or the API."""

from __future__ import annotations

import ipaddress
import re

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

#: Paths served to every client except web pages: health, certificates, and (below) URLs that contain a secret.
_OPEN = frozenset(
    {"/_ministack/health", "/_ministack/ready", "/_ministack/rds/ca.pem", "/_ministack/elasticache/ca.pem"}
)
_CAPABILITIES = (
    "/_ministack/cfn-response/",
    "/_ministack/cfn-signal/",
    "/_ministack/rds/iam-auth",
    "/_ministack/eks-auth/",
    "/_localcloud/layers/",
)
_INTERNAL = ("/_ministack", "/_localstack", "/_localcloud")


#: CloudFront's key value stores have endpoints below their account; SDKs put it before the name of any endpoint.
_ACCOUNT = re.compile(r"^\d{12}\.(?=\d+\.\d+\.\d+\.\d+$)")
#: Suffixes of AWS's host names; SDKs and containers use them for requests to this cloud.
_AWS_SUFFIXES = (".amazonaws.com", ".amazonaws.com.cn", ".cloudfront.net", ".on.aws")


def require_known(head: Head) -> None:
    """Checks that the request's host name belongs to this cloud, and is not a foreign name that resolves to it.

    Raises:
        RefusedError: if the name is foreign.
    """
    if not _is_local_name(head.name) and not _is_api_domain(head):
        raise RefusedError(f"{head.name} is not a name of this local cloud; use {settings.current().url}")


def _is_local_name(name: str) -> bool:
    try:
        address = ipaddress.ip_address(_ACCOUNT.sub("", name).strip("[]"))
    except ValueError:
        return name in {"localhost", "host.docker.internal"} or name.endswith((".localhost", *_AWS_SUFFIXES))
    return address.is_loopback or str(address) == settings.current().relay_address


def _is_api_domain(head: Head) -> bool:
    """True if the host name is a custom domain in this cloud's API Gateway."""
    return not _is_local_name(head.name) and gateway._resolve_custom_domain_request(head.host, head.path) is not None


def is_site(head: Head) -> bool:
    """True if the host name belongs to a product: a distribution, a load balancer, an API or a function URL."""
    label = gateway._parse_cloudfront_dataplane_host(head.host)
    return bool(
        (label and cloudfront.find_distribution_for_label(label) is not None)
        or alb.find_lb_for_host(head.host) is not None
        or gateway._EXECUTE_API_RE.match(head.host)
        or gateway._LAMBDA_URL_RE.match(head.host)
        or _is_api_domain(head)
        or (_balancer(head) and not _by_browser(head))
    )


def address_of_site(head: Head) -> str:
    """Returns the URL to which a browser's request below `/_alb/` is redirected; empty for other requests.

    Below `/_alb/` a product's page would have the same origin as the console, and its scripts could use the console.
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
    """True if the console or the local GitHub serves the request; both have forms."""
    return not head.socket and (
        any(
            extension.answers(head.path, head.host, head.headers, local=not head.container)
            for extension in extensions.loaded()
        )
        or (server.root_of(head.host, head.path) is not None)
    )


def bucket_allows(head: Head) -> bool:
    """True if S3 may serve a web page: the bucket's CORS configuration allows it, or it is a presigned download."""
    target = None if head.socket else gateway._s3_cors_target(head.host, head.path)
    if target is None:
        return False
    if gateway.detect_service(head.method, head.path, dict(head.headers), head.parameters) != "s3":
        return False
    if head.method == "OPTIONS":
        return True  # S3 answers preflight requests according to the CORS configuration
    if head.headers.get("sec-fetch-mode") in {"no-cors", "navigate"} and head.method in {"GET", "HEAD"}:
        return bool(head.parameters.keys() & {"X-Amz-Signature", "Signature"})
    owner = s3._bucket_owner_account(target[0])
    with request_scope(owner, get_region()):
        return bool(s3.cors_response_headers(target[0], head.method, dict(head.headers)))


def needs_root(head: Head) -> bool:
    """True if the request administers the cloud or reads its internal state."""
    path = head.path
    internal = any(path == prefix or path.startswith(f"{prefix}/") for prefix in _INTERNAL)
    return internal and path not in _OPEN and not path.startswith(_CAPABILITIES)
