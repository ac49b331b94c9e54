"""S3: buckets with every property of their resource type."""
