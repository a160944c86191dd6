"""Who uses the desk: users and roles, passwords, sessions and log-in.

Knows nothing of recordings.
"""
