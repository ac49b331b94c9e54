"""The pipelines by hand: `python -m operate <verb>` says how they stand, starts, answers, repeats and takes back.

It talks to CodePipeline through boto3 alone, so it does the same to an account and to the local cloud.
"""
