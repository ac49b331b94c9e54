"""The policies of CloudFormation's execution role, and the boundary of all other roles, from the templates."""
