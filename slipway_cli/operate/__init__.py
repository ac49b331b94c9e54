"""Operates pipelines by hand: status, start, follow, approve, reject, retry, rollback, stop.

It talks to CodePipeline through boto3 alone, so it does the same to an account and to the local cloud.
"""
