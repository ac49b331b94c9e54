"""Installs the cache in front of the origins; each response has `Hit from cloudfront` or `Miss from cloudfront`."""

from __future__ import annotations

import contextvars
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl, urlencode

from ministack.services import cloudfront

from localcloud.cloudfront import owners, protocol, sitenames
from localcloud.cloudfront.cache import Answer, Cache, Key, Lifetimes

SYMBOLS: tuple[str, ...] = (
    *owners.SYMBOLS,
    *protocol.SYMBOLS,
    *sitenames.SYMBOLS,
    "ministack.services.cloudfront:_MANAGED_CACHE_POLICIES",
    "ministack.services.cloudfront:_cache_policies",
    "ministack.services.cloudfront:_create_invalidation",
    "ministack.services.cloudfront:_distributions",
    "ministack.services.cloudfront:_fetch_from_origin",
    "ministack.services.cloudfront:_find",
    "ministack.services.cloudfront:_match_behavior",
    "ministack.services.cloudfront:_parse_body",
    "ministack.services.cloudfront:_text",
    "ministack.services.cloudfront:handle_viewer_request",
    "ministack.services.cloudfront:parse_distribution_dataplane_config",
    "ministack.services.cloudfront:reset",
)


@dataclass
class Visit:
    """A viewer request: its cache policy, and the age of the response if it came from the cache."""

    distribution: str
    headers: Mapping[str, str]
    policy: Mapping[str, Any] | None
    age: int | None = None

    @property
    def lifetimes(self) -> Lifetimes:
        """The TTLs of the behavior's cache policy."""
        if self.policy is None:
            return Lifetimes()
        minimum = int(self.policy.get("MinTTL") or 0)
        return Lifetimes(minimum, int(self.policy.get("DefaultTTL", 86400)), int(self.policy.get("MaxTTL", 31536000)))

    def key(self, origin: str, method: str, uri: str, query: str) -> Key:
        """Returns the cache key of the request according to the policy."""
        chosen: Mapping[str, Any] = (self.policy or {}).get("Parameters") or {}
        pairs = _chosen(parse_qsl(query, keep_blank_values=True), chosen, "QueryString", "QueryStrings")
        cookies = [
            (name, value)
            for name, _, value in (part.strip().partition("=") for part in self.headers.get("cookie", "").split(";"))
        ]
        named = [name.lower() for name in chosen.get("Headers") or []]
        headers = [(name, self.headers.get(name, "")) for name in named]
        encodings = self.headers.get("accept-encoding", "") if chosen.get("EnableAcceptEncodingGzip") else ""
        kept_cookies = _chosen(cookies, chosen, "Cookie", "Cookies")
        return (
            self.distribution,
            origin,
            method,
            uri,
            urlencode(pairs),
            tuple(headers),
            tuple(kept_cookies),
            encodings,
        )


def _chosen(pairs: list[tuple[str, str]], policy: Mapping[str, Any], kind: str, names: str) -> list[tuple[str, str]]:
    behavior = policy.get(f"{kind}Behavior", "none")
    listed = set(policy.get(names) or [])
    if behavior == "all":
        return pairs
    if behavior == "whitelist":
        return [pair for pair in pairs if pair[0] in listed]
    if behavior == "allExcept":
        return [pair for pair in pairs if pair[0] not in listed]
    return []


_visit: contextvars.ContextVar[Visit | None] = contextvars.ContextVar("localcloud_visit", default=None)


def _policy(distribution: Mapping[str, Any], path: str) -> Mapping[str, Any] | None:
    behavior = cloudfront._match_behavior(cloudfront.parse_distribution_dataplane_config(distribution), path)
    identity = (behavior or {}).get("cache_policy_id")
    found = cloudfront._cache_policies.get(identity) or cloudfront._MANAGED_CACHE_POLICIES.get(identity)
    return dict(found["Config"]) if found else None


def _marked(answer: Any, visit: Visit) -> Any:
    if visit.age is None:
        return answer
    status, headers, body = answer
    hit = {name: value for name, value in headers.items() if name.lower() not in {"x-cache", "age"}}
    return status, {**hit, "X-Cache": "Hit from cloudfront", "Age": str(visit.age)}, body


def _viewer(original: Any) -> Any:
    async def serve(  # noqa: PLR0917 - the signature of the replaced function
        distribution: Mapping[str, Any], method: str, path: str, raw_uri: str, raw_query: str, headers: Any, *rest: Any
    ) -> Any:
        host, name = headers.get("host", ""), sitenames.on_aws(distribution)
        local = sitenames.local(headers) and headers.get("x-forwarded-proto", "https") == "https"
        secure = {"x-forwarded-proto": "https", **(sitenames.request(headers, name) if local else headers)}
        with owners.scope(distribution):
            secure = protocol.added(secure, distribution, path)
            visit = Visit(str(distribution["Id"]), secure, _policy(distribution, path))
            token = _visit.set(visit)
            try:
                answer = _marked(await original(distribution, method, path, raw_uri, raw_query, secure, *rest), visit)
                return sitenames.response(answer, host, name) if local else answer
            finally:
                _visit.reset(token)

    return serve


def _origin(original: Any, cache: Cache) -> Any:
    async def fetch(origin: Mapping[str, Any], method: str, uri: str, query: str, headers: Any, *rest: Any) -> Any:
        visit = _visit.get()
        usable = visit is not None and visit.lifetimes.maximum > 0 and method in {"GET", "HEAD"}
        if visit is None or not usable or headers.get("range"):
            return await original(origin, method, uri, query, headers, *rest)
        key = visit.key(str(origin["id"]), method, uri, query)
        found = cache.find(key)
        if found is not None:
            answer, visit.age = found
            return answer.status, answer.reason, dict(answer.headers), answer.body
        status, reason, answered, body = await original(origin, method, uri, query, headers, *rest)
        if isinstance(body, bytes):
            cache.keep(key, visit.distribution, uri, Answer(status, reason, dict(answered), body), visit.lifetimes)
        return status, reason, answered, body

    return fetch


def _invalidation(original: Any, cache: Cache) -> Any:
    def create(distribution: str, body: bytes) -> Any:
        answer = original(distribution, body)
        batch = cloudfront._parse_body(body)
        items = cloudfront._find(cloudfront._find(batch, "Paths"), "Items") if answer[0] == 201 else None  # noqa: PLR2004 - created
        if items is not None:
            cache.invalidate(distribution, [item.text for item in items if item.text])
        return answer

    return create


def install(cache: Cache) -> None:
    """Install the cache between viewers and origins; a reset of the cloud clears it."""
    reset = cloudfront.reset

    def resetting() -> None:
        reset()
        cache.clear()

    cloudfront.reset = resetting
    cloudfront.handle_viewer_request = _viewer(cloudfront.handle_viewer_request)
    cloudfront._fetch_from_origin = _origin(cloudfront._fetch_from_origin, cache)
    cloudfront._create_invalidation = _invalidation(cloudfront._create_invalidation, cache)
