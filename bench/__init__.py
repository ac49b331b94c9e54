"""Measures the speed of synthesis, compared with a floor that is measured in the same run."""
