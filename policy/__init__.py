"""Our own rules about templates: what CDK and cfn-lint let through, and would fail or harm at run time."""
