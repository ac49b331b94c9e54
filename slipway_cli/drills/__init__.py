"""Drills: rehearsals of failures on the local cloud. `make drill` lists them, `make drill NAME=…` runs one."""
