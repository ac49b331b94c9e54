"""`slipway demo`: from a bare checkout to a product that serves pages, on the local cloud."""
