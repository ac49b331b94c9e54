"""Operates pipelines by hand: status, start, follow, approve, reject, retry, rollback, stop.

It uses only CodePipeline's API through boto3, so it works the same on AWS and on the local cloud.
"""
