"""Writes `policy/execution/<account>/`: `python -m policy.execution`, which `make docs` runs."""

from policy.execution.document import write

write()
