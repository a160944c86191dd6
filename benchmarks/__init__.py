"""Measurements of the whole product: how fast it is beside other ways to do the same work, and
how little memory a very large run needs. What they found is told in docs/performance.md."""
