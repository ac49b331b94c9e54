"""AWS Backup: kept on record."""
