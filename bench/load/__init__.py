"""A production deployment under load, on the local cloud: no failed request, no lost or doubled task."""
