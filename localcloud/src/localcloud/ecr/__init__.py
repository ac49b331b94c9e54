"""ECR: the registry, its login, scans, and its resource types."""
