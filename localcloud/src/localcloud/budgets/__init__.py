"""AWS Budgets: kept on record."""
