"""Maps each resource type to its pricing, or to the reason why it is free. Other types are reported as not priced."""

from __future__ import annotations

from dataclasses import dataclass

from slipway_cli.review.cost import containers, data, delivery, edge, hosts, network, observing
from slipway_cli.review.cost.use import Pricer


@dataclass(frozen=True)
class Priced:
    """A type that costs money, with its group in the tables and its pricing function."""

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
    "AWS::AutoScaling::AutoScalingGroup": Priced("hosts", hosts.group),
    "AWS::EC2::Volume": Priced("hosts", hosts.disk),
    "AWS::EKS::Cluster": Priced("cluster", hosts.cluster),
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

_IDENTITY = "IAM is free"
_ROUTING = "networks are free; their gateways and endpoints are priced"
_BY_THE_DISTRIBUTION = "included in the requests of its distribution"
_BACKUPS = "its snapshots are backups, which are not counted"
_SETTINGS = "a setting of a resource that is priced itself"
FREE: dict[str, str] = {
    "AWS::ApplicationAutoScaling::ScalableTarget": "scaling is free; the tasks it adds are not included",
    "AWS::ApplicationAutoScaling::ScalingPolicy": "scaling is free; the alarms it creates are not in the template",
    "AWS::CloudFront::Function": _BY_THE_DISTRIBUTION,
    "AWS::ECR::PublicRepository": "the first 50 GB of public images are free: aws.amazon.com/ecr/pricing, 2026-11",
    "AWS::Logs::MetricFilter": "filters are free; the custom metric of each costs $0.30 a month, not included",
    "AWS::CloudFront::KeyValueStore": "storage is free; reads cost $0.03 per million requests to the frontend",
    "AWS::CloudFront::CachePolicy": _SETTINGS,
    "AWS::CloudFront::OriginAccessControl": _SETTINGS,
    "AWS::CloudFront::ResponseHeadersPolicy": _SETTINGS,
    "AWS::CloudFront::VpcOrigin": "VPC origins are free",
    "AWS::Backup::BackupPlan": _BACKUPS,
    "AWS::Backup::BackupSelection": _BACKUPS,
    "AWS::Backup::BackupVault": _BACKUPS,
    "AWS::ServiceDiscovery::PrivateDnsNamespace": "its private hosted zone costs $0.50 a month, not included",
    "AWS::ServiceDiscovery::Service": "instances that ECS registers are free; lookups inside the VPC are, too",
    "AWS::EC2::FlowLog": "included in the price of its log group",
    "AWS::EC2::InternetGateway": _ROUTING,
    "AWS::EC2::LaunchTemplate": _SETTINGS,
    "AWS::EC2::Route": _ROUTING,
    "AWS::EC2::RouteTable": _ROUTING,
    "AWS::EC2::SecurityGroup": _ROUTING,
    "AWS::EC2::SecurityGroupEgress": _ROUTING,
    "AWS::EC2::SecurityGroupIngress": _ROUTING,
    "AWS::EC2::Subnet": _ROUTING,
    "AWS::EC2::SubnetRouteTableAssociation": _ROUTING,
    "AWS::EC2::VPC": _ROUTING,
    "AWS::EC2::VPCGatewayAttachment": _ROUTING,
    "AWS::ECS::TaskDefinition": "costs only while tasks run: services are priced, all other tasks run for minutes",
    "AWS::EKS::AccessEntry": _SETTINGS,
    "AWS::EKS::PodIdentityAssociation": _SETTINGS,
    "AWS::ElastiCache::ParameterGroup": _SETTINGS,
    "AWS::ElastiCache::SubnetGroup": _SETTINGS,
    "AWS::ElasticLoadBalancingV2::Listener": "included in the price of the load balancer",
    "AWS::ElasticLoadBalancingV2::ListenerRule": "included in the price of the load balancer",
    "AWS::ElasticLoadBalancingV2::TargetGroup": "included in the price of the load balancer",
    "AWS::Events::Rule": "events of AWS services are free",
    "AWS::IAM::InstanceProfile": _IDENTITY,
    "AWS::IAM::ManagedPolicy": _IDENTITY,
    "AWS::IAM::OIDCProvider": _IDENTITY,
    "AWS::IAM::Policy": _IDENTITY,
    "AWS::IAM::Role": _IDENTITY,
    "AWS::Lambda::EventInvokeConfig": _SETTINGS,
    "AWS::Lambda::Permission": _SETTINGS,
    "AWS::RDS::DBParameterGroup": _SETTINGS,
    "AWS::RDS::DBSubnetGroup": _SETTINGS,
    "AWS::Route53::RecordSet": "included in the price of its zone; alias queries to AWS are free",
    "AWS::CertificateManager::Certificate": "public certificates for AWS services are free",
    "AWS::S3::BucketPolicy": _SETTINGS,
    "AWS::SNS::Subscription": "the first thousand emails per month are free, and fewer are sent",
    "AWS::SNS::Topic": "the first million messages per month are free, and far fewer are sent",
    "AWS::SNS::TopicPolicy": _SETTINGS,
    "AWS::SQS::QueuePolicy": _SETTINGS,
    "AWS::Scheduler::Schedule": "the first 14 million starts per month are free, and far fewer happen",
    "AWS::Scheduler::ScheduleGroup": _SETTINGS,
    "AWS::SecretsManager::ResourcePolicy": _SETTINGS,
    "AWS::SecretsManager::RotationSchedule": "calls a function that is priced itself",
    "AWS::SecretsManager::SecretTargetAttachment": _SETTINGS,
    "AWS::SSM::Association": "commands to instances of EC2 are free",
    "AWS::SSM::Document": "commands to instances of EC2 are free",
    "AWS::SSM::Parameter": "standard parameters are free",
    "AWS::WAFv2::LoggingConfiguration": "included in the price of its log group",
    "AWS::CDK::Metadata": "not an AWS resource",
}
CUSTOM = ("Custom::", "AWS::CloudFormation::CustomResource")
"""The prefixes of custom resource types: they call a function that is priced itself."""


def free(kind: str) -> str | None:
    """Returns why a type is free; None if it may cost something."""
    return "calls a function that is priced itself" if kind.startswith(CUSTOM) else FREE.get(kind)
