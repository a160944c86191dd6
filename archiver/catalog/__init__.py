"""The catalog: a SQLite index of the archive, fast and disposable."""
