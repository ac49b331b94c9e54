"""SNS: topics with every attribute of their resource type."""
