"""CodeConnections."""
