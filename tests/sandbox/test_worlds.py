"""Worlds hold what they were told to hold, small, sampled and huge."""

import hashlib
from datetime import UTC, datetime, timedelta
from importlib.resources import files

from hypothesis import given
from hypothesis import strategies as st

from archiver.sandbox.model import CallQuery
from archiver.sandbox.sample_world import sample_world, samples
from archiver.sandbox.synthetic import FIRST_CALL, FIRST_LEAD, SyntheticWorld
from archiver.sandbox.world import World


def test_a_world_is_built_in_a_line() -> None:
    world = World().call(talk=90).recording().recording(is_transfer=True).call(order=7, lead=None)
    rows, total = world.calls(CallQuery(orders=frozenset({1, 7})), 0, 100)
    assert (total, [row["id"] for row in rows]) == (2, [1, 2])
    assert (rows[0]["hasRecords"], rows[1]["hasRecords"]) == (True, False)
    assert (rows[0]["totalDurationSeconds"], rows[1]["leadId"]) == (95, None)
    assert [each.id for each in world.recordings_of(1) or ()] == [900_001, 900_002]
    assert set(world.orders) == {1, 7}
    assert set(world.leads) == {50_001}


def test_a_world_may_change() -> None:
    world = World().call(1).recording(11).call(2).recording(11)
    world.change_recording(11, summary=None).change_call(2, has_records=False)
    assert [each.summary for each in (world.recordings_of(2) or ())] == [None]
    assert (world.call_row(2) or {})["hasRecords"] is False
    world.remove_recording(11)
    assert world.recording_of(11) is None
    assert world.recordings_of(1) == []
    world.remove_call(1)
    assert world.recordings_of(1) is None


def test_the_samples_are_the_audio_that_they_claim_to_be() -> None:
    for known in samples():
        data = files("archiver.sandbox").joinpath("samples", known["file"]).read_bytes()
        assert hashlib.sha256(data).hexdigest() == known["sha256"], known["file"]


def test_the_sample_world_leaves_nothing_open_and_shows_every_settled_state() -> None:
    world = sample_world()
    rows, total = world.calls(CallQuery(orders=frozenset(world.orders)), 0, 100)
    recorded = {row["id"]: len(world.recordings_of(row["id"]) or ()) for row in rows}
    assert total == 22
    assert sum(recorded.values()) == len(samples())
    assert recorded[70108] == 2
    assert any("hasRecords" not in row for row in rows)
    assert all(row.get("hasRecords") is not True or recorded[row["id"]] for row in rows)
    assert any(each.summary is None for each in world.recordings_of(70105) or ())


def test_the_sample_world_can_be_recent() -> None:
    latest = datetime(2030, 5, 6, 7, 8, 9, tzinfo=UTC)
    rows, _ = sample_world(latest).calls(CallQuery(newest_first=True), 0, 1)
    assert rows[0]["createdAt"] == "2030-05-06T07:08:09Z"


SMALL = SyntheticWorld(size=97, order_count=7, step=timedelta(seconds=30), recorded_every=5)


@st.composite
def queries(draw: st.DrawFn) -> CallQuery:
    def ids(first: int, last: int) -> st.SearchStrategy[frozenset[int]]:
        return st.frozensets(st.integers(first, last), min_size=1, max_size=5)

    moments = st.none() | st.integers(-100, 3100).map(
        lambda seconds: SMALL.start + timedelta(seconds=seconds)
    )
    by_lead = draw(st.booleans())
    return CallQuery(
        orders=None if by_lead else draw(ids(1, 9)),
        leads=draw(ids(FIRST_LEAD - 1, FIRST_LEAD + 26)) if by_lead else None,
        users=draw(st.none() | ids(101, 141)),
        statuses=draw(st.none() | ids(1, 3)),
        since=draw(moments),
        until=draw(moments),
        newest_first=draw(st.booleans()),
    )


@given(queries(), st.integers(0, 100), st.integers(1, 100))
def test_a_computed_world_answers_like_one_that_is_held(
    query: CallQuery, offset: int, limit: int
) -> None:
    assert SMALL.calls(query, offset, limit) == held(SMALL).calls(query, offset, limit)


def held(computed: SyntheticWorld) -> World:
    world = World()
    for call_id in range(FIRST_CALL, FIRST_CALL + computed.size):
        row = computed.call_row(call_id) or {}
        world.call(
            call_id,
            order=row["orderId"],
            lead=row["leadId"],
            at=row["createdAt"],
            user_id=row["userId"],
            status=row["statusCode"],
            talk=row["talkTimeDurationSeconds"],
            has_records=row["hasRecords"],
        )
    return world


def test_a_huge_world_has_its_recordings_where_its_calls_say() -> None:
    world = SyntheticWorld(size=1_000_000, recorded_every=10, audio_bytes=64)
    rows, total = world.calls(CallQuery(orders=frozenset({1})), 49_900, 100)
    assert (total, len(rows)) == (50_000, 100)
    for row in rows:
        recordings = world.recordings_of(row["id"]) or ()
        assert bool(recordings) is row["hasRecords"]
        for recording in recordings:
            assert world.recording_of(recording.id) == recording
            assert recording.lead_id == row["leadId"]
            assert world.lead_of(row["leadId"]) is not None
    assert world.call_row(FIRST_CALL + 1_000_000) is None
    assert world.recordings_of(FIRST_CALL - 1) is None
    assert world.recording_of(1) is None
