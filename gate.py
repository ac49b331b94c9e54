"""`python -m gate` until 0.1.0; it says what to type instead, and goes in 0.2.0."""

from slipway_cli.moved import module

module("gate")
