"""Route 53: its resource types, on record."""
