"""CloudWatch: alarms that watch, and their resource types."""
