"""What breaks at night, rehearsed on the local cloud: `make drill` lists the drills, `make drill NAME=…` runs one."""
