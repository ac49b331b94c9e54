"""Systems Manager: the public parameters of AWS."""
