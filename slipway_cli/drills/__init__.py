"""Drills: rehearsals of failures on the local cloud. `slipway drill` lists them, `slipway drill NAME` runs one."""
