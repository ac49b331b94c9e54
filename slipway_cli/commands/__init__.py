"""The commands of `slipway`: arguments and help; what they do is in the package of their subject."""
