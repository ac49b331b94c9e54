"""AWS Backup: its resource types, on record."""
