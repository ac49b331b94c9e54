"""Every type of resource we make: what prices it, or why it costs nothing. What is in neither is unpriced."""

from __future__ import annotations

from dataclasses import dataclass

from slipway_cli.review.cost import containers, data, delivery, edge, network, observing
from slipway_cli.review.cost.use import Pricer


@dataclass(frozen=True)
class Priced:
    """A type that costs money: under which heading, and how it is priced."""

    group: str
    pricer: Pricer


PRICED: dict[str, Priced] = {
    "AWS::ECS::Service": Priced("containers", containers.service),
    "AWS::ECS::Cluster": Priced("observability", containers.cluster),
    "AWS::ECR::Repository": Priced("storage", containers.registry),
    "AWS::RDS::DBInstance": Priced("database", data.database),
    "AWS::ElastiCache::ReplicationGroup": Priced("cache", data.cache),
    "AWS::S3::Bucket": Priced("storage", data.bucket),
    "AWS::SecretsManager::Secret": Priced("secrets and keys", data.secret),
    "AWS::KMS::Key": Priced("secrets and keys", data.key),
    "AWS::EC2::NatGateway": Priced("NAT and endpoints", network.nat_gateway),
    "AWS::EC2::EIP": Priced("NAT and endpoints", network.address),
    "AWS::EC2::Instance": Priced("NAT and endpoints", network.instance),
    "AWS::EC2::VPCEndpoint": Priced("NAT and endpoints", network.endpoint),
    "AWS::ElasticLoadBalancingV2::LoadBalancer": Priced("load balancer", network.load_balancer),
    "AWS::CloudFront::Distribution": Priced("edge", edge.distribution),
    "AWS::WAFv2::WebACL": Priced("edge", edge.web_acl),
    "AWS::Route53::HostedZone": Priced("edge", edge.zone),
    "AWS::Logs::LogGroup": Priced("observability", observing.log_group),
    "AWS::CloudWatch::Alarm": Priced("observability", observing.alarm),
    "AWS::CloudWatch::Dashboard": Priced("observability", observing.dashboard),
    "AWS::CodePipeline::Pipeline": Priced("delivery", delivery.pipeline),
    "AWS::CodeBuild::Project": Priced("delivery", delivery.project),
    "AWS::Lambda::Function": Priced("delivery", delivery.function),
    "AWS::SQS::Queue": Priced("delivery", delivery.queue),
}

_IDENTITY = "IAM costs nothing"
_ROUTING = "networks cost by what goes through gateways and endpoints, which are priced"
_BY_THE_DISTRIBUTION = "costs by requests, which its distribution counts"
_SETTINGS = "settings of something that is priced itself"
FREE: dict[str, str] = {
    "AWS::ApplicationAutoScaling::ScalableTarget": "scaling costs nothing; the tasks it adds are not in the figure",
    "AWS::ApplicationAutoScaling::ScalingPolicy": "scaling costs nothing; the alarms it makes are not in the template",
    "AWS::CloudFront::Function": _BY_THE_DISTRIBUTION,
    "AWS::CloudFront::OriginAccessControl": _SETTINGS,
    "AWS::CloudFront::ResponseHeadersPolicy": _SETTINGS,
    "AWS::CloudFront::VpcOrigin": "VPC origins cost nothing beside their distribution",
    "AWS::EC2::FlowLog": "costs by what it sends, which its log group counts",
    "AWS::EC2::InternetGateway": _ROUTING,
    "AWS::EC2::Route": _ROUTING,
    "AWS::EC2::RouteTable": _ROUTING,
    "AWS::EC2::SecurityGroup": _ROUTING,
    "AWS::EC2::SecurityGroupEgress": _ROUTING,
    "AWS::EC2::SecurityGroupIngress": _ROUTING,
    "AWS::EC2::Subnet": _ROUTING,
    "AWS::EC2::SubnetRouteTableAssociation": _ROUTING,
    "AWS::EC2::VPC": _ROUTING,
    "AWS::EC2::VPCGatewayAttachment": _ROUTING,
    "AWS::ECS::TaskDefinition": "costs while tasks run: services are priced, a migration runs minutes a release",
    "AWS::ElastiCache::ParameterGroup": _SETTINGS,
    "AWS::ElastiCache::SubnetGroup": _SETTINGS,
    "AWS::ElasticLoadBalancingV2::Listener": "in the price of the load balancer",
    "AWS::ElasticLoadBalancingV2::ListenerRule": "in the price of the load balancer",
    "AWS::ElasticLoadBalancingV2::TargetGroup": "in the price of the load balancer",
    "AWS::Events::Rule": "events of AWS's own services cost nothing",
    "AWS::IAM::InstanceProfile": _IDENTITY,
    "AWS::IAM::ManagedPolicy": _IDENTITY,
    "AWS::IAM::OIDCProvider": _IDENTITY,
    "AWS::IAM::Policy": _IDENTITY,
    "AWS::IAM::Role": _IDENTITY,
    "AWS::Lambda::EventInvokeConfig": _SETTINGS,
    "AWS::Lambda::Permission": _SETTINGS,
    "AWS::RDS::DBParameterGroup": _SETTINGS,
    "AWS::RDS::DBSubnetGroup": _SETTINGS,
    "AWS::Route53::RecordSet": "in the price of its zone, and alias queries to AWS cost nothing",
    "AWS::CertificateManager::Certificate": "public certificates for AWS's own services cost nothing",
    "AWS::S3::BucketPolicy": _SETTINGS,
    "AWS::SNS::Subscription": "the first thousand e-mails of a month cost nothing, and fewer are sent",
    "AWS::SNS::Topic": "the first million messages of a month cost nothing, and far fewer are sent",
    "AWS::SNS::TopicPolicy": _SETTINGS,
    "AWS::SQS::QueuePolicy": _SETTINGS,
    "AWS::SecretsManager::ResourcePolicy": _SETTINGS,
    "AWS::SecretsManager::RotationSchedule": "costs by the calls of its function, which is priced",
    "AWS::SecretsManager::SecretTargetAttachment": _SETTINGS,
    "AWS::SSM::Parameter": "standard parameters cost nothing",
    "AWS::WAFv2::LoggingConfiguration": "costs by what it sends, which its log group counts",
    "AWS::CDK::Metadata": "no resource of AWS",
}
CUSTOM = ("Custom::", "AWS::CloudFormation::CustomResource")
"""Types that begin so are a call of a function, which is priced itself."""


def free(kind: str) -> str | None:
    """Why a type costs nothing; None when it may cost something."""
    return "a call of a function, which is priced itself" if kind.startswith(CUSTOM) else FREE.get(kind)
