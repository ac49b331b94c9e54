"""`slipway doctor`: what an account lacks before a product can be deployed to it. It changes nothing."""
