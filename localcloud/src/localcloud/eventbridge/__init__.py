"""EventBridge: delivers events to their targets, and the events that AWS services send."""
