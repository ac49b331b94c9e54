"""Releases a checkout by hand, with the same steps as the pipeline; also for a first release without a pipeline.

It uses only boto3 and docker, so it works the same with an AWS account and with the local cloud.
"""
