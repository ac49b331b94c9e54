"""Units of deployment: each takes its section of the manifest and objects of other stacks. Wiring only."""
