"""Who uses the desk: users and roles, passwords, sessions and log-in.

Does not know recordings.
"""
