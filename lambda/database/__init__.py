"""Code that the functions which log in to the database share."""
