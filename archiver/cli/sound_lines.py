"""What the sound check found, for people (pure)."""

from collections.abc import Mapping
from typing import Any, Final

from archiver.cli.wording import counted, listed

FINDINGS: Final = {
    "silent": "nothing is heard at all",
    "dead-side": "one side of a stereo recording is silent",
    "clipped": "so loud that it is distorted",
    "noise": "hiss, hum or a tone, and nothing else",
    "short-talk": "much less is heard than the call's talk time",
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
    if undecoded := sound["undecoded"]:
        lines.append(f"  {undecoded:,} not decoded: no decoder here knows the format")
    return lines
