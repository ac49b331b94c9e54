"""Finds the images that another branch built and tested of a commit."""
