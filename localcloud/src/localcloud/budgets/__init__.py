"""AWS Budgets: its resource type, on record."""
