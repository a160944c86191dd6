"""Lengths as visitors write them (pure)."""


def read_clock(text: str) -> float | None:
    """A length as people write it: `90`, `1:30`, `1:02:03`; None for anything else."""
    parts = text.strip().split(":")
    if not 1 <= len(parts) <= 3 or not all(p.isascii() and p.isdigit() for p in parts):
        return None
    if any(len(part) > 7 for part in parts):
        return None
    total = 0
    for part in parts:
        total = total * 60 + int(part)
    return float(total)
