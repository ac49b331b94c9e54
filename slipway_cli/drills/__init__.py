"""What breaks at night, rehearsed on the local cloud: `slipway drill` lists them, `slipway drill NAME` plays one."""
