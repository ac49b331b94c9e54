"""Who may do what, and who may reach what: permissions, trust, resource policies, networks, public access."""
