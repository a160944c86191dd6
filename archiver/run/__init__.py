"""A run: everything new since the last one, and a statement that nothing is missing.

Puts the parts together: what is asked for, the unit of work, the pipeline, the end. Imports
`archive`, `retention` and everything below.
"""
