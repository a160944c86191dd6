"""How long a recording is: one module a container, each promising only what its format promises.

Where the bytes do not say it exactly there is no statement, since a wrong length stays in the
sidecar for good. Nothing here decodes, and every loop is bounded by the size of the body: no body,
however odd, costs more than about what a good one of its size costs. Imports nothing of ours.
"""
