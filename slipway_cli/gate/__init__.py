"""The policy gate, `make policy`: the findings of all tools, except those accepted with a reason."""
