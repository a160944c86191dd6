"""The sound check of an archive: every recording is decoded and examined once after it was fetched.

`examine` handles one recording, `inspect` all that are due, `write` adds findings to sidecars.
Imports `archive`, `sound` and what is below them.
"""
