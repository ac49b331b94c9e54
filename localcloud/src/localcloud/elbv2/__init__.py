"""Elastic Load Balancing: WebSockets through load balancers."""
