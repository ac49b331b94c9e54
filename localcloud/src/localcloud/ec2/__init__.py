"""EC2: networks on record, and what MiniStack's API forgets of them."""
