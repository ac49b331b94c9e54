"""`slipway demo`: deploys a product from a bare checkout on the local cloud."""
