"""The objects that a ledger segment adds to a replica, and those that it removes (pure)."""

from collections.abc import Iterable
from dataclasses import dataclass, field

from archiver.ledger.events import (
    Acted,
    Erased,
    Event,
    Held,
    Lifted,
    Redacted,
    Removed,
    Repaired,
    Revised,
    RunEnded,
    Stored,
)
from archiver.ledger.lines import decode
from archiver.storage.keys import parse_revision_key, sidecar_key


@dataclass(slots=True)
class Named:
    """The keys that a segment names, with earlier digests of reports; the audio of recordings that
    were removed after their retention period (`pruned`) or by an erasure; and erased leads."""

    keys: dict[str, None] = field(default_factory=dict)
    formers: dict[str, set[str]] = field(default_factory=dict)
    pruned: list[str] = field(default_factory=list)
    erased: list[str] = field(default_factory=list)
    leads: list[int] = field(default_factory=list)

    def take(self, event: Event) -> None:
        """Add what one event names."""
        match event:
            case Stored():
                self._have(event.key, sidecar_key(event.key), event.previous_key)
            case Revised():
                name = parse_revision_key(event.previous_key or "")
                self._have(event.previous_key, name.sidecar if name else None)
            case Repaired():
                self._have(event.key, event.damaged_key)
            case Redacted():
                self._have(event.report_key)
                self.formers.setdefault(event.report_key, set()).add(event.previous_sha256)
            case RunEnded():
                self._have(event.report_key)
            case Held() | Lifted() | Acted():
                self._have(event.key)
            case Removed():
                gone = self.pruned if event.why == "retention" else self.erased
                gone.extend([event.key] if event.key is not None else [])
            case Erased():
                self.leads.append(event.lead_id)

    def _have(self, *keys: str | None) -> None:
        self.keys |= dict.fromkeys(key for key in keys if key is not None)


def named_in(lines: Iterable[bytes]) -> Named:
    """What these lines name. Raises ValueError for a line that is not an event."""
    named = Named()
    for line in lines:
        event = decode(line).event
        if event is not None:
            named.take(event)
    return named
