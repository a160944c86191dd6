"""Contradictions within the ledger: a removal under a legal hold in force.

Anyone with write access to an archive can append to its ledger, and every digest will match. Yet
some of what they append contradicts earlier events. A hold is in force if the ledger has it before
`removing` or `erasing`, and no archiver command writes either while it is, nor `removed` without
one of them; so if one is there nevertheless, the recording was removed by someone else, or by a
fault.

What a hold covers is judged by the ledger up to that point, as `prune` and `erase` judge it: a
recording whose lead it names, one listed under a call that it names, or under a call of a lead or
an order that it names. This reads the ledger a second time, and only if it has both holds and
removals.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple

from archiver.ledger.walk import Walk
from archiver.storage.base import Storage
from archiver.text.json import read_json
from archiver.verify.findings import Finding, RemovedUnderHold


class _Call(NamedTuple):
    lead: Any
    order: Any


@dataclass(slots=True)
class _History:
    """The state at one point of the ledger, for the recordings that are removed later."""

    doomed: frozenset[int]
    leads: dict[int, Any] = field(default_factory=dict)
    under: dict[int, set[int]] = field(default_factory=dict)
    calls: dict[int, _Call] = field(default_factory=dict)
    holds: dict[str, dict[str, frozenset[int]]] = field(default_factory=dict)
    announced: set[int] = field(default_factory=set)
    erased_leads: set[Any] = field(default_factory=set)
    erased_calls: set[int] = field(default_factory=set)

    def take(self, event: dict[str, Any]) -> list[str]:
        """Add an event; returns what it announces despite a hold, in words."""
        act = _ACTS.get(event["what"])
        return [] if act is None else list(act(self, event))

    def _stored(self, event: dict[str, Any]) -> Iterable[str]:
        record_id = event["recordId"]
        if record_id in self.doomed:
            self.leads[record_id] = event.get("leadId")
            self.under.setdefault(record_id, set()).add(event["callId"])
        return ()

    def _held(self, event: dict[str, Any]) -> Iterable[str]:
        names = ("leadIds", "callIds", "orderIds")
        self.holds[event["holdId"]] = {one: frozenset(event.get(one, ())) for one in names}
        return ()

    def _lifted(self, event: dict[str, Any]) -> Iterable[str]:
        self.holds.pop(event["holdId"], None)
        return ()

    def _removing(self, event: dict[str, Any]) -> Iterator[str]:
        for record_id in event["recordIds"]:
            self.announced.add(record_id)
            yield from self._forbidden(record_id)

    def _removed(self, event: dict[str, Any]) -> Iterator[str]:
        """The end of a removal; forbidden unless it was announced, perhaps before the hold."""
        record_id = event["recordId"]
        is_erased = self._leads_of(record_id) & self.erased_leads
        is_erased |= self.under.get(record_id, set()) & self.erased_calls
        if record_id not in self.announced and not is_erased:
            yield from self._forbidden(record_id)

    def _forbidden(self, record_id: int) -> Iterator[str]:
        for hold_id in self._covering(record_id):
            yield f"recording {record_id}, covered by hold {hold_id}"

    def _erasing(self, event: dict[str, Any]) -> Iterator[str]:
        lead_id, calls = event["leadId"], event.get("callIds", ())
        self.erased_leads.add(lead_id)
        self.erased_calls.update(calls)
        for hold_id, scopes in self.holds.items():
            if lead_id in scopes["leadIds"] or scopes["callIds"].intersection(calls):
                yield f"lead {lead_id}, covered by hold {hold_id}"

    def _call(self, event: dict[str, Any]) -> Iterable[str]:
        listed = self.doomed.intersection(event.get("recordings", ()))
        for record_id in listed:
            self.under.setdefault(record_id, set()).add(event["callId"])
        if listed:
            self.calls[event["callId"]] = _Call(event.get("leadId"), event.get("orderId"))
        return ()

    def _covering(self, record_id: int) -> Iterator[str]:
        under, leads = self.under.get(record_id, set()), self._leads_of(record_id)
        orders = {call.order for call in self._calls_of(record_id)}
        for hold_id, scopes in self.holds.items():
            named = (leads & scopes["leadIds"], under & scopes["callIds"])
            if any(named) or orders & scopes["orderIds"]:
                yield hold_id

    def _calls_of(self, record_id: int) -> list[_Call]:
        under = self.under.get(record_id, set())
        return [self.calls[one] for one in under if one in self.calls]

    def _leads_of(self, record_id: int) -> set[Any]:
        leads = {self.leads.get(record_id), *(call.lead for call in self._calls_of(record_id))}
        return leads - {None}


_ACTS: Final[Mapping[str, Callable[[_History, dict[str, Any]], Iterable[str]]]] = {
    "stored": _History._stored,
    "call": _History._call,
    "held": _History._held,
    "lifted": _History._lifted,
    "removing": _History._removing,
    "removed": _History._removed,
    "erasing": _History._erasing,
}


async def removals_under_hold(
    storage: Storage, archive_id: str | None, doomed: frozenset[int]
) -> list[Finding]:
    """The removals despite a hold in force, in the order of the ledger.

    `doomed` are the recordings that the ledger removes anywhere.
    """
    history, findings = _History(doomed), list[Finding]()
    async for step in Walk(storage, archive_id).steps():
        for event in _events(step.lines):
            try:
                forbidden = history.take(event)
            except (KeyError, TypeError, ValueError):
                continue  # a line that is no event: `verify` says so elsewhere
            findings += [
                RemovedUnderHold(
                    key=step.key, expected=f"nothing removed from {what}", found="removed"
                )
                for what in forbidden
            ]
    return findings


def _events(lines: Iterable[bytes]) -> Iterator[dict[str, Any]]:
    for line in lines:
        try:
            event = read_json(line)
        except ValueError:
            continue
        if isinstance(event, dict) and "what" in event:
            yield event
