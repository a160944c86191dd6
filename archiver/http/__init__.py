"""HTTP requests: the allowed origins, the transport, and the driver beneath.

Nothing here knows the Liner API or recordings. Imports `tasks`, `text` and what is below them.
"""
