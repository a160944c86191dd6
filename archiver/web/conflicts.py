"""A form that was based on what is there no longer: both are shown, and the person decides."""

from collections.abc import Sequence
from dataclasses import dataclass

from starlette.responses import Response

from archiver.web.context import TOKEN_FIELD, Visit

_OURS = frozenset({TOKEN_FIELD, "version"})


@dataclass(frozen=True, slots=True)
class Difference:
    """One field: the value in the form, and the value saved meanwhile."""

    label: str
    mine: str
    saved: str


def conflict(
    visit: Visit, differences: Sequence[Difference], *, version: int, back: str
) -> Response:
    """The refusal (409) with both texts. Nothing was saved; the form comes back with the version
    that is there now, so that it can be sent again on purpose. `back` is where the saved one is."""
    return visit.page(
        "conflict.html" if visit.is_live else "conflicting.html",
        409,
        differences=differences,
        version=version,
        fields=[(name, text) for name, text in visit.form.multi_items() if name not in _OURS],
        action=visit.request.url.path,
        back=f"{visit.desk.base}{back}",
    )
