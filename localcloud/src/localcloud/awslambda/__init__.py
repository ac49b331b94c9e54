"""Lambda. Not called `lambda`, which Python reserves."""
