"""How fast synthesis is, beside a floor measured in the same run."""
