"""Makes the bucket of media files in the S3-compatible store of docker-compose.yml: `python -m config.development`."""

from __future__ import annotations

import json
import os

import boto3
from botocore.exceptions import ClientError


def make_bucket(bucket: str) -> None:
    """Make a bucket whose files everybody may read, unless it exists. On AWS, CloudFront reads them alone."""
    s3 = boto3.client("s3")
    try:
        s3.create_bucket(Bucket=bucket)
    except ClientError as error:
        if error.response["Error"]["Code"] not in ("BucketAlreadyOwnedByYou", "BucketAlreadyExists"):
            raise
    read = {
        "Effect": "Allow",
        "Principal": "*",
        "Action": "s3:GetObject",
        "Resource": f"arn:aws:s3:::{bucket}/*",
    }
    s3.put_bucket_policy(Bucket=bucket, Policy=json.dumps({"Version": "2012-10-17", "Statement": [read]}))


if __name__ == "__main__":
    make_bucket(os.environ["AWS_STORAGE_BUCKET_NAME"])
