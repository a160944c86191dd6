"""An archive on S3: the only place that imports boto3 and botocore.

Nothing outside `storage` imports it.
"""
