"""Each check of a region, its quotas and its stacks fails once, and passes once."""

from __future__ import annotations

import pytest
from botocore.exceptions import WaiterError

from products.regions import REGIONS
from slipway_cli.doctor import quotas
from tests.slipway_cli.doctor.conftest import Account
from tests.slipway_cli.doctor.findings import check, missing, ok

pytestmark = pytest.mark.local


def test_zones_must_exist_and_support_vpc_origins(account: Account) -> None:
    asked = check("zones")
    assert ok(account.ask(asked, "staging")) == {"zones of staging": "us-east-1a (use1-az1), us-east-1b (use1-az2)"}

    found = missing(account.ask(asked, "staging", {"environments.staging.network.zone_letters": "cb"}))
    assert found.detail == "us-east-1c is use1-az3, which CloudFront's VPC origins do not support"
    assert "zone_letters: ab, before the first deployment" in found.fix

    found = missing(account.ask(asked, "staging", {"environments.staging.network.zone_letters": "af"}))
    assert found.detail == "the account has no zone us-east-1f"

    found = missing(account.ask(asked, "production"))
    assert found.fix == "write environments.production.network.zones: 2"


def test_the_prefix_list_must_be_that_of_the_table(account: Account, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = check("CloudFront's prefix list")
    assert ok(account.ask(asked, "staging")) == {asked.name: "pl-3b927c52"}

    monkeypatch.setitem(REGIONS, "us-east-1", REGIONS["us-west-2"])
    found = missing(account.ask(asked, "staging"))
    assert found.detail == "the region's is pl-3b927c52, products/regions.py has pl-82a045eb"


@pytest.mark.parametrize("region", sorted(REGIONS))
def test_the_local_cloud_has_the_prefix_lists_of_the_table(account: Account, region: str) -> None:
    filters = [{"Name": "prefix-list-name", "Values": ["com.amazonaws.global.cloudfront.origin-facing"]}]
    found = account.client("ec2", region).describe_managed_prefix_lists(Filters=filters)["PrefixLists"]
    assert [listed["PrefixListId"] for listed in found] == [REGIONS[region].cloudfront_prefix_list]


def test_the_instance_type_of_hosts_must_be_offered_in_their_zones(account: Account) -> None:
    asked = check("instance types")
    assert ok(account.hosts(asked, count=1)) == {"instance type of staging": "t4g.small in us-east-1a, us-east-1b"}
    found = missing(account.hosts(asked, instance="m8g.large"))
    assert found.detail == "m8g.large is not offered in us-east-1a, us-east-1b"
    assert account.ask(asked, "staging") == []


def test_a_new_environment_needs_a_vpc(account: Account) -> None:
    asked, ec2 = check("quota: VPCs"), account.client("ec2")
    assert ok(account.ask(asked, "staging")) == {"quota: VPCs": "1 needed and 1 in use of 5"}

    for number in range(4):
        ec2.create_vpc(CidrBlock=f"10.{number}.0.0/16")
    found = missing(account.ask(asked, "staging"))
    assert found.detail == "1 needed and 5 in use, the quota is 5"
    assert found.fix == (
        "aws service-quotas request-service-quota-increase --service-code vpc --quota-code L-F678F1CE "
        "--desired-value 6 --region us-east-1"
    )

    account.client("service-quotas").request_service_quota_increase(
        ServiceCode="vpc", QuotaCode="L-F678F1CE", DesiredValue=6
    )
    assert ok(account.ask(asked, "staging"))


def test_a_deployed_environment_needs_no_more_vpcs_addresses_or_distributions(account: Account) -> None:
    account.deploy("staging-allthrive-network", Vpc=("AWS::EC2::VPC", {"CidrBlock": "10.9.0.0/16"}))
    for name in ("VPCs", "elastic IPs", "CloudFront distributions"):
        assert account.ask(check(f"quota: {name}"), "staging") == []


def test_nat_gateways_need_addresses(account: Account) -> None:
    asked, ec2 = check("quota: elastic IPs"), account.client("ec2")
    for _ in range(3):
        ec2.allocate_address(Domain="vpc")
    assert ok(account.ask(asked, "production")) == {asked.name: "2 needed and 3 in use of 5"}
    ec2.allocate_address(Domain="vpc")
    assert missing(account.ask(asked, "production")).detail == "2 needed and 4 in use, the quota is 5"


def test_the_prefix_list_needs_its_rules(account: Account, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = check("quota: rules of a security group")
    assert ok(account.ask(asked, "staging")) == {asked.name: "55 needed of 60"}
    monkeypatch.setattr(quotas, "PREFIX_LIST_RULES", 70)  # AWS has raised the list's weight before
    assert missing(account.ask(asked, "staging")).detail == "70 needed, the quota is 60"


def test_a_release_needs_twice_the_tasks(account: Account) -> None:
    """Production: 2 web tasks of 0.5 vCPU, at most 6; 2 workers of 0.5, one beat of 0.25, a migration of 0.5."""
    asked = check("quota: Fargate vCPUs")
    assert ok(account.ask(asked, "production")) == {asked.name: "5.75 needed of 6"}

    changes = {"environments.production.services": {"celery": {"count": 3}}}
    found = missing(account.ask(asked, "production", changes))
    assert found.detail == "6.75 needed, the quota is 6"
    assert "--quota-code L-3032A538 --desired-value 7" in found.fix


def test_spot_has_a_quota_of_its_own_and_migrations_do_not_use_it(account: Account) -> None:
    changes = {"environments.staging.capacity": "spot"}
    assert ok(account.ask(check("quota: Fargate vCPUs"), "staging", changes)) == {
        "quota: Fargate vCPUs": "0.5 needed of 6",
        "quota: Fargate Spot vCPUs": "2.25 needed of 6",
    }


def test_hosts_need_vcpus_of_ec2(account: Account) -> None:
    asked = check("quota: vCPUs of EC2 instances")
    assert ok(account.hosts(asked, count=1)) == {asked.name: "4 needed of 5"}  # two of its NAT instance
    assert missing(account.hosts(asked, count=2)).detail == "6 needed, the quota is 5"
    nat = {"environments.staging.network.nat": "instance"}
    assert ok(account.ask(asked, "staging", nat)) == {asked.name: "2 needed of 5"}
    assert account.ask(asked, "staging") == []


def test_a_new_environment_needs_a_distribution(account: Account, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = check("quota: CloudFront distributions")
    assert ok(account.ask(asked, "staging")) == {asked.name: "1 needed of 200"}
    monkeypatch.setattr(quotas, "DISTRIBUTIONS", quotas.VPCS)  # five: a test cannot create two hundred
    origin = {"Id": "o", "DomainName": "example.com", "CustomOriginConfig": {"OriginProtocolPolicy": "https-only"}}
    behaviour = {
        "TargetOriginId": "o",
        "ViewerProtocolPolicy": "https-only",
        "CachePolicyId": "658327ea-f89d-4fab-a63d-7e88639e58f6",
    }
    for number in range(5):
        config = {"Enabled": True, "Origins": [origin], "DefaultCacheBehavior": behaviour}
        made = ("AWS::CloudFront::Distribution", {"DistributionConfig": config})
        account.deploy(f"site-{number}", Site=made)
    assert missing(account.ask(asked, "staging")).detail == "1 needed and 5 in use, the quota is 5"


def test_builds_need_a_host_of_their_size_and_may_wait_for_it(account: Account) -> None:
    asked = check("quota: builds")
    assert ok(account.ask(asked, "tooling")) == {
        "quota: builds on ARM/Small": "1 at once: the 5 builds of a stage wait for each other"
    }
    x86 = {f"environments.{name}.architecture": "x86_64" for name in ("staging", "production")}
    found = ok(account.ask(asked, "tooling", x86))
    assert found["quota: builds on Linux/Medium"] == "1 at once"
    assert account.ask(asked, "staging") == []


def test_a_stack_that_cannot_be_updated_is_named(account: Account) -> None:
    asked = check("stacks")
    assert ok(account.ask(asked, "staging")) == {"stacks": "0 deployed, none blocks a deployment"}

    with pytest.raises(WaiterError):
        account.deploy(
            "staging-allthrive-data", Bad=("AWS::SNS::Topic", {"ArchivePolicy": {"MessageRetentionPeriod": 1}})
        )
    found = missing(account.ask(asked, "staging"))
    assert (found.check, found.detail) == ("stack staging-allthrive-data", "is ROLLBACK_COMPLETE")
    assert found.fix == "aws cloudformation delete-stack --stack-name staging-allthrive-data --region us-east-1"


def test_an_address_must_be_subscribed_and_confirmed(account: Account) -> None:
    asked, alarms = check("e-mail"), {"environments.staging.alarm_emails": ["ops@example.com"]}
    assert "after the deployment" in ok(account.ask(asked, "staging", alarms))["e-mail of staging"]
    assert account.ask(asked, "staging") == []

    topic = account.deploy("staging-allthrive-observability", Topic=("AWS::SNS::Topic", {}))["Topic"]
    assert missing(account.ask(asked, "staging", alarms)).detail == "ops@example.com is not subscribed"

    sns = account.client("sns")
    sns.subscribe(TopicArn=topic, Protocol="email", Endpoint="ops@example.com")
    found = missing(account.ask(asked, "staging", alarms))
    assert found.detail == "ops@example.com has not confirmed"
    assert "aws sns subscribe" in found.fix

    sns.confirm_subscription(TopicArn=topic, Token=account.mailed_token(topic))
    assert ok(account.ask(asked, "staging", alarms)) == {"e-mail of staging": "ops@example.com has confirmed"}
