"""The CloudFront distribution: the only public entrance to a product."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import aws_cdk as cdk
from aws_cdk import aws_certificatemanager as acm
from aws_cdk import aws_cloudfront as cloudfront
from aws_cdk import aws_cloudfront_origins as origins
from aws_cdk import aws_elasticloadbalancingv2 as elbv2
from aws_cdk import aws_s3 as s3
from constructs import Construct

from slipway.accepted import accept, acknowledge
from slipway.site_pages import SitePages

_YEAR = cdk.Duration.days(365)
_EVERYTHING = "/*"
_MEDIA = "/media/*"
# Uploads have the product's domain, so their scripts could use the visitors' sessions. In a sandbox without
# `allow-scripts` and `allow-same-origin` a page has a separate origin and runs no script. Pages can still show uploaded
# images and videos: a page's own policy decides about those, not the policy of the image (w3.org/TR/CSP3, sandbox).
_UPLOADS_POLICY = "default-src 'none'; img-src 'self'; media-src 'self'; style-src 'unsafe-inline'; sandbox"


@dataclass(frozen=True)
class Address:
    """A domain name with its certificate, which is in us-east-1."""

    name: str
    certificate: acm.ICertificate


@dataclass(frozen=True)
class Site:
    """A frontend: the bucket with its files, and how its URLs become files (`SitePages`)."""

    bucket: s3.IBucket
    endings: tuple[str, ...]
    folders: bool
    reserved: str
    path: str = "/"
    name: str = ""
    """Part of construct ids, in their form; empty for the frontend at `/`."""


@dataclass(frozen=True)
class Route:
    """Paths that go to the load balancer, or to a frontend at another path than `/`."""

    pattern: str
    cached: bool
    """True if CloudFront caches responses according to their headers."""
    site: Site | None = None


class ProductDistribution(Construct):
    """One domain for the site, the API, WebSockets, and the media.

    Default settings:
    - the site comes from a private bucket; `site` tells pages from files;
    - `routes` go to the load balancer, a VPC origin, or to another frontend in the same bucket, in this order: the
      first pattern that matches a path applies;
    - uncached routes have all headers and cookies: WebSockets work;
    - cached routes have the visitor's `Host` and `CloudFront-Forwarded-Proto`, no cookies and no query;
    - with an `address`, CloudFront speaks HTTPS with the load balancer, whose certificate is for the same name;
    - without a `site`, the route `/*` is the default behavior, or the load balancer's answer to an unknown path;
    - `/media/*` comes from the media bucket, if there is one, cached and sandboxed: an uploaded page runs no script;
    - HTTPS, HTTP/2 and 3, security headers in every response;
    - TLS 1.2 or newer with the domain in `address`; for its own domain name CloudFront also allows TLS 1.0.
    """

    distribution: cloudfront.Distribution
    files: cloudfront.KeyValueStore | None
    """The list of the frontends' files; None without a frontend."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        description: str,
        site: Site | None,
        media: s3.IBucket | None,
        load_balancer: elbv2.IApplicationLoadBalancer,
        routes: Sequence[Route],
        read_timeout: cdk.Duration,
        content_security_policy: str | None,
        price_class: cloudfront.PriceClass,
        address: Address | None,
        web_acl_arn: str | None,
    ) -> None:
        super().__init__(scope, construct_id)
        self.files = None
        self._headers = self._define_headers(
            "SecurityHeaders", "of every answer", content_security_policy, uploads=False
        )
        containers = origins.VpcOrigin.with_application_load_balancer(
            load_balancer,
            protocol_policy=(
                cloudfront.OriginProtocolPolicy.HTTPS_ONLY if address else cloudfront.OriginProtocolPolicy.HTTP_ONLY
            ),
            http_port=80,
            https_port=443 if address else None,  # a change of any property deploys the origin again: 15 minutes
            origin_ssl_protocols=[cloudfront.OriginSslPolicy.TLS_V1_2] if address else None,
            read_timeout=read_timeout,
        )
        self._cache_policy = (
            self._define_cache_policy() if any(route.cached and not route.site for route in routes) else None
        )
        self._pages_origin: cloudfront.IOrigin | None = None
        self._sites: dict[str, cloudfront.BehaviorOptions] = {}
        default = self._site(site) if site else None  # before other frontends, so that its ids do not depend on them
        behaviors = {
            route.pattern: self._site(route.site) if route.site else self._containers(containers, cached=route.cached)
            for route in routes
        }
        rest = behaviors.pop(_EVERYTHING, None) or self._containers(containers, cached=False)
        self.distribution = cloudfront.Distribution(
            self,
            "Distribution",
            comment=description,
            default_root_object="index.html" if site else None,
            default_behavior=default or rest,
            additional_behaviors=_ordered(behaviors, self._uploads(media) if media else None),
            http_version=cloudfront.HttpVersion.HTTP2_AND_3,
            minimum_protocol_version=cloudfront.SecurityPolicyProtocol.TLS_V1_2_2021 if address else None,
            price_class=price_class,
            domain_names=[address.name] if address else None,
            certificate=address.certificate if address else None,
            web_acl_id=web_acl_arn,
        )
        self._accept(site=bool(self._sites), own_certificate=address is not None, firewall=web_acl_arn is not None)

    def _accept(self, *, site: bool, own_certificate: bool, firewall: bool) -> None:
        if site:
            acknowledge(
                self.distribution,
                "a default root object is set; LIST makes a missing file a 404 instead of a 403",
                "Annotation::@aws-cdk/aws-cloudfront-origins:listBucketSecurityRisk",
            )
        accept(self.distribution, "visitors may be anywhere; a product says so otherwise", "AwsSolutions-CFR1")
        accept(
            self.distribution,
            "the buckets and the load balancer record what reaches them, the firewall what it stops; what the cache "
            "answers is counted only",
            "AwsSolutions-CFR3",
            "CKV_AWS_86",
        )
        if not own_certificate:
            accept(
                self.distribution,
                "on CloudFront's own name AWS chooses the TLS versions; a domain of the product gets 1.2 or newer",
                "AwsSolutions-CFR4",
                "CKV_AWS_174",
            )
        if not firewall:
            accept(
                self.distribution,
                "the manifest says that this environment has no firewall, which costs monthly (`edge.waf: false`)",
                "AwsSolutions-CFR2",
                "CKV_AWS_68",
            )

    def _site(self, site: Site) -> cloudfront.BehaviorOptions:
        """Returns the behavior of a frontend, the same one for each of its patterns."""
        if site.name in self._sites:
            return self._sites[site.name]
        # Only in frontends' behaviors, so that an unknown /api path returns 404 instead of the page.
        fallback = SitePages(
            self,
            f"SinglePage{site.name}",
            # Function names are unique in an account, but the generated name does not contain the stack's name.
            function_name="-".join(
                filter(None, (cdk.Stack.of(self).stack_name, self.node.id, site.name.lower(), "pages"))
            ),
            endings=site.endings,
            folders=site.folders,
            reserved=site.reserved,
            files=self._files(),
            path=site.path,
        )
        self._sites[site.name] = cloudfront.BehaviorOptions(
            origin=self._site_origin(site.bucket),
            viewer_protocol_policy=cloudfront.ViewerProtocolPolicy.REDIRECT_TO_HTTPS,
            cache_policy=cloudfront.CachePolicy.CACHING_OPTIMIZED,
            response_headers_policy=self._headers,
            compress=True,
            function_associations=[
                cloudfront.FunctionAssociation(
                    function=fallback, event_type=cloudfront.FunctionEventType.VIEWER_REQUEST
                )
            ],
        )
        return self._sites[site.name]

    def _files(self) -> cloudfront.KeyValueStore:
        """Returns the list of the files of all frontends, which releases write."""
        if self.files is None:
            self.files = cloudfront.KeyValueStore(
                self,
                "Files",
                key_value_store_name=f"{cdk.Stack.of(self).stack_name}-files",
                comment="Files of the site",
            )
        return self.files

    def _site_origin(self, bucket: s3.IBucket) -> cloudfront.IOrigin:
        """Returns the origin of all frontends: one, since they share the bucket."""
        if self._pages_origin is None:
            self._pages_origin = origins.S3BucketOrigin.with_origin_access_control(
                bucket, origin_access_levels=[cloudfront.AccessLevel.READ, cloudfront.AccessLevel.LIST]
            )
        return self._pages_origin

    def _uploads(self, media: s3.IBucket) -> cloudfront.BehaviorOptions:
        headers = self._define_headers("UploadHeaders", "of what people upload", _UPLOADS_POLICY, uploads=True)
        # The bucket is in another stack, so its policy cannot name this distribution without a dependency cycle. The
        # policy admits the account's distributions (docs/adr/0018), and this origin does not change it.
        access = cloudfront.S3OriginAccessControl(self, "MediaAccess", signing=cloudfront.Signing.SIGV4_ALWAYS)
        origin = origins.S3BucketOrigin.with_bucket_defaults(
            media, origin_access_control_id=access.origin_access_control_id
        )
        return self._cached(origin, headers)

    def _containers(self, origin: cloudfront.IOrigin, *, cached: bool) -> cloudfront.BehaviorOptions:
        if cached:
            return self._cached(origin, self._headers, self._cache_policy)
        return cloudfront.BehaviorOptions(
            origin=origin,
            viewer_protocol_policy=cloudfront.ViewerProtocolPolicy.REDIRECT_TO_HTTPS,
            allowed_methods=cloudfront.AllowedMethods.ALLOW_ALL,
            cache_policy=cloudfront.CachePolicy.CACHING_DISABLED,
            # With CloudFront's headers: CloudFront-Forwarded-Proto tells Django that the visitor used HTTPS.
            origin_request_policy=cloudfront.OriginRequestPolicy.ALL_VIEWER_AND_CLOUDFRONT_2022,
            response_headers_policy=self._headers,
        )

    def _cached(
        self,
        origin: cloudfront.IOrigin,
        headers: cloudfront.IResponseHeadersPolicy,
        cache_policy: cloudfront.ICachePolicy | None = None,
    ) -> cloudfront.BehaviorOptions:
        return cloudfront.BehaviorOptions(
            origin=origin,
            viewer_protocol_policy=cloudfront.ViewerProtocolPolicy.REDIRECT_TO_HTTPS,
            cache_policy=cache_policy or cloudfront.CachePolicy.CACHING_OPTIMIZED,
            response_headers_policy=headers,
            compress=True,
        )

    def _define_cache_policy(self) -> cloudfront.CachePolicy:
        # What is in the cache key is forwarded. An application refuses requests without its own name in `Host`, and
        # redirects those that were not made with HTTPS. The name must be in the key: otherwise a request with
        # CloudFront's name, which the application refuses, would put the refusal in the cache for everyone.
        return cloudfront.CachePolicy(
            self,
            "StaticCache",
            comment="Static files of services: by path and host name",
            cache_policy_name=f"{cdk.Stack.of(self).stack_name}-{self.node.id}-static",
            header_behavior=cloudfront.CacheHeaderBehavior.allow_list("Host", "CloudFront-Forwarded-Proto"),
            cookie_behavior=cloudfront.CacheCookieBehavior.none(),
            query_string_behavior=cloudfront.CacheQueryStringBehavior.none(),
            enable_accept_encoding_brotli=True,
            enable_accept_encoding_gzip=True,
            min_ttl=cdk.Duration.seconds(0),
            default_ttl=cdk.Duration.days(1),
            max_ttl=_YEAR,
        )

    def _define_headers(
        self, construct_id: str, comment: str, content_security_policy: str | None, *, uploads: bool
    ) -> cloudfront.ResponseHeadersPolicy:
        """Define security headers. For `uploads` they override the origin's, which the uploader can choose."""
        return cloudfront.ResponseHeadersPolicy(
            self,
            construct_id,
            comment=f"Security headers {comment}",
            security_headers_behavior=cloudfront.ResponseSecurityHeadersBehavior(
                content_security_policy=cloudfront.ResponseHeadersContentSecurityPolicy(
                    content_security_policy=content_security_policy, override=uploads
                )
                if content_security_policy
                else None,
                content_type_options=cloudfront.ResponseHeadersContentTypeOptions(override=True),
                frame_options=cloudfront.ResponseHeadersFrameOptions(
                    frame_option=cloudfront.HeadersFrameOption.DENY, override=uploads
                ),
                referrer_policy=cloudfront.ResponseHeadersReferrerPolicy(
                    referrer_policy=cloudfront.HeadersReferrerPolicy.STRICT_ORIGIN_WHEN_CROSS_ORIGIN, override=uploads
                ),
                strict_transport_security=cloudfront.ResponseHeadersStrictTransportSecurity(
                    access_control_max_age=_YEAR, include_subdomains=True, override=True
                ),
            ),
            remove_headers=["server", "x-powered-by"],
        )


def _ordered(
    routes: Mapping[str, cloudfront.BehaviorOptions], media: cloudfront.BehaviorOptions | None
) -> dict[str, cloudfront.BehaviorOptions]:
    """Returns the behaviors in the order of `routes`, with media before every route that also matches media."""
    # Not before all routes: the first behavior's origin has the logical id ...Origin2, and a VPC origin with a new id
    # would be created again, which takes 15 minutes.
    wide = {path for path in routes if _MEDIA.startswith(re.split(r"[*?]", path, maxsplit=1)[0])}
    return {
        **{path: behavior for path, behavior in routes.items() if path not in wide},
        **({_MEDIA: media} if media else {}),
        **{path: behavior for path, behavior in routes.items() if path in wide},
    }
