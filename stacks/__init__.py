"""The CDK stacks. Each connects constructs, given its section of the manifest and objects of other stacks."""
