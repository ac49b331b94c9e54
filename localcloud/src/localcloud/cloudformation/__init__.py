"""CloudFormation: conditions, events, custom resources, and the permissions that stack operations need."""
