"""What the law asks of an archive beyond keeping: legal holds, retention, erasure, Object Lock.

Imports `archive` and everything below it.
"""
