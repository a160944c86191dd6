"""A recording -> its keys, and back (pure).

The extension of a recording is never `json`, since that is the name of its sidecar: a source that
serves JSON as a recording is rejected long before, and if one were accepted, `456.bin` and
`456.json` would still be two objects.
"""

import re
from typing import Final, NamedTuple

ARCHIVE_PREFIX: Final = "_archive/"
FORMAT_KEY: Final = "_archive/format.json"
LEDGER_PREFIX: Final = "_archive/ledger/"
RUNS_PREFIX: Final = "_archive/runs/"
REVISIONS_PREFIX: Final = "_archive/revisions/"
DAMAGED_PREFIX: Final = "_archive/damaged/"
HOLDS_PREFIX: Final = "_archive/holds/"
ACTS_PREFIX: Final = "_archive/acts/"
EVIDENCE_PREFIX: Final = "_archive/evidence/"
# Working space: part files, spooled bodies, locks, scratch objects of `doctor`. Never evidence.
TMP_PREFIX: Final = "_archive/tmp/"
ARCHIVE_LOCK_KEY: Final = "_archive/tmp/lock"
LEDGER_LOCK_KEY: Final = "_archive/tmp/ledger-lock"
LOCK_KEYS: Final = frozenset({ARCHIVE_LOCK_KEY, LEDGER_LOCK_KEY})

UNKNOWN_EXTENSION: Final = "bin"
SIDECAR_EXTENSION: Final = "json"

# S3 allows 1,024 bytes for prefix and key together, file systems 255 for one name.
MAX_KEY: Final = 512
_SEGMENT: Final = r"(?!\.{1,2}(?:/|\Z))[A-Za-z0-9._-]{1,200}"
_KEY: Final = re.compile(rf"{_SEGMENT}(?:/{_SEGMENT})*")
_EXTENSION: Final = re.compile(r"[a-z0-9]{1,5}")
_ID: Final = r"(?:0|[1-9][0-9]{0,18})"
_REVISION: Final = re.compile(rf"({_ID}/{_ID}/({_ID}))\.([1-9][0-9]{{0,8}})\.json")
_RECORDING: Final = re.compile(rf"({_ID})/({_ID})/({_ID})\.([a-z0-9]{{1,5}})")


class RecordingKey(NamedTuple):
    """The parts of the key of an audio object or sidecar; `lead_id` is 0 if unknown."""

    lead_id: int
    call_id: int
    record_id: int
    extension: str

    @property
    def is_sidecar(self) -> bool:
        """Whether the key is that of the sidecar and not of the audio."""
        return self.extension == SIDECAR_EXTENSION


def check_key(key: str) -> str:
    """The key itself; ValueError unless it is made of safe ASCII segments joined by `/`."""
    if len(key) > MAX_KEY or not _KEY.fullmatch(key):
        raise ValueError(f"not a key of an archive: {key[:80]!r}")
    return key


def check_prefix(prefix: str) -> str:
    """The prefix itself; ValueError unless some key can start with it."""
    if prefix:
        check_key(prefix.removesuffix("/"))
    return prefix


def audio_key(lead_id: int | None, call_id: int, record_id: int, extension: str) -> str:
    """`789/123/456.mp3`; lead 0 where none is known.

    An extension that is longer than five letters or digits, or is the sidecar's, becomes `bin`.
    """
    extension = extension.lower().removeprefix(".")
    if extension == SIDECAR_EXTENSION or not _EXTENSION.fullmatch(extension):
        extension = UNKNOWN_EXTENSION
    key = f"{lead_id or 0}/{call_id}/{record_id}.{extension}"
    if not _RECORDING.fullmatch(key):
        raise ValueError(f"not ids of a recording: {lead_id}, {call_id}, {record_id}")
    return key


def sibling_key(key: str, extension: str) -> tuple[str, int]:
    """The key of the audio for that audio or sidecar; and its call."""
    found = parse_recording_key(key)
    if found is None:
        raise ValueError(f"not the key of a recording: {key[:80]!r}")
    return audio_key(found.lead_id, found.call_id, found.record_id, extension), found.call_id


def sidecar_key(audio: str) -> str:
    """`789/123/456.json` for `789/123/456.mp3`."""
    stem, dot, extension = audio.rpartition(".")
    if not dot or extension == SIDECAR_EXTENSION:
        raise ValueError(f"not the key of a recording: {audio!r}")
    return f"{stem}.{SIDECAR_EXTENSION}"


def sidecar_beside(key: str) -> str | None:
    """The key of the sidecar for that audio or sidecar; None for every other key."""
    found = parse_recording_key(key)
    if found is None:
        return None
    return key if found.is_sidecar else sidecar_key(key)


def revision_key(sidecar: str, revision: int) -> str:
    """`_archive/revisions/789/123/456.1.json`: where the superseded revision 1 is kept."""
    stem, dot, extension = sidecar.rpartition(".")
    if not dot or extension != SIDECAR_EXTENSION or revision < 1:
        raise ValueError(f"not a revision of a sidecar: {sidecar!r}, {revision}")
    return f"{REVISIONS_PREFIX}{stem}.{revision}.{SIDECAR_EXTENSION}"


class RevisionKey(NamedTuple):
    """The parts of the key of a superseded sidecar: its recording and revision."""

    sidecar: str
    record_id: int
    revision: int


def parse_revision_key(key: str) -> RevisionKey | None:
    """Parse the key of a superseded sidecar; None for every other key."""
    match = _REVISION.fullmatch(key.removeprefix(REVISIONS_PREFIX))
    if match is None or not key.startswith(REVISIONS_PREFIX):
        return None
    stem, record_id, revision = match.groups()
    return RevisionKey(f"{stem}.{SIDECAR_EXTENSION}", int(record_id), int(revision))


def damaged_key(key: str, sha256: str) -> str:
    """`_archive/damaged/789/123/456.mp3.<16 digits>`: where damaged bytes of a key are kept."""
    return f"{DAMAGED_PREFIX}{check_key(key)}.{sha256[:16]}"


def parse_recording_key(key: str) -> RecordingKey | None:
    """Parse the key of audio or sidecar; None for every other key (`_archive/…`, foreign)."""
    match = _RECORDING.fullmatch(key)
    if match is None:
        return None
    lead, call, record, extension = match.groups()
    return RecordingKey(int(lead), int(call), int(record), extension)
