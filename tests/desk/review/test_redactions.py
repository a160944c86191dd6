"""Spans that people mark: who may, what is refused, and when copies leave them out."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from archiver.desk.forgetting import forget
from archiver.desk.review.redactions import Redactions
from archiver.errors import NoSuchThing, NotAllowed, WrongInput
from archiver.sound.spans import Span
from tests.desk.parts import ADA, LENA, RITA, ROSS, desk_file
from tests.support.world import ManualClock

pytestmark = pytest.mark.anyio

SPAN = Span(1.0, 2.5, "left")


@asynccontextmanager
async def marked(folder: Path, *, needs_approval: bool) -> AsyncIterator[Redactions]:
    async with desk_file(folder) as file:
        desk = Redactions(file, ManualClock(), needs_approval=needs_approval)
        for _ in range(2):
            await desk.mark(RITA, 7, SPAN, " card number ", length=10.0, token="t")
        yield desk


async def test_a_span_is_marked_once_by_one_form_and_applies_at_once(tmp_path: Path) -> None:
    async with marked(tmp_path, needs_approval=False) as desk:
        (one,) = await desk.of([6, 7])
        assert (one.span, one.reason, one.marked_by) == (SPAN, "card number", "rita")
        assert one.is_applied


async def test_where_approval_is_asked_for_another_person_has_to_give_it(tmp_path: Path) -> None:
    async with marked(tmp_path, needs_approval=True) as desk:
        (one,) = await desk.of([7])
        assert not one.is_applied
        with pytest.raises(NotAllowed):
            await desk.approve(ROSS, one.redaction_id)
        done = await desk.approve(ADA, one.redaction_id)
        assert (done.approved_by, done.is_applied) == ("ada", True)
        await desk.mark(ADA, 7, Span(3, 4), "name", length=10.0)
        with pytest.raises(NotAllowed, match="another person"):
            await desk.approve(ADA, done.redaction_id + 1)


async def test_what_is_approved_is_removed_by_an_admin_alone(tmp_path: Path) -> None:
    async with marked(tmp_path, needs_approval=True) as desk:
        (one,) = await desk.of([7])
        with pytest.raises(NotAllowed):
            await desk.remove(ROSS, one.redaction_id)
        await desk.approve(ADA, one.redaction_id)
        with pytest.raises(NotAllowed):
            await desk.remove(RITA, one.redaction_id)
        await desk.remove(ADA, one.redaction_id)
        with pytest.raises(NoSuchThing):
            await desk.remove(ADA, one.redaction_id)


@pytest.mark.parametrize(
    ("span", "reason", "field"),
    [
        (Span(-1, 2), "why", "start"),
        (Span(float("nan"), 2), "why", "start"),
        (Span(1, 11), "why", "end"),
        (Span(2, 2), "why", "end"),
        (Span(1, 2), "  ", "why"),
        (Span(1, 2), "x" * 501, "why"),
    ],
)
async def test_a_span_that_is_none_names_its_field(
    tmp_path: Path, span: Span, reason: str, field: str
) -> None:
    async with marked(tmp_path, needs_approval=False) as desk:
        with pytest.raises(WrongInput) as refused:
            await desk.mark(RITA, 8, span, reason, length=10.0)
        assert refused.value.field == field
        with pytest.raises(NotAllowed):
            await desk.mark(LENA, 8, SPAN, "why", length=10.0)
        assert await desk.of([8]) == []


async def test_the_spans_of_an_erased_recording_are_forgotten(tmp_path: Path) -> None:
    async with desk_file(tmp_path) as file:
        desk = Redactions(file, ManualClock(), needs_approval=False)
        await desk.mark(RITA, 7, SPAN, "card number", length=None)
        assert await forget(file, [7]) == 1
        assert await desk.of([7]) == []
