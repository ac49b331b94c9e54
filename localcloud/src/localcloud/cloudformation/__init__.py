"""CloudFormation: stack operations, custom resources, and the rights that they need."""
