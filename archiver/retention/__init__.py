"""What the law asks of an archive beyond keeping: legal holds, retention, erasure, Object Lock.

Imports `evidence`, which says what is a signature, `archive` and everything below it.
"""
