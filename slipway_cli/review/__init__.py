"""What a change would do to what is deployed, from two synths and without credentials."""
