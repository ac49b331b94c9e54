"""WAF: its resource types, on record."""
