"""CloudWatch Logs: its resource types."""
