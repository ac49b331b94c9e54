"""The commands of `slipway`: arguments and help. The work is done by the other packages of slipway_cli."""
