"""Actions that CloudFormation's resource handlers need only for some properties, by type and property.

AWS documents the permissions of a handler as one list, independent of the resource's properties. The properties here
were chosen by the description of each action in the service authorization reference. `NEVER` holds the actions that no
property needs.
"""

from __future__ import annotations

from collections.abc import Mapping

_KMS = ("kms:CreateGrant", "kms:Decrypt", "kms:DescribeKey", "kms:Encrypt", "kms:GenerateDataKey", "kms:RetireGrant")
_LOG_DELIVERY = (
    "firehose:PutRecord",
    "firehose:PutRecordBatch",
    "firehose:TagDeliveryStream",
    "logs:CreateLogDelivery",
    "logs:CreateLogStream",
    "logs:DeleteLogDelivery",
    "logs:GetLogDelivery",
    "logs:ListLogDeliveries",
    "logs:PutLogEvents",
    "logs:UpdateLogDelivery",
)
_ROLE = ("iam:GetRole", "iam:PassRole")
_METADATA = (
    "s3:CreateBucketMetadataTableConfiguration",
    "s3:DeleteBucketMetadataTableConfiguration",
    "s3:UpdateBucketMetadataAnnotationTableConfiguration",
    "s3:UpdateBucketMetadataInventoryTableConfiguration",
    "s3:UpdateBucketMetadataJournalTableConfiguration",
    "s3tables:CreateNamespace",
    "s3tables:CreateTable",
    "s3tables:CreateTableBucket",
    "s3tables:GetTable",
    "s3tables:GetTableMetadataLocation",
    "s3tables:PutTableBucketPolicy",
    "s3tables:PutTableEncryption",
    "s3tables:PutTablePolicy",
    "s3tables:UpdateTableMetadataLocation",
)

# Type -> property, nested ones with dots -> actions that are needed only if it is set.
ONLY_WITH: Mapping[str, Mapping[str, tuple[str, ...]]] = {
    "AWS::ApplicationAutoScaling::ScalableTarget": {
        "RoleARN": ("iam:PassRole",),
        "ScheduledActions": (
            "application-autoscaling:DeleteScheduledAction",
            "application-autoscaling:PutScheduledAction",
        ),
    },
    "AWS::CloudFront::Distribution": {
        "DistributionConfig.ConnectionMode": ("cloudfront:CreateConnectionGroup", "cloudfront:GetConnectionGroup"),
        "DistributionConfig.ContinuousDeploymentPolicyId": ("cloudfront:UpdateDistributionWithStagingConfig",),
    },
    "AWS::CodePipeline::Pipeline": {
        "DisableInboundStageTransitions": (
            "codepipeline:DisableStageTransition",
            "codepipeline:EnableStageTransition",
        ),
        "RestartExecutionOnUpdate": ("codepipeline:StartPipelineExecution",),
    },
    "AWS::EC2::EIP": {
        "InstanceId": ("ec2:AssociateAddress", "ec2:DisassociateAddress"),
        "TransferAddress": ("ec2:AcceptAddressTransfer",),
    },
    "AWS::EC2::FlowLog": {
        "DeliverLogsPermissionArn": ("iam:PassRole",),
        "LogDestination": (
            "autoscaling:DescribeTags",
            "iam:CreateServiceLinkedRole",
            "logs:CreateLogDelivery",
            "logs:DeleteLogDelivery",
            "s3:GetBucketPolicy",
            "s3:PutBucketPolicy",
        ),
    },
    "AWS::EC2::Instance": {
        "Affinity": ("ec2:ModifyInstancePlacement",),
        "CreditSpecification": ("ec2:ModifyInstanceCreditSpecification",),
        "IamInstanceProfile": (
            "ec2:AssociateIamInstanceProfile",
            "ec2:DescribeIamInstanceProfileAssociations",
            "ec2:DisassociateIamInstanceProfile",
            "ec2:ReplaceIamInstanceProfileAssociation",
            "iam:PassRole",
        ),
        "KeyName": ("ec2:DescribeKeyPairs",),
        "LaunchTemplate": ("ec2:DescribeLaunchTemplateVersions", "ec2:DescribeLaunchTemplates"),
        "MaintenanceOptions": ("ec2:ModifyInstanceMaintenanceOptions",),
        "MetadataOptions": ("ec2:ModifyInstanceMetadataOptions",),
        "Monitoring": ("ec2:MonitorInstances", "ec2:UnmonitorInstances"),
        "PrivateDnsNameOptions": ("ec2:ModifyPrivateDnsNameOptions",),
        "SsmAssociations": (
            "ssm:CreateAssociation",
            "ssm:DeleteAssociation",
            "ssm:DescribeAssociation",
            "ssm:ListAssociations",
        ),
        "Volumes": ("ec2:AttachVolume", "ec2:DetachVolume"),
    },
    "AWS::EC2::NatGateway": {
        "SecondaryAllocationIds": ("ec2:AssociateNatGatewayAddress", "ec2:DisassociateNatGatewayAddress"),
        "SecondaryPrivateIpAddresses": ("ec2:AssignPrivateNatGatewayAddress", "ec2:UnassignPrivateNatGatewayAddress"),
    },
    "AWS::EC2::Subnet": {"Ipv6CidrBlock": ("ec2:AssociateSubnetCidrBlock", "ec2:DisassociateSubnetCidrBlock")},
    "AWS::EC2::VPC": {
        "VpcEncryptionControl": ("ec2:CreateVpcEncryptionControl", "ec2:DescribeVpcEncryptionControls"),
    },
    "AWS::EC2::VPCEndpoint": {
        "ServiceNetworkArn": (
            "vpc-lattice:CreateServiceNetworkVpcEndpointAssociation",
            "vpc-lattice:DescribeServiceNetworkVpcEndpointAssociation",
        ),
        "ServiceRegion": ("vpce:AllowMultiRegion",),
    },
    "AWS::EC2::VPCGatewayAttachment": {
        "InternetGatewayId": (
            "ec2:AttachInternetGateway",
            "ec2:DescribeInternetGateways",
            "ec2:DetachInternetGateway",
        ),
        "VpnGatewayId": ("ec2:AttachVpnGateway", "ec2:DescribeVpnGateways", "ec2:DetachVpnGateway"),
    },
    "AWS::ECR::PublicRepository": {
        "RepositoryPolicyText": ("ecr-public:DeleteRepositoryPolicy", "ecr-public:SetRepositoryPolicy"),
    },
    "AWS::ECR::Repository": {
        "EncryptionConfiguration.KmsKey": _KMS,
        "LifecyclePolicy": ("ecr:DeleteLifecyclePolicy", "ecr:PutLifecyclePolicy"),
        "RepositoryPolicyText": ("ecr:DeleteRepositoryPolicy", "ecr:SetRepositoryPolicy"),
    },
    "AWS::ECS::Cluster": {
        "CapacityProviders": ("ecs:PutClusterCapacityProviders",),
        "Configuration.ExecuteCommandConfiguration.KmsKeyId": ("kms:DescribeKey",),
        "Configuration.ManagedStorageConfiguration": ("kms:DescribeKey",),
    },
    "AWS::ECS::Service": {"Role": ("iam:PassRole",)},
    "AWS::ECS::TaskDefinition": {"ExecutionRoleArn": _ROLE, "TaskRoleArn": _ROLE},
    "AWS::ElastiCache::ReplicationGroup": {
        "KmsKeyId": _KMS,
        "LogDeliveryConfigurations": _LOG_DELIVERY,
        "NodeGroupConfiguration": ("elasticache:ModifyReplicationGroupShardConfiguration",),
        "NumNodeGroups": ("elasticache:ModifyReplicationGroupShardConfiguration",),
        "SnapshotArns": ("s3:GetObject",),
    },
    "AWS::ElasticLoadBalancingV2::LoadBalancer": {
        "IpAddressType": ("elasticloadbalancing:SetIpAddressType",),
        "Ipv4IpamPoolId": ("ec2:DescribeIpamPools", "elasticloadbalancing:ModifyIpPools"),
        "MinimumLoadBalancerCapacity": ("elasticloadbalancing:ModifyCapacityReservation",),
    },
    "AWS::ElasticLoadBalancingV2::TargetGroup": {
        "Targets": ("elasticloadbalancing:DeregisterTargets", "elasticloadbalancing:RegisterTargets"),
    },
    "AWS::Events::Rule": {"RoleArn": ("iam:PassRole",), "Targets.RoleArn": ("iam:PassRole",)},
    "AWS::IAM::ManagedPolicy": {
        "Groups": ("iam:AttachGroupPolicy", "iam:DetachGroupPolicy"),
        "Roles": ("iam:AttachRolePolicy", "iam:DetachRolePolicy"),
        "Users": ("iam:AttachUserPolicy", "iam:DetachUserPolicy"),
    },
    "AWS::IAM::Policy": {
        "Groups": ("iam:DeleteGroupPolicy", "iam:GetGroupPolicy", "iam:PutGroupPolicy"),
        "Roles": ("iam:DeleteRolePolicy", "iam:GetRolePolicy", "iam:PutRolePolicy"),
        "Users": ("iam:DeleteUserPolicy", "iam:GetUserPolicy", "iam:PutUserPolicy"),
    },
    "AWS::IAM::Role": {
        "ManagedPolicyArns": ("iam:AttachRolePolicy", "iam:DetachRolePolicy"),
        "PermissionsBoundary": ("iam:PutRolePermissionsBoundary",),
        "Policies": ("iam:DeleteRolePolicy", "iam:PutRolePolicy"),
    },
    "AWS::Lambda::Function": {
        "CapacityProviderConfig": ("lambda:PassCapacityProvider",),
        "Code.S3Bucket": ("s3:GetObject",),
        "Code.S3ObjectVersion": ("s3:GetObjectVersion",),
        "CodeSigningConfigArn": (
            "lambda:DeleteFunctionCodeSigningConfig",
            "lambda:GetCodeSigningConfig",
            "lambda:PutFunctionCodeSigningConfig",
        ),
        "FileSystemConfigs": ("elasticfilesystem:DescribeMountTargets", "s3files:ListMountTargets"),
        "FunctionScalingConfig": ("lambda:PutFunctionScalingConfig",),
        "KmsKeyArn": _KMS,
        "Layers": ("lambda:GetLayerVersion",),
        "PublishToLatestPublished": ("lambda:PublishVersion",),
        "RecursiveLoop": ("lambda:PutFunctionRecursionConfig",),
        "ReservedConcurrentExecutions": ("lambda:DeleteFunctionConcurrency", "lambda:PutFunctionConcurrency"),
        "RuntimeManagementConfig": ("lambda:AssociateRuntimeAlias", "lambda:PutRuntimeManagementConfig"),
        "VpcConfig": (
            "ec2:DescribeNetworkInterfaces",
            "ec2:DescribeSecurityGroups",
            "ec2:DescribeSubnets",
            "ec2:DescribeVpcs",
        ),
    },
    "AWS::Logs::LogGroup": {
        "BearerTokenAuthenticationEnabled": ("logs:PutBearerTokenAuthentication",),
        "DataProtectionPolicy": ("logs:DeleteDataProtectionPolicy", "logs:PutDataProtectionPolicy"),
        "DeletionProtectionEnabled": ("logs:PutLogGroupDeletionProtection",),
        "FieldIndexPolicies": ("logs:DeleteIndexPolicy", "logs:PutIndexPolicy"),
        "KmsKeyId": ("logs:AssociateKmsKey", "logs:DisassociateKmsKey"),
        "ResourcePolicyDocument": ("logs:DeleteResourcePolicy", "logs:PutResourcePolicy"),
        "RetentionInDays": ("logs:DeleteRetentionPolicy", "logs:PutRetentionPolicy"),
    },
    "AWS::RDS::DBInstance": {
        "AssociatedRoles": ("rds:AddRoleToDBInstance", "rds:RemoveRoleFromDBInstance"),
        "AutomaticBackupReplicationRegion": (
            "rds:DescribeDBInstanceAutomatedBackups",
            "rds:StartDBInstanceAutomatedBackupsReplication",
            "rds:StopDBInstanceAutomatedBackupsReplication",
        ),
        "DBClusterIdentifier": ("rds:DescribeDBClusters",),
        "DBClusterSnapshotIdentifier": ("rds:DescribeDBClusterSnapshots",),
        "DBSnapshotIdentifier": ("rds:DescribeDBSnapshots", "rds:RestoreDBInstanceFromDBSnapshot"),
        "KmsKeyId": _KMS,
        "ManageMasterUserPassword": ("secretsmanager:CreateSecret", "secretsmanager:TagResource"),
        "MonitoringRoleArn": ("iam:GetRole", "iam:ListRoles", "iam:PassRole"),
        "RestoreTime": ("rds:RestoreDBInstanceToPointInTime",),
        "SourceDBInstanceIdentifier": ("rds:CreateDBInstanceReadReplica", "rds:PromoteReadReplica"),
    },
    "AWS::S3::Bucket": {
        "AbacStatus": ("s3:PutBucketAbac",),
        "AccelerateConfiguration": ("s3:PutAccelerateConfiguration",),
        "AccessControl": ("s3:PutBucketAcl",),
        "AnalyticsConfigurations": ("s3:PutAnalyticsConfiguration",),
        "CorsConfiguration": ("s3:PutBucketCORS",),
        "IntelligentTieringConfigurations": ("s3:PutIntelligentTieringConfiguration",),
        "InventoryConfigurations": ("s3:PutInventoryConfiguration",),
        "LoggingConfiguration": ("s3:PutBucketLogging",),
        "MetadataConfiguration": _METADATA,
        "MetadataTableConfiguration": _METADATA,
        "MetricsConfigurations": ("s3:PutMetricsConfiguration",),
        "NotificationConfiguration": ("s3:PutBucketNotification",),
        "ObjectLockConfiguration": ("s3:PutBucketObjectLockConfiguration", "s3:PutObjectLockConfiguration"),
        "ReplicationConfiguration": ("iam:PassRole", "s3:PutBucketReplication", "s3:PutReplicationConfiguration"),
        "WebsiteConfiguration": ("s3:DeleteBucketWebsite", "s3:PutBucketWebsite"),
    },
    "AWS::SNS::Subscription": {"SubscriptionRoleArn": _ROLE},
    "AWS::SNS::Topic": {
        "DataProtectionPolicy": ("sns:PutDataProtectionPolicy",),
        "DeliveryStatusLogging": _ROLE,
        "Subscription": ("sns:Subscribe", "sns:Unsubscribe"),
    },
    "AWS::SecretsManager::RotationSchedule": {
        "HostedRotationLambda": ("iam:PassRole",),
        "RotationLambdaARN": ("lambda:InvokeFunction",),
    },
    "AWS::SecretsManager::Secret": {
        "GenerateSecretString": ("secretsmanager:GetRandomPassword",),
        "ReplicaRegions": ("secretsmanager:RemoveRegionsFromReplication", "secretsmanager:ReplicateSecretToRegions"),
    },
}

_NO_SUCH_ACTION = (
    "s3:DeleteBucketAnalyticsConfiguration",
    "s3:DeleteBucketCors",
    "s3:DeleteBucketEncryption",
    "s3:DeleteBucketLifecycle",
    "s3:DeleteBucketMetricsConfiguration",
    "s3:DeleteBucketReplication",
    "s3:REST.PUT.OBJECT",
)

# Type -> actions in its lists that are not required: they belong to special kinds of the resource, are done by the
# service itself, or do not exist in IAM.
NEVER: Mapping[str, tuple[str, ...]] = {
    # Provisioned concurrency: only scalable targets of Lambda.
    "AWS::ApplicationAutoScaling::ScalableTarget": (
        "lambda:DeleteProvisionedConcurrencyConfig",
        "lambda:GetProvisionedConcurrencyConfig",
        "lambda:PutProvisionedConcurrencyConfig",
    ),
    # Only origins that another account shares.
    "AWS::CloudFront::VpcOrigin": ("sts:AssumeRole",),
    # Settings of the account, not of a cluster.
    "AWS::ECS::Cluster": ("ecs:PutAccountSetting", "ecs:PutAccountSettingDefault"),
    # iam:CreateServiceLinkedRole creates the service-linked role.
    "AWS::ElastiCache::ParameterGroup": ("iam:PutRolePolicy",),
    # Only listeners that log users in with Cognito.
    "AWS::ElasticLoadBalancingV2::Listener": ("cognito-idp:DescribeUserPoolClient",),
    "AWS::ElasticLoadBalancingV2::ListenerRule": ("cognito-idp:DescribeUserPoolClient",),
    # Only log delivery to Firehose or S3.
    "AWS::Logs::LogGroup": ("firehose:TagDeliveryStream", "logs:CreateLogDelivery", "s3:REST.PUT.OBJECT"),
    # Actions on objects: the bucket's handler does not manage them.
    "AWS::S3::Bucket": ("s3:DeleteObject", "s3:GetBucketAcl", "s3:PutObjectAcl", *_NO_SUCH_ACTION),
    # Only databases of other services.
    "AWS::SecretsManager::SecretTargetAttachment": (
        "docdb-elastic:GetCluster",
        "rds:DescribeDBClusters",
        "redshift-serverless:GetNamespace",
        "redshift-serverless:ListWorkgroups",
        "redshift:DescribeClusters",
    ),
    # Only logs sent to S3 or Firehose.
    "AWS::WAFv2::LoggingConfiguration": (
        "firehose:ListDeliveryStreams",
        "iam:DescribeOrganization",
        "s3:GetBucketPolicy",
        "s3:PutBucketPolicy",
    ),
    # Only rule groups of the AWS Marketplace.
    "AWS::WAFv2::WebACL": ("payments:GetConnectedAccount",),
}

# Actions that are required only if an update removes the property.
ONLY_WITHOUT: Mapping[str, Mapping[str, tuple[str, ...]]] = {
    "AWS::IAM::Role": {"PermissionsBoundary": ("iam:DeleteRolePermissionsBoundary",)},
}
