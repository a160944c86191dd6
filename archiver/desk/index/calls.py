"""The archived recordings of a view, as columns: what coverage and talk are added up from."""

from dataclasses import dataclass

import numpy as np

from archiver.desk.index.columns import STATES, Codes, Columns, Ints, Legends, Lengths
from archiver.desk.index.view import State


@dataclass(frozen=True, slots=True)
class Calls:
    """One array for each fact, all of one length, by record id; agents and orders are ids, 0 where
    none is known. `week` is the Monday of the local day, as days since 1970; 0: not known. Lengths
    are seconds, -1 where unknown; `silence` is a share, `direction` a code."""

    record_id: Ints
    agent: Ints
    order: Ints
    week: Ints
    seconds: Lengths
    agent_talk: Lengths
    other_talk: Lengths
    silence: Lengths
    overtalk: Lengths
    direction: Codes


def calls_of(columns: Columns, legends: Legends, rows: Ints, agent_channel: str) -> Calls:
    """Those of the rows that are archived; `agent_channel` is `left` or `right`."""
    rows = rows[columns.state[rows] == STATES.index(State.ARCHIVED)]
    day = columns.day[rows].astype(np.int64)
    sides = (columns.talk_left[rows], columns.talk_right[rows])
    own, other = sides if agent_channel == "left" else sides[::-1]
    return Calls(
        columns.record_id[rows],
        np.array(legends.agent.values, np.int64)[columns.agent[rows]],
        np.array(legends.order.values, np.int64)[columns.order[rows]],
        np.where(day == 0, 0, day - (day + 3) % 7),
        columns.seconds[rows],
        own,
        other,
        columns.silence[rows],
        columns.overtalk[rows],
        columns.direction[rows],
    )
