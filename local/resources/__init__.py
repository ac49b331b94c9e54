"""CloudFormation resource types, one module per idea."""
