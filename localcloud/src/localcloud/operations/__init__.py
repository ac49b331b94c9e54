"""AWS Budgets and AWS Backup."""
