"""Copies images from one repository to another."""
