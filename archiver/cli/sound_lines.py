"""What the sound check found, for people (pure)."""

from collections.abc import Mapping
from typing import Any, Final

from archiver.cli.wording import counted, listed

FINDINGS: Final = {
    "silent": "silence from start to end",
    "dead-side": "one side of a stereo recording is silent",
    "clipped": "clipped: too loud, and distorted",
    "noise": "only hiss, hum or a tone",
    "short-talk": "much shorter than the call's talk time",
}

_UNDECODED: Final = {
    "unknown-codec": "no decoder for the format is installed",
    "too-long": "longer than 12 hours",
    "decoder-failed": "the decoder crashed, or took longer than 5 minutes",
}


def sound_lines(sound: Mapping[str, Any] | None) -> list[str]:
    """How many recordings were examined, and the findings with the first few ids of each."""
    if not sound or not sound["examined"]:
        return []
    examined = counted(sound["examined"], "recording", "recordings")
    nothing = "" if sound["findings"] else ", no findings"
    lines = ["", f"Sound check: {examined} examined{nothing}"]
    for name, count in sound["findings"].items():
        ids = [f"recording {one['recordId']}" for one in sound["found"] if name in one["findings"]]
        lines.append(f"  {count:,} {name}: {FINDINGS.get(name, name)}")
        lines.append(f"    {listed(ids)}")
    for why, count in sound["whyUndecoded"].items():
        lines.append(f"  {count:,} not decoded: {_UNDECODED.get(why, why)}")
    return lines
