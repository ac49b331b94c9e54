"""The program that applies a release on a host, or returns to the one before. Python 3.9, standard library only."""
