"""Findings about the ledger as a chain (pure)."""

from archiver.catalog.readonly import Glimpse
from archiver.ledger.segments import number_prefix
from archiver.ledger.walk import Break, Walk
from archiver.storage.keys import LEDGER_PREFIX
from archiver.verify.findings import ChainBroken, Finding, TailCut, TwoArchives


def chain_finding(broken: Break) -> Finding:
    """The finding of a break in the chain."""
    kind = ChainBroken if broken.foreign is None else TwoArchives
    return kind(key=broken.key, expected=broken.expected, found=broken.found, advice=broken.advice)


def tail_findings(walk: Walk, head: str | None, memory: Glimpse) -> list[Finding]:
    """Heads that the ledger lacks: the one given by the caller, and that of this machine."""
    newest = f"a ledger that ends with segment {walk.head}"
    findings: list[Finding] = []
    if head is not None and head not in walk.digests:
        wanted = f"a segment with SHA-256 {head}, the head that was given"
        findings.append(TailCut(key=LEDGER_PREFIX, expected=wanted, found=newest))
    seen = memory.head
    if seen.digest is not None and seen.digest not in walk.digests:
        key = f"{number_prefix(seen.number)}{seen.digest}.jsonl"
        wanted = f"segment {seen.number}, which this machine has seen"
        findings.append(TailCut(key=key, expected=wanted, found=newest))
    return findings
