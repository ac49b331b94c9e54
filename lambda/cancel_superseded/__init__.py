"""Stops the pipeline runs that a newer push has superseded."""
