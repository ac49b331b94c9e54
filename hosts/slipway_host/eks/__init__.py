"""Releases in a cluster of EKS: the steps of `slipway_host.kubernetes`, in a function of Lambda inside the VPC."""
