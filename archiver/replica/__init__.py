"""A second archive: the same objects in another place, with credentials and locks of its own.

It is filled from the archive and never from the source, one segment of the ledger after the other:
first what the segment names, each object compared with the digest that the ledger has of it, then
the segment itself. So whatever stops it, the replica is an archive of its own, as it was at some
segment, and its newest segment says where to go on. Every key is written create-only; a sidecar or
a report is replaced only where the bytes there are an earlier revision that the ledger knows. What
is there besides is somebody else's, and is neither overwritten nor removed.

Imports `retention`, `evidence`, `archive` and everything below them.
"""
