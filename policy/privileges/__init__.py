"""Evidence of least privilege: what fails without each statement of each role, or why it is kept."""
