"""The duration of a recording: one module per container, each promising only what its format
promises.

If the bytes do not prove the duration exactly, none is given, since a wrong one would stay in the
sidecar permanently. Nothing is decoded here, and every loop is limited by the size of the body:
however odd a body is, it costs about as much as a valid one of its size. Imports nothing of ours.
"""
