"""Notifies people about failed runs, approvals and releases."""
