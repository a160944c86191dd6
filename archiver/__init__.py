"""archiver brings the call recordings of a Liner call centre home, and can prove it."""

__version__ = "0.2.0"
