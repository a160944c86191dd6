"""When the next run is due, and waiting for it.

Pure except for the waiting. Imports `clock` and `text`.
"""
