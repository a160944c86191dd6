"""What carries HTTP requests: which origins may be reached, the transport, the driver beneath.

Nothing here knows the Liner API or recordings. Imports `tasks`, `text` and what is below them.
"""
