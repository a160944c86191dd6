"""Every kind of change that somebody could make to an archive, by name, and what must be found.

Each tampering takes the medium and returns the findings that must be named, as (kind, key); it may
use that the small archive has these recordings:

    50001/1/11.wav and .json (revision 2)   50001/1/12.wav   50002/2/21.wav   0/3/31.wav
"""

import hashlib
import json
from collections.abc import Callable

from tests.verify.media import Medium
from tests.verify.nonsense import NONSENSE

AUDIO, SIDECAR = "50001/1/11.wav", "50001/1/11.json"
OTHER_AUDIO, OTHER_SIDECAR = "50002/2/21.wav", "50002/2/21.json"
REVISION = "_archive/revisions/50001/1/11.1.json"
FORMAT = "_archive/format.json"
LEDGER = "_archive/ledger/"

Named = set[tuple[str, str]]
Tampering = Callable[[Medium], Named]


def segments(medium: Medium) -> list[str]:
    return [key for key in medium.listing() if key.startswith(LEDGER) and key.endswith(".jsonl")]


def claims(medium: Medium) -> list[str]:
    return [key for key in medium.listing() if key.endswith(".claim")]


def claim(medium: Medium, number: int, data: bytes) -> str:
    """Write a segment that goes on with the ledger, and claim its number; its key."""
    digest = hashlib.sha256(data).hexdigest()
    key = f"{LEDGER}{number:08d}-{digest}.jsonl"
    medium.write(key, data)
    medium.write(f"{LEDGER}{number:08d}.claim", f"{digest}  {key}\n".encode())
    return key


def _archive_id(medium: Medium, segment: str | None = None) -> bytes:
    """The id in that segment, or in format.json."""
    if segment is None:
        return str(json.loads(medium.read(FORMAT))["archiveId"]).encode()
    return str(json.loads(medium.read(segment).split(b"\n")[0])["archive"]).encode()


def report(medium: Medium) -> str:
    return next(key for key in medium.listing() if key.startswith("_archive/runs/"))


def flipped(data: bytes, at: int) -> bytes:
    return data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :]


def flip_a_byte_of_audio(medium: Medium) -> Named:
    medium.write(AUDIO, flipped(medium.read(AUDIO), 300))
    return {("wrong-digest", AUDIO)}


def cut_audio(medium: Medium) -> Named:
    medium.write(AUDIO, medium.read(AUDIO)[:-1])
    return {("wrong-size", AUDIO)}


def lengthen_audio(medium: Medium) -> Named:
    medium.write(AUDIO, medium.read(AUDIO) + b"\0")
    return {("wrong-size", AUDIO)}


def empty_audio(medium: Medium) -> Named:
    medium.write(AUDIO, b"")
    return {("wrong-size", AUDIO)}


def remove_audio(medium: Medium) -> Named:
    medium.remove(AUDIO)
    return {("missing", AUDIO)}


def rename_audio(medium: Medium) -> Named:
    medium.write("50001/1/11.mp3", medium.read(AUDIO))
    medium.remove(AUDIO)
    return {("missing", AUDIO), ("unexpected", "50001/1/11.mp3")}


def swap_two_recordings(medium: Medium) -> Named:
    one, other = medium.read(AUDIO), medium.read(OTHER_AUDIO)
    medium.write(AUDIO, other)
    medium.write(OTHER_AUDIO, one)
    return {("wrong-digest", AUDIO), ("wrong-digest", OTHER_AUDIO)}


def swap_two_sidecars(medium: Medium) -> Named:
    one, other = medium.read(SIDECAR), medium.read(OTHER_SIDECAR)
    medium.write(SIDECAR, other)
    medium.write(OTHER_SIDECAR, one)
    return {("wrong-size", SIDECAR), ("wrong-size", OTHER_SIDECAR)}


def change_a_word_of_a_sidecar(medium: Medium) -> Named:
    medium.write(SIDECAR, medium.read(SIDECAR).replace(b"Late, but", b"Never was"))
    return {("wrong-digest", SIDECAR)}


def make_a_sidecar_no_json(medium: Medium) -> Named:
    medium.write(SIDECAR, b"<html>Not found</html>")
    return {("sidecar-unreadable", SIDECAR)}


def make_a_sidecar_deep_json(medium: Medium) -> Named:
    medium.write(SIDECAR, b"[" * 100_000)
    return {("sidecar-unreadable", SIDECAR)}


def remove_a_sidecar(medium: Medium) -> Named:
    medium.remove(SIDECAR)
    return {("missing", SIDECAR)}


def put_the_old_revision_back(medium: Medium) -> Named:
    medium.write(SIDECAR, medium.read(REVISION))
    return {("wrong-size", SIDECAR)}


def change_a_revision(medium: Medium) -> Named:
    medium.write(REVISION, flipped(medium.read(REVISION), 40))
    return {("wrong-digest", REVISION)}


def remove_a_revision(medium: Medium) -> Named:
    medium.remove(REVISION)
    return {("missing", REVISION)}


def change_a_report(medium: Medium) -> Named:
    key = report(medium)
    medium.write(key, flipped(medium.read(key), 40))
    return {("wrong-digest", key)}


def remove_a_report(medium: Medium) -> Named:
    key = report(medium)
    medium.remove(key)
    return {("missing", key)}


def add_a_recording(medium: Medium) -> Named:
    medium.write("50001/1/13.wav", medium.read(AUDIO))
    medium.write("50001/1/13.json", medium.read(SIDECAR))
    return {("unexpected", "50001/1/13.wav"), ("unexpected", "50001/1/13.json")}


def add_a_letter(medium: Medium) -> Named:
    medium.write("50001/a letter (1).txt", b"Dear Anna")
    return {("unexpected", "50001/a letter (1).txt")}


def add_to_the_archives_own(medium: Medium) -> Named:
    added = {f"_archive/{name}" for name in ("x", "runs/x.json", "revisions/x", "ledger/note.txt")}
    for key in added:
        medium.write(key, b"x")
    return {("unexpected", key) for key in added}


def leave_a_part_file(medium: Medium) -> Named:
    medium.write("_archive/tmp/part-1", b"half a recor")
    return {("unexpected", "_archive/tmp/part-1")}


def change_an_event(medium: Medium) -> Named:
    key = segments(medium)[0]
    medium.write(key, medium.read(key).replace(b'"at":"2026', b'"at":"2025'))
    return {("chain-broken", key)}


def drop_an_event(medium: Medium) -> Named:
    key = segments(medium)[-1]
    lines = medium.read(key).split(b"\n")
    medium.write(key, b"\n".join([lines[0], *lines[2:]]))
    return {("chain-broken", key)}


def empty_a_segment(medium: Medium) -> Named:
    key = segments(medium)[-1]
    medium.write(key, b"")
    return {("chain-broken", key)}


def remove_a_segment_in_the_middle(medium: Medium) -> Named:
    key = segments(medium)[1]
    medium.remove(key)
    return {("chain-broken", key)}


def remove_the_first_segment(medium: Medium) -> Named:
    key = segments(medium)[0]
    medium.remove(key)
    return {("chain-broken", key)}


def cut_off_the_newest_segment(medium: Medium) -> Named:
    key = segments(medium)[-1]
    medium.remove(key)
    medium.remove(claims(medium)[-1])
    return {("tail-cut", key)}


def swap_two_segments(medium: Medium) -> Named:
    first, second = segments(medium)[:2]
    one, other = medium.read(first), medium.read(second)
    medium.write(first, other)
    medium.write(second, one)
    return {("chain-broken", first), ("chain-broken", second)}


def renumber_two_segments(medium: Medium) -> Named:
    first, second = segments(medium)[:2]
    one, other = medium.read(first), medium.read(second)
    moved = f"{first[:25]}{second[25:]}", f"{second[:25]}{first[25:]}"
    for key in (first, second):
        medium.remove(key)
    medium.write(moved[0], other)
    medium.write(moved[1], one)
    return {("chain-broken", key) for key in moved}


def disguise_a_missing_segment(medium: Medium) -> Named:
    """A file of another name stands for the number that is not there."""
    key = segments(medium)[1]
    data = medium.read(key)
    medium.remove(key)
    medium.write(key[:25] + key[25:].upper(), data)
    return {("chain-broken", key), ("unexpected", key[:25] + key[25:].upper())}


def forge_a_segment(medium: Medium) -> Named:
    """An altered segment under a name that fits its bytes: the next one tells."""
    key, after = segments(medium)[:2]
    data = medium.read(key).replace(b'"at":"2026', b'"at":"2025')
    medium.remove(key)
    medium.write(f"{key[:25]}{hashlib.sha256(data).hexdigest()}.jsonl", data)
    return {("chain-broken", after), ("wrong-digest", claims(medium)[0])}


def double_a_segment(medium: Medium) -> Named:
    key = segments(medium)[0]
    data = medium.read(key) + b"\n"
    forged = f"{key[:25]}{hashlib.sha256(data).hexdigest()}.jsonl"
    medium.write(forged, data)
    return {("chain-broken", forged)}


def append_lines_that_are_no_events(medium: Medium) -> Named:
    """Somebody who may write goes on with the chain, and tells nonsense."""
    key = segments(medium)[-1]
    header = json.loads(medium.read(key).split(b"\n")[0])
    header |= {"segment": header["segment"] + 1, "previous": key[25:89]}
    data = b"\n".join([json.dumps(header).encode(), *NONSENSE]) + b"\n"
    forged = claim(medium, header["segment"], data)
    return {("chain-broken", forged)}


def launder_a_changed_recording(medium: Medium) -> Named:
    """The audio is changed, and an event in a proper segment says that this is right."""
    changed = flipped(medium.read(AUDIO), 300)
    medium.write(AUDIO, changed)
    last = segments(medium)[-1]
    for key in segments(medium):
        for line in medium.read(key).split(b"\n")[1:-1]:
            if json.loads(line).get("key") == AUDIO:
                event = json.loads(line) | {"sha256": hashlib.sha256(changed).hexdigest()}
    header = json.loads(medium.read(last).split(b"\n")[0])
    header |= {"segment": header["segment"] + 1, "previous": last[25:89]}
    data = json.dumps(header).encode() + b"\n" + json.dumps(event).encode() + b"\n"
    claim(medium, header["segment"], data)
    return {("wrong-digest", AUDIO)}


def remove_a_claim(medium: Medium) -> Named:
    key = claims(medium)[1]
    medium.remove(key)
    return {("missing", key)}


def remove_the_newest_segment_but_not_its_claim(medium: Medium) -> Named:
    key = segments(medium)[-1]
    medium.remove(key)
    return {("chain-broken", key), ("tail-cut", key)}


def claim_a_number_for_another_segment(medium: Medium) -> Named:
    key, segment = claims(medium)[-1], segments(medium)[0]
    medium.write(key, f"{segment[25:89]}  {segment}\n".encode())
    return {("wrong-digest", key)}


def make_a_claim_no_claim(medium: Medium) -> Named:
    key = claims(medium)[-1]
    medium.write(key, b"mine")
    return {("wrong-digest", key)}


def mix_in_another_archive(medium: Medium) -> Named:
    header = {"segment": 1, "archive": "11111111-1111-4111-8111-111111111111", "previous": None}
    data = json.dumps(header).encode() + b"\n"
    key = f"{LEDGER}00000001-{hashlib.sha256(data).hexdigest()}.jsonl"
    medium.write(key, data)
    return {("two-archives", key)}


def lay_another_archive_over_it(medium: Medium) -> Named:
    """The other one's format.json lies there, and its only segment: ours are the strangers."""
    other = "11111111-1111-4111-8111-111111111111"
    mix_in_another_archive(medium)
    medium.write(FORMAT, medium.read(FORMAT).replace(_archive_id(medium), other.encode()))
    ours = [key for key in segments(medium) if _archive_id(medium, key) != other.encode()]
    return {("two-archives", key) for key in ours} | {("wrong-digest", claims(medium)[0])}


def remove_format_json(medium: Medium) -> Named:
    medium.remove(FORMAT)
    return {("missing", FORMAT)}


def break_format_json(medium: Medium) -> Named:
    medium.write(FORMAT, b"{")
    return {("foreign-format", FORMAT)}


def nest_format_json_deeply(medium: Medium) -> Named:
    medium.write(FORMAT, b"[" * 50_000)
    return {("foreign-format", FORMAT)}


def change_the_id_of_the_archive(medium: Medium) -> Named:
    told = json.loads(medium.read(FORMAT))
    told["archiveId"] = "11111111-1111-4111-8111-111111111111"
    medium.write(FORMAT, json.dumps(told, indent=2).encode() + b"\n")
    return {("foreign-format", FORMAT)}


TAMPERINGS: tuple[Tampering, ...] = (
    flip_a_byte_of_audio,
    cut_audio,
    lengthen_audio,
    empty_audio,
    remove_audio,
    rename_audio,
    swap_two_recordings,
    swap_two_sidecars,
    change_a_word_of_a_sidecar,
    make_a_sidecar_no_json,
    make_a_sidecar_deep_json,
    remove_a_sidecar,
    put_the_old_revision_back,
    change_a_revision,
    remove_a_revision,
    change_a_report,
    remove_a_report,
    add_a_recording,
    add_a_letter,
    add_to_the_archives_own,
    leave_a_part_file,
    change_an_event,
    drop_an_event,
    empty_a_segment,
    remove_a_segment_in_the_middle,
    remove_the_first_segment,
    disguise_a_missing_segment,
    cut_off_the_newest_segment,
    remove_a_claim,
    remove_the_newest_segment_but_not_its_claim,
    claim_a_number_for_another_segment,
    make_a_claim_no_claim,
    swap_two_segments,
    renumber_two_segments,
    forge_a_segment,
    double_a_segment,
    append_lines_that_are_no_events,
    launder_a_changed_recording,
    mix_in_another_archive,
    lay_another_archive_over_it,
    remove_format_json,
    break_format_json,
    nest_format_json_deeply,
    change_the_id_of_the_archive,
)
