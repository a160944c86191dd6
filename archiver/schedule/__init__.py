"""When the next run is due, and waiting for it.

Pure but for the waiting. Imports `clock` and `text`.
"""
