"""Visitors of a site with two frontends get both from the CloudFront of a local cloud, after releases of both."""

from __future__ import annotations

import urllib.error
import urllib.request
from collections.abc import Mapping
from pathlib import Path

import aws_cdk as cdk
import boto3
import pytest
from aws_cdk import aws_cloudfront as cloudfront
from aws_cdk import aws_elasticloadbalancingv2 as elbv2
from aws_cdk import aws_s3 as s3
from aws_cdk.assertions import Template

from builds import site_files
from localcloud.testing.plain import REGION, Plain, plain, unique
from products import load
from slipway.distribution import ProductDistribution, Route, Site
from slipway_cli.release import frontend
from slipway_cli.release.target import Target
from tests.support.stack import any_vpc, empty_stack
from tests.support.synthesis import Json

__all__ = ["plain"]

pytestmark = pytest.mark.local

# S3 of the local cloud ignores that CloudFront may list the bucket, which makes this a 404 on AWS
# (constructs/slipway/distribution.py, AccessLevel.LIST).
MISSING = 403
ENDINGS = tuple(sorted(site_files.ENDINGS))


def site_template() -> Json:
    stack = empty_stack()
    bucket = s3.Bucket(stack, "Site")
    admin = Site(bucket, ENDINGS, folders=False, reserved=site_files.RESERVED, path="/admin/", name="Admin")
    edge = ProductDistribution(
        stack,
        "Edge",
        description="two frontends",
        site=Site(bucket, ENDINGS, folders=False, reserved=site_files.RESERVED),
        media=None,
        load_balancer=elbv2.ApplicationLoadBalancer(stack, "Balancer", vpc=any_vpc(stack)),
        routes=[Route(pattern, cached=False, site=admin) for pattern in ("/admin", "/admin/*")],
        read_timeout=cdk.Duration.seconds(30),
        content_security_policy=None,
        price_class=cloudfront.PriceClass.PRICE_CLASS_100,
        address=None,
        web_acl_arn=None,
    )
    assert edge.files is not None
    for name, value in {
        "SiteBucketName": bucket.bucket_name,
        "SiteFilesArn": edge.files.key_value_store_arn,
        "DistributionId": edge.distribution.distribution_id,
    }.items():
        cdk.CfnOutput(stack, name, value=value)
    made = Template.from_stack(stack).to_json()
    return {part: made[part] for part in ("Resources", "Outputs")}  # the rest checks the bootstrap stack


@pytest.fixture(scope="module")
def outputs(plain: Plain) -> dict[str, str]:
    name = unique("two-frontends")
    plain.deploy(site_template(), name)
    return plain.outputs(name)


@pytest.fixture
def target(plain: Plain, outputs: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> Target:
    variables = {**plain.key.variables(), "AWS_ENDPOINT_URL": plain.url, "AWS_DEFAULT_REGION": REGION}
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(boto3, "DEFAULT_SESSION", None)  # the old session has the keys of another cloud
    found = Target(load("allthrive"), "production")
    found._outputs[found.stack("edge")] = outputs
    return found


def built(folder: Path, texts: Mapping[str, str], path: str, others: tuple[str, ...] = ()) -> frontend.Site:
    for name, text in texts.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text, encoding="utf-8")
    return frontend.Site(folder, folder.parent / "source", path=path, others=others)


def visit(plain: Plain, outputs: dict[str, str], path: str) -> tuple[int, str]:
    host = f"{outputs['DistributionId']}.cloudfront.localhost:{plain.port}"
    try:
        with urllib.request.urlopen(urllib.request.Request(f"{plain.url}{path}", headers={"Host": host})) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, ""


def test_pages_files_and_missing_files_of_both(
    plain: Plain, outputs: dict[str, str], target: Target, tmp_path: Path
) -> None:
    shop = {"index.html": "shop", "LICENSE": "licence", "assets/a-abcdef01.js": "js"}
    office = {"index.html": '<script src="/admin/assets/b-abcdef01.js">', "assets/b-abcdef01.js": "office js"}
    for folder, texts, path, others in (("1", shop, "/", ("admin/",)), ("2", office, "/admin/", ())):
        frontend.publish(target, built(tmp_path / folder, texts, path, others), "1", 1)

    answers = {
        path: visit(plain, outputs, path)
        for path in (
            *("/LICENSE", "/assets/a-abcdef01.js", "/any/page", "/other.unknown", "/missing.js"),
            *("/admin/assets/b-abcdef01.js", "/admin/users/1", "/admin/LICENSE", "/admin/missing.js"),
        )
    }

    assert answers == {
        "/LICENSE": (200, "licence"),
        "/assets/a-abcdef01.js": (200, "js"),
        "/any/page": (200, "shop"),
        "/other.unknown": (200, "shop"),
        "/missing.js": (MISSING, ""),
        "/admin/assets/b-abcdef01.js": (200, "office js"),
        "/admin/users/1": (200, office["index.html"]),
        "/admin/LICENSE": (200, office["index.html"]),
        "/admin/missing.js": (MISSING, ""),
    }


def test_a_release_of_one_frontend_forgets_its_own_files_only(
    plain: Plain, outputs: dict[str, str], target: Target, tmp_path: Path
) -> None:
    old = built(tmp_path / "1", {"index.html": "shop", "NOTICE": "notice"}, "/", ("admin/",))
    other = built(tmp_path / "2", {"index.html": "office", "NOTICE": "office's notice"}, "/admin/")
    new = built(tmp_path / "3", {"index.html": "shop"}, "/", ("admin/",))
    for site, release in ((old, "2"), (other, "2"), (new, "3")):
        frontend.publish(target, site, release, 1)

    assert visit(plain, outputs, "/NOTICE") == (200, "shop")
    assert visit(plain, outputs, "/admin/NOTICE") == (200, "office's notice")
