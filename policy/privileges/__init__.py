"""Least privilege, shown: for each statement of each role what fails without it, or why it stays all the same."""
