"""Service Quotas returns AWS's defaults and remembers increases."""

from __future__ import annotations

import pytest
from botocore.exceptions import ClientError

from localcloud.testing.plain import Plain, plain, unique

__all__ = ["plain"]

pytestmark = pytest.mark.local
ADDRESSES = {"ServiceCode": "ec2", "QuotaCode": "L-0263D0A3"}


def test_a_quota_has_its_default_until_an_increase_of_the_region(plain: Plain) -> None:
    quotas = plain.client("service-quotas", region="eu-west-3")
    before = quotas.get_service_quota(**ADDRESSES)["Quota"]
    assert (before["QuotaName"], before["Value"], before["Adjustable"]) == ("EC2-VPC Elastic IPs", 5.0, True)

    change = quotas.request_service_quota_increase(**ADDRESSES, DesiredValue=12)["RequestedQuota"]

    assert change["Status"] == "APPROVED"
    assert quotas.get_service_quota(**ADDRESSES)["Quota"]["Value"] == 12
    assert quotas.get_aws_default_service_quota(**ADDRESSES)["Quota"]["Value"] == 5
    assert plain.client("service-quotas").get_service_quota(**ADDRESSES)["Quota"]["Value"] == 5
    listed = quotas.list_service_quotas(ServiceCode="ec2")["Quotas"]
    assert {quota["QuotaCode"]: quota["Value"] for quota in listed}[ADDRESSES["QuotaCode"]] == 12


def test_a_value_that_is_no_increase_is_refused(plain: Plain) -> None:
    quotas = plain.client("service-quotas", region="eu-west-2")
    with pytest.raises(quotas.exceptions.IllegalArgumentException, match="greater than the current value"):
        quotas.request_service_quota_increase(**ADDRESSES, DesiredValue=5)


def test_quotas_of_the_account_are_in_us_east_1(plain: Plain) -> None:
    distributions = {"ServiceCode": "cloudfront", "QuotaCode": "L-24B04930"}
    assert plain.client("service-quotas").get_service_quota(**distributions)["Quota"]["GlobalQuota"] is True
    elsewhere = plain.client("service-quotas", region="eu-west-1")
    with pytest.raises(elsewhere.exceptions.NoSuchResourceException):
        elsewhere.get_service_quota(**distributions)


def test_reading_a_quota_needs_the_permission(plain: Plain) -> None:
    nobody = plain.client("service-quotas", plain.session(plain.role(unique("nobody"))))
    with pytest.raises(ClientError, match="servicequotas:GetServiceQuota"):
        nobody.get_service_quota(**ADDRESSES)
