"""Where an archive lies: six verbs on whole objects, the drivers that keep them, and the lock.

`base` is the contract; `local/` and `s3/` are its drivers; `retrying` goes around any of them.
Imports `config` and what lies below it.
"""
