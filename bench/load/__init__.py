"""Deploys production under load on the local cloud: no request may fail, no task may be lost or done twice."""
