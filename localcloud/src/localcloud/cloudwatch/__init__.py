"""CloudWatch: alarm resources and the evaluation of alarms."""
