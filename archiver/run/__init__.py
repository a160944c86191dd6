"""A run: archives everything new since the last one, and accounts for everything.

`run` puts the parts together; `windows` and `enumeration` list calls, `execution` has their
recordings fetched and recorded, `finalize` writes the report. Imports `archive`, `retention` and
everything below.
"""
