"""Many cards together, in the form in which they are written and shown (pure).

To bring them into that form takes longer than to write them, so it is done where they are read.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from typing import Final, NamedTuple

import numpy as np

from archiver.desk.index.columns import (
    Bits,
    Codes,
    Columns,
    Ints,
    Legend,
    Legends,
    Lengths,
    ids_of,
    lengths_of,
)
from archiver.desk.index.sidecars import Card
from archiver.desk.index.staging import image_of
from archiver.sqlite.rows import Rows

KEPT: Final = Card._fields[: Card._fields.index("agent")]
"""What the table of cards has of each."""

_NO_MOMENT: Final = -(2**63)


class Coded(NamedTuple):
    """A column of few different values; code 0 is that of an unknown one."""

    values: list[int | str]
    codes: Codes


class Facts(NamedTuple):
    """What cards without trouble say, as columns: as in `Columns`, except that an unknown moment is
    the least number there is."""

    record_id: Ints
    lead_id: Ints
    phone: Ints
    created_at: Ints
    seconds: Lengths
    has_summary: Bits
    order: Coded
    agent: Coded
    direction: Coded
    status: Coded


class Batch(NamedTuple):
    """Some cards: an image of the table `cards`, the newest name of each agent and order in them
    with its time, and what they say."""

    record_ids: list[int]
    image: bytes
    names: list[tuple[str, int, str, int]]
    facts: Facts


def batch_of(cards: Iterable[Card]) -> Batch:
    """The cards, of different recordings, as a batch."""
    ordered = sorted(cards, key=lambda card: card.record_id)
    rows = [card[: len(KEPT)] for card in ordered]
    return Batch(
        [card.record_id for card in ordered],
        image_of({"cards": Rows(KEPT, rows)}),
        _names(ordered),
        _facts([card for card in ordered if not card.trouble]),
    )


def with_facts(
    columns: Columns, found: Iterable[Facts], legends: Legends
) -> tuple[Columns, list[int]]:
    """The columns with what the first cards of recordings say.

    The recordings that were left out must be looked up: those without a row, and those whose moment
    may change, which depends on more than the card.
    """
    names = [name for name in Facts._fields if name not in ("record_id", "created_at")]
    arrays = {name: getattr(columns, name).copy() for name in names}
    left: list[int] = []
    for facts in found:
        are_known = np.isin(facts.record_id, columns.record_id, assume_unique=True)
        places = np.searchsorted(columns.record_id, facts.record_id[are_known])
        moments = facts.created_at[are_known]
        are_sure = (moments == _NO_MOMENT) | (moments == columns.created_at[places])
        are_known[are_known] = are_sure
        places = places[are_sure]
        left += facts.record_id[~are_known].tolist()
        for name in names:
            told = getattr(facts, name)
            if isinstance(told, Coded):
                told = getattr(legends, name).encode(told.values)[told.codes]
            told = told[are_known]
            # What the card does not say stays as the ledger says it. The other columns are the
            # card's alone.
            if name in ("lead_id", "order", "agent"):
                told = np.where(told == 0, arrays[name][places], told)
            elif name == "seconds":
                told = np.where(told < 0, arrays[name][places], told)
            arrays[name][places] = told
    return replace(columns, **arrays), left


def _facts(cards: Sequence[Card]) -> Facts:
    moments = [_NO_MOMENT if card.created_at is None else card.created_at for card in cards]
    return Facts(
        record_id=ids_of([card.record_id for card in cards]),
        lead_id=ids_of([card.lead_id for card in cards]),
        phone=ids_of([card.digits for card in cards]),
        created_at=np.array(moments, np.int64),
        seconds=lengths_of([card.seconds for card in cards]),
        has_summary=np.array([card.summary is not None for card in cards], np.bool_),
        order=_coded(0, (card.order_id for card in cards)),
        agent=_coded(0, (card.user_id for card in cards)),
        direction=_coded("", (card.direction for card in cards)),
        status=_coded("", (card.status for card in cards)),
    )


def _coded(nothing: int | str, values: Iterator[int | str | None]) -> Coded:
    legend = Legend(nothing)
    codes = legend.encode(values)
    return Coded(legend.values, codes)


def _names(cards: Sequence[Card]) -> list[tuple[str, int, str, int]]:
    """The newest name of each agent and order in the cards, and its time."""
    newest: dict[tuple[str, int], tuple[str, int]] = {}
    for card in cards:
        at = card.created_at or 0
        for kind, one, name in (
            ("agent", card.user_id, card.agent),
            ("order", card.order_id, card.order),
        ):
            if one is None or name is None:
                continue
            if newest.get((kind, one), ("", -1))[1] <= at:
                newest[kind, one] = (name, at)
    return [(kind, one, name, at) for (kind, one), (name, at) in newest.items()]
