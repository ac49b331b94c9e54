"""Reports what a change would do to the deployed stacks, from two synths, without credentials."""
