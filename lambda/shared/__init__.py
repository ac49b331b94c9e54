"""What two handlers or more use."""
