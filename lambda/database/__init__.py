"""What functions need that log in to the database."""
