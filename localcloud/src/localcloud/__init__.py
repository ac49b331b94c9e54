"""The local cloud: MiniStack, our adapters and real containers behind one loopback address."""
