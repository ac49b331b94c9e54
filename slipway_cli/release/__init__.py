"""One release by hand, from a checkout: what the pipeline does, and what the first release needs before there is one.

It talks to AWS through boto3 and docker alone, so it does the same to an account and to the local cloud.
"""
