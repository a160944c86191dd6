"""What a body is: audio of some format, or a wrong answer that must not be archived.

Two questions, answered in this order:

1. `identify`: is this a recording at all? The first bytes decide. Where they are no audio that we
   know, a body that its sender calls HTML, JSON, XML or text, that reads as text, or that begins
   like a picture, a document or a packed file is refused: error pages arrive with status 200.
   Anything else is kept, since telephony knows formats that we do not.
2. `measure`: how long is it, with how many channels? `lengths` reads that, by what each format
   promises; where it promises nothing, there is no statement.
"""

import re
from collections.abc import Sequence
from pathlib import Path, PurePosixPath

from msgspec import Struct

from archiver.errors import FetchError
from archiver.reasons import Reason
from archiver.recordings.lengths.facts import Facts, bytes_of
from archiver.recordings.lengths.flac import measure_flac
from archiver.recordings.lengths.mpeg import measure_adts, measure_mpeg, past_tags
from archiver.recordings.lengths.ogg import measure_ogg
from archiver.recordings.lengths.tagged import measure_tagged
from archiver.recordings.lengths.wave import measure_wave

HEAD_BYTES = 1024
"""How much of the beginning `identify` wants to see; a shorter body is given whole."""

SLACK_SECONDS = 1.15
"""The largest difference between two durations that still match: the API gives whole seconds (1 s
at most), and players disagree about MP3 padding by 0.07 to 0.11 s (observed with Chromium,
miniaudio, libsndfile)."""

_SLACK_SHARE = 0.01
"""Beyond a minute and a half the slack grows with the length: clocks of exchanges drift."""

_MEASURED = frozenset({"unreadable", "shorter-than-its-header", "duration-mismatch"})
"""The findings of `findings_of`."""


class Format(Struct, frozen=True):
    """The type of the bytes. `extension` has one to five letters or digits; `known` is true if the
    first bytes are those of an audio format, false if nothing contradicts it."""

    extension: str
    content_type: str
    known: bool


_MP3 = Format("mp3", "audio/mpeg", known=True)
_WAV = Format("wav", "audio/wav", known=True)
_OGG = Format("ogg", "audio/ogg", known=True)
_FLAC = Format("flac", "audio/flac", known=True)
_M4A = Format("m4a", "audio/mp4", known=True)
_AAC = Format("aac", "audio/aac", known=True)
_AMR = Format("amr", "audio/amr", known=True)
_WEBM = Format("webm", "audio/webm", known=True)
_AIFF = Format("aiff", "audio/aiff", known=True)
_AU = Format("au", "audio/basic", known=True)
_WMA = Format("wma", "audio/x-ms-wma", known=True)

_BY_MAGIC: tuple[tuple[bytes, Format], ...] = (
    (b"ID3", _MP3),
    (b"OggS", _OGG),
    (b"fLaC", _FLAC),
    (b"#!AMR", _AMR),
    (b"\x1a\x45\xdf\xa3", _WEBM),
    (b".snd", _AU),
    (b"\x30\x26\xb2\x75\x8e\x66\xcf\x11", _WMA),
)

_NOT_AUDIO_MAGIC = (
    b"\x89PNG",
    b"GIF8",
    b"\xff\xd8\xff",
    b"%PDF",
    b"PK\x03\x04",
    b"\x1f\x8b",
)

_BY_TYPE = {
    "audio/mpeg": "mp3",
    "audio/mp3": "mp3",
    "audio/wav": "wav",
    "audio/x-wav": "wav",
    "audio/wave": "wav",
    "audio/ogg": "ogg",
    "audio/opus": "opus",
    "audio/flac": "flac",
    "audio/x-flac": "flac",
    "audio/mp4": "m4a",
    "audio/x-m4a": "m4a",
    "audio/aac": "aac",
    "audio/amr": "amr",
    "audio/webm": "webm",
    "audio/aiff": "aiff",
    "audio/x-aiff": "aiff",
    "audio/basic": "au",
    "audio/x-ms-wma": "wma",
    "audio/g722": "g722",
    "audio/g729": "g729",
}

_AUDIO_TYPE = re.compile(r"audio/[a-z0-9.+-]{1,40}")
"""What may be repeated of a server's Content-Type: it goes into the sidecar and the ledger."""

_CONTROLS = re.compile(rb"[\x00-\x08\x0b\x0e-\x1a\x1c-\x1f\x7f]")
_QUIET_A_LAW = re.compile(rb"[\x40-\x5f\xc0-\xdf]{256,}")
"""Samples of the two lowest segments (ITU-T G.711): no control characters, as all louder sound has,
and no text, which has blanks. Quiet mu-law has \x7f."""

_PAGE_TYPES = ("text/", "application/json", "application/xml", "application/xhtml", "image/")


def identify(head: bytes, content_type: str | None, path: str) -> Format:
    """The format of a body from its first bytes, its Content-Type and the path of its address.

    Raises FetchError (`empty`, `not-audio`) for what is no recording.
    """
    if not head:
        raise FetchError(Reason.EMPTY, "the source returned an empty body")
    known = _by_magic(head)
    if known is not None:
        return known
    declared = (content_type or "").split(";")[0].strip().lower()
    if declared.startswith("text/") and _is_binary(head):
        return Format(_suffix(path) or "bin", "application/octet-stream", known=False)
    if declared.startswith(_PAGE_TYPES) or declared.endswith(("+json", "+xml")):
        raise FetchError(Reason.NOT_AUDIO, f"the source returned {declared[:40]}, not audio")
    if head.startswith(_NOT_AUDIO_MAGIC) or _reads_as_text(head):
        raise FetchError(Reason.NOT_AUDIO, "the source returned a page or a document, not audio")
    extension = _BY_TYPE.get(declared) or _suffix(path) or "bin"
    served = declared if _AUDIO_TYPE.fullmatch(declared) else "application/octet-stream"
    return Format(extension, served, known=False)


def extension_of(content_type: str) -> str:
    """The extension of audio of that type; `bin` for a type that is not known here."""
    return _BY_TYPE.get(content_type, "bin")


def measure(source: bytes | Path) -> Facts:
    """The facts in the audio itself. Never raises because of the bytes: unreadable is a fact,
    too."""
    with bytes_of(source) as data:
        start = past_tags(data, 0)
        known = _by_magic(data[start : start + 12])
        if known is _MP3:
            return measure_mpeg(data, start)
        if known is _AAC:
            return measure_adts(data)
        if known is _WAV:
            return measure_wave(data)
        if known is _OGG:
            return measure_ogg(data)
        if known is _FLAC:
            return measure_flac(data, start)
        return Facts() if known is None else measure_tagged(data)


def falls_short(facts: Facts, announced: float | None) -> bool:
    """Whether the audio is shorter than announced, or its length cannot be proved."""
    if facts.seconds is None or announced is None or facts.cut:
        return True
    return facts.seconds < announced - _slack(announced)


def findings_of(audio: Format, facts: Facts, announced: float | None) -> list[str]:
    """What looks odd about a kept recording, in words of the sidecar, in a fixed order."""
    findings = []
    if not audio.known or facts.seconds is None:
        findings.append("unreadable")
    if facts.cut:
        findings.append("shorter-than-its-header")
    if (
        facts.seconds is not None
        and announced is not None
        and abs(facts.seconds - announced) > _slack(announced)
    ):
        findings.append("duration-mismatch")
    return findings


def findings_again(
    audio: Format, facts: Facts, announced: float | None, before: Sequence[str]
) -> list[str]:
    """The findings of a recording that is measured again: those of measuring are determined again,
    the others (`length-unproved`, sound findings) are kept."""
    kept = [one for one in before if one not in _MEASURED]
    return findings_of(audio, facts, announced) + kept


def _slack(seconds: float) -> float:
    return max(SLACK_SECONDS, abs(seconds) * _SLACK_SHARE)


def _by_magic(head: bytes) -> Format | None:
    for magic, known in _BY_MAGIC:
        if head.startswith(magic):
            return known
    if head[:4] in (b"RIFF", b"RF64") and head[8:12] == b"WAVE":
        return _WAV
    if head[:4] == b"FORM" and head[8:12] in (b"AIFF", b"AIFC"):
        return _AIFF
    if head[4:8] == b"ftyp":
        return _M4A
    return _by_frame_sync(head)


def _by_frame_sync(head: bytes) -> Format | None:
    """MPEG audio without tags begins with a frame: eleven set bits, then fields with forbidden
    values, which tell a frame from the byte-order mark of a UTF-16 page (ISO 11172-3, 13818-7)."""
    if len(head) < 4 or head[0] != 0xFF or head[1] & 0xE0 != 0xE0:
        return None
    version, layer = head[1] >> 3 & 3, head[1] >> 1 & 3
    if layer == 0:
        return _AAC if version >= 2 else None
    bit_rate, sample_rate = head[2] >> 4, head[2] >> 2 & 3
    valid = version != 1 and layer in (1, 2) and bit_rate not in (0, 15) and sample_rate != 3
    return _MP3 if valid else None


def _reads_as_text(head: bytes) -> bool:
    """Whether the bytes are text: a page, JSON, or a plain sentence of a proxy."""
    if head.startswith((b"\xff\xfe", b"\xfe\xff")):
        return True
    decoded = _decoded(head.removeprefix(b"\xef\xbb\xbf"))
    return decoded is not None and all(
        character.isprintable() or character in "\t\r\n\f" for character in decoded
    )


def _is_binary(head: bytes) -> bool:
    """Whether the bytes are text in no encoding: not in UTF-8, and with control characters, which
    no charset of eight bits has in a page, or quiet A-law; or nothing but zeros."""
    if not head.strip(b"\0"):
        return True
    if head.startswith((b"\xff\xfe", b"\xfe\xff")) or _decoded(head) is not None:
        return False
    return bool(_CONTROLS.search(head) or _QUIET_A_LAW.fullmatch(head))


def _decoded(head: bytes) -> str | None:
    """The head as UTF-8. A character may be cut at its end; what is incomplete there is ignored."""
    for cut in range(4):
        try:
            return head[: len(head) - cut].decode()
        except UnicodeDecodeError:
            continue
    return None


def _suffix(path: str) -> str | None:
    suffix = PurePosixPath(path).suffix[1:].lower()
    usable = suffix.isascii() and suffix.isalnum() and len(suffix) <= 5 and suffix != "json"
    return suffix if usable else None
