"""The VPC of an environment, and the two security groups between CloudFront and the containers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import aws_cdk as cdk
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_logs as logs
from constructs import Construct

from slipway.accepted import accept, audits
from slipway.rights import accept_inline, confine_trust

# Interface endpoints for Fargate, Secrets Manager, CloudWatch Logs and ECS Exec in a VPC without NAT:
# docs.aws.amazon.com/AmazonECS/latest/developerguide/vpc-endpoints.html
_ENDPOINTS = {
    "EcrApi": ec2.InterfaceVpcEndpointAwsService.ECR,
    "EcrDocker": ec2.InterfaceVpcEndpointAwsService.ECR_DOCKER,
    "Logs": ec2.InterfaceVpcEndpointAwsService.CLOUDWATCH_LOGS,
    "Secrets": ec2.InterfaceVpcEndpointAwsService.SECRETS_MANAGER,
    "Exec": ec2.InterfaceVpcEndpointAwsService.SSM_MESSAGES,
}


class ProductNetwork(Construct):
    """A VPC with public, application and data subnets in every zone.

    Default settings:
    - application subnets reach the internet through NAT, or not at all (`nat="none"`, with interface endpoints);
    - data subnets have no route to the internet;
    - S3 is reached through a gateway endpoint, which costs nothing;
    - flow logs of all traffic are kept in CloudWatch Logs;
    - the load balancer's group admits only CloudFront's origin-facing addresses, on `listener_port`;
    - the application's group admits only the load balancer and, on the ports of `connect`, itself;
    - it allows outbound traffic only on `internet_ports` to any
      address (AWS's APIs have public addresses) and on `store_ports` to this network;
    - `restarts_services`: without NAT, functions in the network can also reach the API of ECS;
    - of all other groups, only the NAT instance's allows outbound traffic by itself.

    Public subnets exist even without NAT: a CloudFront VPC origin needs an internet gateway on the VPC
    (docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/private-content-vpc-origins.html).
    """

    vpc: ec2.Vpc
    application: ec2.SecurityGroup
    load_balancer: ec2.SecurityGroup

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        cidr: str,
        zones: list[str],
        nat: Literal["gateway", "instance", "none"],
        nat_count: int,
        internet_ports: Sequence[int],
        store_ports: Sequence[int],
        restarts_services: bool,
        cloudfront_prefix_list: str,
        listener_port: int,
        flow_logs: logs.ILogGroup,
    ) -> None:
        super().__init__(scope, construct_id)
        self.vpc = self._define_vpc(cidr, zones, nat, nat_count)
        flow_log = self.vpc.add_flow_log("FlowLog", destination=ec2.FlowLogDestination.to_cloud_watch_logs(flow_logs))
        account_flow_logs = cdk.Stack.of(self).format_arn(service="ec2", resource="vpc-flow-log/*")
        confine_trust(flow_log.node.find_child("IAMRole"), account_flow_logs)
        self.vpc.add_gateway_endpoint("S3", service=ec2.GatewayVpcEndpointAwsService.S3)
        if nat == "none":
            self._define_endpoints(restarts_services=restarts_services)
        self.application = ec2.SecurityGroup(
            self,
            "Application",
            vpc=self.vpc,
            description="Containers: from the load balancer only",
            allow_all_outbound=False,
        )
        for port in internet_ports:
            self.application.add_egress_rule(ec2.Peer.any_ipv4(), ec2.Port.tcp(port), "AWS and the internet")
        for port in store_ports:
            # To the whole network, not to the groups of database and cache: their stack is deployed later, and running
            # tasks could not reach the database until then.
            self.application.add_egress_rule(ec2.Peer.ipv4(cidr), ec2.Port.tcp(port), "Database and cache")
        self.load_balancer = ec2.SecurityGroup(
            self,
            "LoadBalancer",
            vpc=self.vpc,
            description="Load balancer: from CloudFront only",
            allow_all_outbound=False,
        )
        self._accept(flow_log)
        self.load_balancer.add_ingress_rule(
            ec2.Peer.prefix_list(cloudfront_prefix_list), ec2.Port.tcp(listener_port), "CloudFront VPC origin"
        )

    def admit(self, port: int) -> None:
        """Allow requests from the load balancer to the containers on a port."""
        self.application.connections.allow_from(
            self.load_balancer, ec2.Port.tcp(port), "Requests from the load balancer"
        )

    def admit_pods(self) -> None:
        """Allow requests from the load balancer to pods on any port, and connections between pods of all nodes.

        The ports are in the product's manifests. The load balancer sends requests to its targets only.
        """
        self.application.connections.allow_from(
            self.load_balancer, ec2.Port.all_tcp(), "Requests from the load balancer"
        )
        self.application.connections.allow_internally(ec2.Port.all_tcp(), "Pods that call each other")

    def connect(self, port: int) -> None:
        """Allow connections between containers on a port."""
        self.application.connections.allow_internally(ec2.Port.tcp(port), "Services that call each other")

    def _define_endpoints(self, *, restarts_services: bool) -> None:
        group = ec2.SecurityGroup(
            self,
            "Endpoints",
            vpc=self.vpc,
            description="Interface endpoints: HTTPS from this network",
            allow_all_outbound=False,
        )
        group.add_ingress_rule(ec2.Peer.ipv4(self.vpc.vpc_cidr_block), ec2.Port.tcp(443), "AWS's APIs")
        ecs = {"Ecs": ec2.InterfaceVpcEndpointAwsService.ECS} if restarts_services else {}
        for name, service in {**_ENDPOINTS, **ecs}.items():
            self.vpc.add_interface_endpoint(
                name, service=service, private_dns_enabled=True, security_groups=[group], open=False
            )

    def _accept(self, flow_log: ec2.FlowLog) -> None:
        accept(
            self.vpc,
            "every construct names its own group: nothing is in the default one, and closing it takes a function",
            *audits("VPCDefaultSecurityGroupClosed"),
        )
        accept(
            self.vpc,
            "the zones are named, since synthesis asks no account which it has: products/regions.py",
            "W3010",
        )
        accept_inline(flow_log.node.find_child("IAMRole"))
        for subnet in self.vpc.public_subnets:
            accept(
                subnet,
                "the public subnets hold NAT alone; a VPC origin of CloudFront needs an internet gateway",
                *audits("VPCNoUnrestrictedRouteToIGW"),
            )

    def _define_vpc(self, cidr: str, zones: list[str], nat: str, nat_count: int) -> ec2.Vpc:
        private = ec2.SubnetType.PRIVATE_ISOLATED if nat == "none" else ec2.SubnetType.PRIVATE_WITH_EGRESS
        provider = None
        if nat == "instance":
            provider = ec2.NatProvider.instance_v2(
                instance_type=ec2.InstanceType("t4g.nano"),
                machine_image=ec2.MachineImage.latest_amazon_linux2023(cpu_type=ec2.AmazonLinuxCpuType.ARM_64),
                default_allowed_traffic=ec2.NatTrafficDirection.OUTBOUND_ONLY,
                associate_public_ip_address=True,  # the subnet assigns none, and without one no response arrives
            )
        vpc = ec2.Vpc(
            self,
            "Vpc",
            ip_addresses=ec2.IpAddresses.cidr(cidr),
            availability_zones=zones,
            nat_gateways=0 if nat == "none" else nat_count,
            nat_gateway_provider=provider,
            restrict_default_security_group=False,  # unused, and the CDK needs a Lambda with EC2 rights to close it
            subnet_configuration=[
                ec2.SubnetConfiguration(
                    name="Public", subnet_type=ec2.SubnetType.PUBLIC, map_public_ip_on_launch=False
                ),
                ec2.SubnetConfiguration(name="Application", subnet_type=private),
                ec2.SubnetConfiguration(name="Data", subnet_type=ec2.SubnetType.PRIVATE_ISOLATED),
            ],
        )
        if isinstance(provider, ec2.NatInstanceProviderV2):
            _harden(provider, cidr)
        return vpc


def _harden(nat: ec2.NatInstanceProviderV2, cidr: str) -> None:
    nat.security_group.add_ingress_rule(ec2.Peer.ipv4(cidr), ec2.Port.all_traffic(), "What leaves through NAT")
    accept(
        nat.security_group,
        "it takes every port from this network, since it carries on whatever the containers send; nothing from outside",
        *audits("EC2RestrictedCommonPorts"),
    )
    for instance in nat.gateway_instances:
        resource = instance.node.default_child
        assert isinstance(resource, ec2.CfnInstance)  # noqa: S101 - for mypy: the L1 of the L2
        resource.metadata_options = ec2.CfnInstance.MetadataOptionsProperty(http_tokens="required")
        resource.block_device_mappings = [
            ec2.CfnInstance.BlockDeviceMappingProperty(
                device_name="/dev/xvda", ebs=ec2.CfnInstance.EbsProperty(encrypted=True)
            )
        ]
        accept(
            instance,
            "the cheap NAT, chosen by the manifest for an environment that may stand still: by its nature an instance "
            "with a public address, that holds nothing and that CloudFormation replaces (`nat: gateway` has none)",
            *audits("EC2InstanceNoPublicIp"),
            *audits("EC2InstancesInVPC"),
            "HIPAA.Security-EC2InstanceDetailedMonitoringEnabled",
            "AwsSolutions-EC28",
            "AwsSolutions-EC29",
            "CKV_AWS_88",
        )
