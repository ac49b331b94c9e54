"""The load balancer between CloudFront and the containers."""

from __future__ import annotations

import re
from collections.abc import Sequence

import aws_cdk as cdk
from aws_cdk import aws_certificatemanager as acm
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_ecs as ecs
from aws_cdk import aws_elasticloadbalancingv2 as elbv2
from aws_cdk import aws_s3 as s3
from constructs import Construct

from slipway.accepted import accept, audits
from slipway.health_checks import TargetCheck

# Idle timeout of WebSockets in seconds; longer than CloudFront's ten minutes, so that CloudFront closes first.
_IDLE = 620
# docs.aws.amazon.com/elasticloadbalancing, "Quotas": condition values and wildcards per rule; read on 2026-11-30.
_PATHS_PER_RULE = 5
_WILDCARDS_PER_RULE = 5
_FIRST_PRIORITY = 1000  # above the priorities of earlier versions of this construct, which an update meets


def port(*, https: bool) -> int:
    """Returns the port that the load balancer listens on."""
    return 443 if https else 80


class InternalLoadBalancer(Construct):
    """An internal application load balancer, a VPC origin: only CloudFront can reach it.

    Default settings:
    - with a `certificate`, HTTPS on port 443 with TLS 1.2 or 1.3; without one, HTTP on port 80. Tasks see which in
      `X-Forwarded-Proto`. From here to the tasks it is HTTP;
    - malformed headers are dropped, request smuggling is refused;
    - a path that is not routed to a service returns 404;
    - every request is logged to `access_logs`.
    """

    balancer: elbv2.ApplicationLoadBalancer

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        name: str,
        vpc: ec2.IVpc,
        security_group: ec2.ISecurityGroup,
        deletion_protection: bool,
        access_logs: s3.IBucket,
        certificate: acm.ICertificate | None,
    ) -> None:
        super().__init__(scope, construct_id)
        self.balancer = elbv2.ApplicationLoadBalancer(
            self,
            "Balancer",
            load_balancer_name=name,
            vpc=vpc,
            vpc_subnets=ec2.SubnetSelection(subnet_group_name="Application"),
            internet_facing=False,
            security_group=security_group,
            deletion_protection=deletion_protection,
            drop_invalid_header_fields=True,
            desync_mitigation_mode=elbv2.DesyncMitigationMode.DEFENSIVE,
            idle_timeout=cdk.Duration.seconds(_IDLE),
        )
        self.balancer.log_access_logs(access_logs, "load-balancer")
        https = certificate is not None
        self._listener = self.balancer.add_listener(
            "Https" if https else "Http",
            port=port(https=https),
            protocol=elbv2.ApplicationProtocol.HTTPS if https else elbv2.ApplicationProtocol.HTTP,
            certificates=[certificate] if certificate else None,
            ssl_policy=elbv2.SslPolicy.TLS13_RES if https else None,
            open=False,
            default_action=elbv2.ListenerAction.fixed_response(
                404, content_type="application/json", message_body='{"detail":"Not found."}'
            ),
        )
        self._vpc = vpc
        self._accept(https=https, deletion_protection=deletion_protection)

    def _accept(self, *, https: bool, deletion_protection: bool) -> None:
        if not https:
            accept(
                self._listener,
                "without a domain there is no name for a certificate; only CloudFront is admitted, and the way from it "
                "to here stays in AWS (docs/adr/0027)",
                *audits("ALBHttpToHttpsRedirection"),
                *audits("ELBv2ACMCertificateRequired"),
                "CKV_AWS_2",
                "CKV_AWS_103",
            )
        accept(
            self.balancer,
            "nothing reaches it but CloudFront, where the firewall stands (`edge.waf`)",
            *audits("ALBWAFEnabled", "NIST", "PCI"),
        )
        if not deletion_protection:
            accept(
                self.balancer,
                "the manifest says that this environment may be deleted (`deletion_protection: false`)",
                *audits("ELBDeletionProtectionEnabled", "NIST", "HIPAA"),
            )

    def targets(
        self,
        construct_id: str,
        *,
        service: ecs.FargateService,
        container: str,
        port: int,
        health_check: TargetCheck,
        drain: cdk.Duration,
    ) -> elbv2.ApplicationTargetGroup:
        """Define the target group of a service, with a health check. Returns it: `route` sends requests to it."""
        return elbv2.ApplicationTargetGroup(
            self,
            construct_id,
            vpc=self._vpc,
            port=port,
            protocol=elbv2.ApplicationProtocol.HTTP,
            target_type=elbv2.TargetType.IP,
            targets=[service.load_balancer_target(container_name=container, container_port=port)],
            deregistration_delay=drain,
            health_check=health_check.of_target_group(),
        )

    def host_targets(
        self, construct_id: str, *, port: int, health_check: TargetCheck, drain: cdk.Duration
    ) -> elbv2.ApplicationTargetGroup:
        """Define a target group of hosts, which something else registers. Returns it for `route`."""
        return elbv2.ApplicationTargetGroup(
            self,
            construct_id,
            vpc=self._vpc,
            port=port,
            protocol=elbv2.ApplicationProtocol.HTTP,
            target_type=elbv2.TargetType.INSTANCE,
            deregistration_delay=drain,
            health_check=health_check.of_target_group(),
        )

    def pod_targets(
        self, construct_id: str, *, cluster: str, health_check: TargetCheck, drain: cdk.Duration
    ) -> elbv2.ApplicationTargetGroup:
        """Define a target group of pods, which a TargetGroupBinding of EKS registers. Returns it for `route`."""
        targets = elbv2.ApplicationTargetGroup(
            self,
            construct_id,
            vpc=self._vpc,
            port=80,  # each target has a port of its own
            protocol=elbv2.ApplicationProtocol.HTTP,
            target_type=elbv2.TargetType.IP,
            deregistration_delay=drain,
            health_check=health_check.of_target_group(),
        )
        # AmazonEKSLoadBalancingPolicy registers targets only in groups with this tag.
        cdk.Tags.of(targets).add("eks:eks-cluster-name", cluster)
        return targets

    def route(self, routes: Sequence[tuple[str, elbv2.ApplicationTargetGroup]]) -> None:
        """Route each path pattern to a target group; a request takes the first pattern that matches it."""
        for number, (paths, group) in enumerate(_rules(routes), start=1):
            # A rule is named by its place, so that CloudFormation updates rules where paths change: a new rule could
            # not have the priority of one that is removed after it.
            self._listener.add_action(
                f"Rule{number}",
                priority=_FIRST_PRIORITY + number,
                conditions=[elbv2.ListenerCondition.path_patterns(paths)],
                action=elbv2.ListenerAction.forward([group]),
            )


def _rules(
    routes: Sequence[tuple[str, elbv2.ApplicationTargetGroup]],
) -> list[tuple[list[str], elbv2.ApplicationTargetGroup]]:
    """Returns the rules for these routes: neighbors with the same target share one, as far as AWS's limits allow."""
    rules: list[tuple[list[str], elbv2.ApplicationTargetGroup]] = []
    for path, group in routes:
        if rules and rules[-1][1] is group and _fit([*rules[-1][0], path]):
            rules[-1][0].append(path)
        else:
            rules.append(([path], group))
    return rules


def _fit(paths: Sequence[str]) -> bool:
    wildcards = len(re.findall(r"[*?]", "".join(paths)))
    return len(paths) <= _PATHS_PER_RULE and wildcards <= _WILDCARDS_PER_RULE
