"""The acts recorded in the archive, for people (pure)."""

from collections.abc import Mapping, Sequence
from datetime import datetime, tzinfo
from typing import Any, Final

from archiver.cli.wording import listed
from archiver.text.measures import say_moment

_NAMES: Final = {
    "exportId": "export",
    "holdId": "hold",
    "leadId": "lead",
    "keys": "objects",
    "retainSeconds": "seconds",
    "path": "list",
    "recordIds": "ids",
    "sha256": "SHA-256",
    "until": "before",
    "masked": "left out",
}
"""Words for members of an act; the others are words."""


def act_lines(acts: Sequence[Mapping[str, Any]], zone: tzinfo) -> list[str]:
    """Each act in two to three lines: when, what, who; of what; why."""
    if not acts:
        return ["No acts are recorded: nothing was exported, removed, held, repaired or inspected."]
    return [line for one in acts for line in _lines(one, zone)]


def _lines(act: Mapping[str, Any], zone: tzinfo) -> list[str]:
    when = say_moment(datetime.fromisoformat(act["at"]), zone)
    who = f"{act.get('account') or 'unknown'}@{act.get('host') or 'unknown'}"
    named = {"for": act.get("by"), "case": act.get("case"), "to": act.get("recipient")}
    said = [f"{word} {text}" for word, text in named.items() if text]
    concerning = act.get("concerning")
    lines = [f"{when}  {act['did']:<8} {who}{''.join(f', {one}' for one in said)}"]
    if isinstance(concerning, Mapping) and concerning:
        told = (
            f"{_NAMES.get(name, name)} {listed(one) if isinstance(one, list) else one}"
            for name, one in concerning.items()
        )
        lines.append(f"{'':6}{', '.join(told)}")
    if act.get("reason"):
        lines.append(f"{'':6}{' '.join(str(act['reason']).split())}")
    return lines
