"""Simple Notification Service."""
