"""Compares the evidence of an archive with its ledger: what it proves, and what contradicts it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from archiver.clock import stamp
from archiver.config import EvidenceConfig
from archiver.errors import StorageError
from archiver.evidence.keys import PublicKey
from archiver.evidence.objects import Exhibits, Fault, Problem, read_exhibits
from archiver.evidence.statements import HeadStatement, Signed
from archiver.evidence.time_stamps import TimeStamp, read_stamp, roots_of
from archiver.evidence.trust import Trust, trust_of
from archiver.evidence.witnesses import heads_at
from archiver.ledger.segments import Head, number_prefix
from archiver.storage.base import Storage

if TYPE_CHECKING:
    from cryptography.x509 import Certificate

_CLOCKS_DIFFER: Final = 3600.0
"""Seconds of difference between the local and the authority's clock that are worth a note."""


@dataclass(frozen=True, slots=True)
class Chain:
    """The ledger as it was read: the digests of its segments by number, and whether a run is
    writing to it or died while writing."""

    archive_id: str | None
    head: Head
    digests: Mapping[str, int]
    is_unfinished: bool

    def has(self, head: Head) -> bool:
        """Whether the ledger contains exactly this segment."""
        return self.digests.get(str(head.digest)) == head.number


@dataclass(frozen=True, slots=True)
class Proof:
    """What a piece of evidence proves, as one sentence; `facts` is the machine-readable form."""

    kind: str
    text: str
    facts: Mapping[str, Any]


@dataclass(slots=True)
class Audit:
    """The result. `knows_end`: a witness knows how far the ledger went."""

    faults: list[Fault] = field(default_factory=list)
    proofs: list[Proof] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    knows_end: bool = False


@dataclass(frozen=True, slots=True)
class _Claim:
    """Evidence that the ledger had a segment. `is_inside`: the evidence is in the archive."""

    head: Head
    source: str
    is_inside: bool


async def audit(
    storage: Storage,
    chain: Chain,
    config: EvidenceConfig,
    given: PublicKey | None,
    *,
    has_traces: bool,
) -> Audit:
    """Check all signatures, stamps and witnesses of an archive.

    `given` is the trusted key; without one, those in the archive are used. `has_traces` says that
    something else in the archive, or this machine, knows a later end of the ledger. Raises
    StorageUnreachable, and KeyUnusable for certificates that cannot be read.
    """
    roots = await roots_of(config)
    exhibits = await read_exhibits(storage)
    found = Audit()
    trust = trust_of(exhibits, given, chain.archive_id)
    found.faults += exhibits.faults
    claims = _check_heads(exhibits, trust, chain, found)
    claims += _check_stamps(exhibits, roots, chain, found)
    for witness in config.witnesses:
        try:
            heads = await heads_at(witness, str(chain.archive_id))
        except StorageError as error:
            found.notes.append(f"a witness is unreachable, so it proves nothing now: {error}")
            continue
        claims += _check_witness(witness.url, heads, chain, found)
    found.faults += _contradictions(claims, chain, has_traces=has_traces)
    return found


def _check_heads(exhibits: Exhibits, trust: Trust, chain: Chain, found: Audit) -> list[_Claim]:
    """Check every signature over a head; each valid one is evidence for its segment."""
    good: list[HeadStatement] = []
    for key, statement, signed in exhibits.heads:
        fault = _judge(key, statement, signed, trust, exhibits, chain)
        if fault is None:
            good.append(statement)
        else:
            found.faults.append(fault)
    covered = max((one for one in good if chain.has(one.head)), key=_number, default=None)
    if covered is not None:
        found.proofs.append(_signature_proof(covered, trust))
    if trust.is_given or exhibits.heads:
        _check_cover(0 if covered is None else covered.head.number, chain, found)
    return [_Claim(one.head, f"a signature of {stamp(one.at)}", is_inside=True) for one in good]


def _judge(
    key: str,
    statement: HeadStatement,
    signed: Signed,
    trust: Trust,
    exhibits: Exhibits,
    chain: Chain,
) -> Fault | None:
    if statement.archive_id != chain.archive_id:
        wanted = f"a signature for archive {chain.archive_id}"
        return Fault(Problem.BAD_SIGNATURE, key, wanted, f"one for {statement.archive_id[:40]}")
    key_id = str(statement.key_id)
    public = trust.keys.get(key_id)
    if public is None:
        wanted = "a signature by the trusted key, or by one that it was rotated to or from"
        known = "" if key_id in exhibits.keys else ", which is not in the archive"
        return Fault(Problem.FOREIGN_SIGNATURE, key, wanted, f"one by the key {key_id[:16]}{known}")
    if len(signed.signatures) != 1 or not public.verifies(signed.signatures[0], signed.line):
        wanted = f"a signature by the key {key_id[:16]}"
        return Fault(Problem.BAD_SIGNATURE, key, wanted, "an invalid signature")
    last = trust.retired.get(key_id)
    if last is not None and statement.head.number > last:
        wanted = f"no signature by the key {key_id[:16]} after segment {last}, when it was replaced"
        return Fault(Problem.FOREIGN_SIGNATURE, key, wanted, "a signature by it")
    return None


def _check_cover(covered: int, chain: Chain, found: Audit) -> None:
    """Report segments after the newest signed head: anyone could have written them."""
    first, last = covered + 1, chain.head.number
    if first > last:
        return
    which = f"segment {last}" if first == last else f"segments {first} to {last}"
    if chain.is_unfinished:
        found.notes.append(
            f"{which} not signed yet: a run is in progress or did not finish; the next run signs"
        )
        return
    newest = f"signatures up to segment {covered} only" if covered else "no signature"
    digest = next((name for name, number in chain.digests.items() if number == first), "*")
    key = f"{number_prefix(first)}{digest}.jsonl"
    found.faults.append(Fault(Problem.NOT_SIGNED, key, f"a signature over {which}", newest))


def _signature_proof(statement: HeadStatement, trust: Trust) -> Proof:
    number, key_id = statement.head.number, str(statement.key_id)
    text = (
        f"segments 1 to {number} are signed by the key {key_id[:16]}, last at "
        f"{stamp(statement.at)} (local clock): nobody without this key has changed them"
    )
    if not trust.is_given:
        text += (
            ". The key comes from the archive itself, where it could have been replaced: verify "
            "with --key"
        )
    facts = {"segment": number, "keyId": key_id, "at": stamp(statement.at)}
    return Proof("signed", text, facts | {"trusted": trust.is_given})


def _check_stamps(
    exhibits: Exhibits, roots: "Sequence[Certificate]", chain: Chain, found: Audit
) -> list[_Claim]:
    good: list[tuple[Head, TimeStamp]] = []
    for key, head, data in exhibits.stamps:
        wanted = f"a time stamp of segment {head.number}"
        try:
            one = read_stamp(data, roots)
        except ValueError as error:
            found.faults.append(Fault(Problem.BAD_STAMP, key, wanted, str(error)))
            continue
        if one.problem:
            found.faults.append(Fault(Problem.BAD_STAMP, key, wanted, one.problem))
        elif one.digest != head.digest:
            told = f"one of the digest {one.digest}"
            found.faults.append(Fault(Problem.BAD_STAMP, key, wanted, told))
        else:
            good.append((head, one))
    held = [one for one in good if chain.has(one[0])]
    newest = max(held, key=lambda one: one[0].number, default=None)
    if newest is not None:
        found.proofs.append(_stamp_proof(*newest, is_checked=bool(roots)))
        _compare_clocks(exhibits, *newest, found)
    return [_Claim(head, f"a time stamp of {stamp(one.at)}", is_inside=True) for head, one in good]


def _stamp_proof(head: Head, one: TimeStamp, *, is_checked: bool) -> Proof:
    text = (
        f"segment {head.number}, and all before it, existed at {stamp(one.at)}, according to "
        f"{one.authority}"
    )
    if not is_checked:
        text += ", whose certificate was not checked: set evidence.timestamp_roots"
    facts = {"segment": head.number, "at": stamp(one.at), "authority": one.authority}
    return Proof("stamped", text, facts | {"checked": is_checked})


def _compare_clocks(exhibits: Exhibits, head: Head, one: TimeStamp, found: Audit) -> None:
    """Note a difference between the clocks: the times in the ledger may then be wrong."""
    ours = next((each.at for _, each, _ in exhibits.heads if each.head == head), None)
    if ours is not None and abs((ours - one.at).total_seconds()) > _CLOCKS_DIFFER:
        found.notes.append(
            f"the local clock said {stamp(ours)} when segment {head.number} was signed, but the "
            f"time stamp says {stamp(one.at)}: one of the two clocks was wrong"
        )


def _check_witness(url: str, heads: Sequence[Head], chain: Chain, found: Audit) -> list[_Claim]:
    if not heads:
        found.notes.append(f"the witness {url} has no head of this archive yet")
        return []
    found.knows_end = True
    newest = heads[-1].number
    if all(map(chain.has, heads)):
        has = f"{len(heads)} heads, the newest" if len(heads) > 1 else "1 head,"
        text = (
            f"the witness {url} has {has} of segment {newest}, and the ledger contains "
            f"{'all of them' if len(heads) > 1 else 'it'}: nothing up to there was rewritten, "
            "rolled back or truncated"
        )
        facts = {"url": url, "heads": len(heads), "segment": newest}
        found.proofs.append(Proof("witnessed", text, facts))
    return [_Claim(one, f"the witness {url}", is_inside=False) for one in heads]


def _contradictions(claims: Sequence[_Claim], chain: Chain, *, has_traces: bool) -> list[Fault]:
    """Segments with evidence that are missing in the ledger, one finding per source and kind."""
    lost = [one for one in claims if not chain.has(one.head)]
    later = [one for one in lost if one.head.number > chain.head.number]
    numbers = set(chain.digests.values())
    other = [one for one in lost if one not in later and one.head.number in numbers]
    is_cut = has_traces or any(one.is_inside for one in later)
    faults: list[Fault] = []
    for source in dict.fromkeys(_source(one) for one in other):
        first = min((one for one in other if _source(one) == source), key=_number_of_claim)
        wanted = f"segment {first.head}, according to {first.source}"
        faults.append(
            Fault(Problem.REWRITTEN, _key(first), wanted, "another segment with that number")
        )
    for source in dict.fromkeys(_source(one) for one in later):
        last = max((one for one in later if _source(one) == source), key=_number_of_claim)
        wanted = f"segment {last.head}, according to {last.source}"
        problem = Problem.TAIL_CUT if is_cut else Problem.ROLLED_BACK
        faults.append(Fault(problem, _key(last), wanted, _end_of(chain)))
    return faults


def _end_of(chain: Chain) -> str:
    return f"a ledger that ends with segment {chain.head}"


def _source(claim: _Claim) -> str:
    return "the archive" if claim.is_inside else claim.source


def _key(claim: _Claim) -> str:
    return f"{number_prefix(claim.head.number)}{claim.head.digest}.jsonl"


def _number(statement: HeadStatement) -> int:
    return statement.head.number


def _number_of_claim(claim: _Claim) -> int:
    return claim.head.number
