"""`slipway init`: reads the checkout of a product, and writes its manifest. It runs nothing of the product."""
