"""Code shared by the functions that log in to the database."""
