"""ElastiCache: replication groups with a container behind them."""
