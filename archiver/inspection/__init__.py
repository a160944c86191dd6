"""The sound check of an archive: every recording is decoded and examined once, after its fetch.

`examine` looks at one recording, `inspect` at all that are due, `write` puts findings into
sidecars. Imports `archive`, `sound` and what lies below them.
"""
