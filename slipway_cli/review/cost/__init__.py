"""Estimates the monthly cost of an assembly from its templates, a dated price table and printed assumptions."""
