"""ECR Public: repositories, layers and images; only their API, since Docker cannot reach public.ecr.aws here."""
