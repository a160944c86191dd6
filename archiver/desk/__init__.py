"""The QA desk without its pages: finding, listening, reviewing. It never writes to the archive.

Imports `archive` and everything below it.
"""
