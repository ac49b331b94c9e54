"""A local GitHub for continuous delivery: a git remote that triggers pipelines, the REST API, and web pages."""
