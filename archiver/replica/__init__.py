"""A second archive: the same objects in another location, with its own credentials and locks.

It is filled from the archive, never from the source, one ledger segment after another: first the
objects that the segment names, each compared with its digest in the ledger, then the segment
itself. So after any interruption the replica is a valid archive up to one of the segments, and its
newest segment shows where to continue. Every key is written create-only; a sidecar or report is
replaced only if the existing bytes are an earlier revision that the ledger records. All other
objects are foreign, and are neither overwritten nor removed.

Imports `retention`, `evidence`, `archive` and everything below them.
"""
