"""The command `slipway`: a package for each group of its commands."""
