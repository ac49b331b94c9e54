"""RDS: databases in containers, restores to a point in time, and their resource types."""
