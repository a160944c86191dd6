"""Benchmarks of the whole product: its speed compared with other ways to do the same work, and the
memory of very large runs. docs/performance.md has the results."""
