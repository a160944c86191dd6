"""Valid signing keys: a trusted key, and those connected with it by rotations (pure).

A rotation is signed by both keys, so trust follows it in both directions: to the predecessors of
the trusted key, and to its successors. It names a segment: up to there the old key is valid, after
it only the new one.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from archiver.evidence.keys import PublicKey
from archiver.evidence.objects import Exhibits, Fault, Problem
from archiver.evidence.statements import Rotation, Signed, rotation_key


@dataclass(slots=True)
class Trust:
    """The valid keys by id, and the segment after which each is no longer valid, if any.

    `is_given`: the trusted key came from outside the archive.
    """

    keys: dict[str, PublicKey]
    is_given: bool
    retired: dict[str, int] = field(default_factory=dict)


def trust_of(exhibits: Exhibits, given: PublicKey | None, archive_id: str | None) -> Trust:
    """The valid keys. Without a key from outside, all keys in the archive are considered valid.

    Adds problems of rotations to the faults of the exhibits.
    """
    known = dict(exhibits.keys)
    if given is not None:
        known[given.key_id] = given
    sound: list[Rotation] = []
    for key, rotation, signed in exhibits.rotations:
        if rotation.archive_id == archive_id and _is_signed_by_both(rotation, signed, known):
            sound.append(rotation)
        else:
            wanted = "the signatures of the old key and of the new one, for this archive"
            fault = Fault(Problem.BAD_SIGNATURE, key, wanted, "an invalid signature")
            exhibits.faults.append(fault)
    path = sound if given is None else _path(given.key_id, sound, exhibits)
    names = set(known) if given is None else {given.key_id}
    names |= {name for one in path for name in (one.key_id, one.previous_id)}
    retired = {one.previous_id: one.head.number for one in path}
    trusted = {name: known[name] for name in names if name in known}
    return Trust(trusted, given is not None, retired)


def _path(key_id: str, rotations: list[Rotation], exhibits: Exhibits) -> list[Rotation]:
    """The rotations to the key, and those to its successors.

    Other rotations of a predecessor are not valid: someone who stole it may have created them. Nor
    is anything after a key that was rotated twice.
    """
    to = {one.key_id: one for one in rotations}
    path: list[Rotation] = []
    earlier = key_id
    while (one := to.pop(earlier, None)) is not None:
        path.append(one)
        earlier = one.previous_id
    later = key_id
    while following := [one for one in to.values() if one.previous_id == later]:
        if len(following) > 1:
            exhibits.faults += [
                Fault(
                    Problem.FOREIGN_SIGNATURE,
                    rotation_key(one.key_id),
                    f"one key that follows {later[:16]}",
                    f"{len(following)}: someone else has used the key {later[:16]}",
                )
                for one in following
            ]
            break
        path.append(to.pop(following[0].key_id))
        later = following[0].key_id
    return path


def _is_signed_by_both(rotation: Rotation, signed: Signed, known: Mapping[str, PublicKey]) -> bool:
    pair = [known.get(rotation.previous_id), known.get(rotation.key_id)]
    return len(signed.signatures) == 2 and all(
        key is not None and key.verifies(signature, signed.line)
        for key, signature in zip(pair, signed.signatures, strict=True)
    )
