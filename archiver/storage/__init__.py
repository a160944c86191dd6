"""The storage of an archive: six operations on whole objects, the drivers, and the lock.

`base` is the contract; `local/` and `s3/` are its drivers; `retrying` wraps any of them. Imports
`config` and what is below it.
"""
