"""A run: archives everything new since the last one, and accounts for everything.

Combines the parts: the request, the unit of work, the pipeline, the end. Imports `archive`,
`retention` and everything below.
"""
