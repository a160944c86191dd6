"""A decoder that dies; in a module of its own, since worker processes import nothing but this."""

import os


def die(path: str) -> None:
    """End the process, as a fault in a library in C does."""
    os._exit(9)
