"""An archive in a folder: part files, syncs, links, and a lock that is a file.

Nothing outside `storage` imports it.
"""
