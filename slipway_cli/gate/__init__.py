"""The policy gate, `make policy`: what every tool says about the templates, less what is accepted with a reason."""
