"""One table of all recordings and calls, for other programs.

Reads an archive through its catalog and its sidecars; writes one file, and records the act. Imports
`export` and everything below.
"""
