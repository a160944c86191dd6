"""archiver archives the call recordings of a Liner call centre completely, and can prove it."""

__version__ = "0.2.0"
