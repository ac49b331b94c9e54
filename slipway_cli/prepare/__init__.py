"""`slipway prepare`: creates in an account what no stack can create: policies, the CDK's bootstrap stack, secrets."""
