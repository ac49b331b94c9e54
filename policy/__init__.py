"""Rules for templates, for problems that CDK and cfn-lint do not find."""
