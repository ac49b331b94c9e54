"""Stops runs that a newer push has made pointless."""
