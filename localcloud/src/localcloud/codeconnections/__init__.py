"""CodeConnections: connections, on record."""
