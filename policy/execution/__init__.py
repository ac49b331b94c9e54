"""The policies of CloudFormation's execution role and of the roles it makes, computed from the templates."""
