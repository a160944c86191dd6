"""The kinds of members that events have, and what makes a line with another one no event (pure).

Anyone who may write to an archive can append lines. What no catalog could store is refused where a
line is read, so that every reader of the ledger gives the same answer.
"""

from datetime import datetime
from typing import Annotated, TypeAlias

from msgspec import Meta

Moment: TypeAlias = Annotated[datetime, Meta(tz=True)]
"""A time with its zone."""

Whole: TypeAlias = Annotated[int, Meta(ge=0, le=2**63 - 1)]
"""An id, a count or a size, that SQLite can store."""

StateOfRecording: TypeAlias = Annotated[str, Meta(pattern=r"^(archived|waiting|failed|gone)\Z")]
StateOfCall: TypeAlias = Annotated[str, Meta(pattern=r"^(archived|none|waiting|failed|gone)\Z")]
