"""What is redacted, played: only who oversees hears it; everybody else hears the copy."""

import io
import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing

import numpy as np
import pytest
import soundfile

from archiver.sandbox.audio import Audio
from archiver.sandbox.world import World
from tests.web.desks import (
    AGENT_ID,
    Served,
    archived,
    calls,
    enrol,
    post,
    served,
    text,
    until_listed,
)
from tests.web.sounds import FOREIGN, RECORDINGS, strange_calls
from tests.web.test_quality import judge
from tests.web.test_sound import audio_of

STEREO = 900_301
"""A recording of Anna's."""
START, END, MARGIN = 1.0, 2.5, 0.2


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    world = calls()
    assert isinstance(world, World)
    strange_calls(world).call(70_301, user_id=AGENT_ID, talk=5)
    world.recording(STEREO, audio=stereo(), duration=5)
    made = archived(
        tmp_path_factory.mktemp("desk"),
        world,
        desk={"redact_replay": "silence"},
    )
    enrol(made)
    with served(made) as desk, desk.visitor("rita") as rita:
        until_listed(rita, RECORDINGS + 1)
        for record_id in (STEREO, 900_101, FOREIGN):
            side = "left" if record_id == STEREO else "both"
            assert mark(desk, record_id, side) == 303
        yield desk


def stereo() -> Audio:
    """Five seconds of two noises, with 16 bits."""
    noise = np.random.default_rng(1).integers(-9000, 9000, (40_000, 2), np.int16)
    file = io.BytesIO()
    soundfile.write(file, noise, 8000, format="WAV", subtype="PCM_16")
    return Audio(file.getvalue(), "audio/wav", "wav", 5.0)


def mark(desk: Served, record_id: int, side: str) -> int:
    span = {"start": str(START), "end": str(END), "side": side, "why": "card number"}
    with desk.visitor("rita") as rita:
        path = f"/recordings/{record_id}/redactions"
        return post(rita, path, **span, token=f"mark-{record_id}").status_code


def samples(data: bytes) -> tuple[np.ndarray[tuple[int, int], np.dtype[np.float32]], int]:
    return soundfile.read(io.BytesIO(data), dtype="float32", always_2d=True)  # type: ignore[no-any-return]


@pytest.mark.parametrize("record_id", [STEREO, 900_101])
@pytest.mark.parametrize("way", ["audio", "file"])
def test_everybody_else_gets_silence_in_the_span_and_all_other_samples(
    desk: Served, record_id: int, way: str
) -> None:
    archived_bytes = audio_of(desk.made, record_id)
    with desk.visitor("rita") as rita:
        answer = rita.get(f"/recordings/{record_id}/{way}")
    assert answer.headers["content-type"] == "audio/wav"
    heard, rate = samples(answer.content)
    expected, _ = samples(archived_bytes)
    span = slice(int((START - MARGIN) * rate), int(np.ceil((END + MARGIN) * rate)))
    sides = slice(0, 1) if record_id == STEREO else slice(None)
    assert np.any(expected[span, sides])
    expected[span, sides] = 0
    assert np.array_equal(heard, expected)
    assert audio_of(desk.made, record_id) == archived_bytes


def test_the_copy_comes_in_ranges_that_fit_together_under_a_tag_of_its_own(desk: Served) -> None:
    path = f"/recordings/{STEREO}/audio"
    with desk.visitor("lena") as lena, desk.visitor("ada") as ada:
        whole = lena.get(path)
        size, tag = len(whole.content), whole.headers["etag"]
        parts = [
            lena.get(path, headers={"range": f"bytes={at}-{at + 9999}", "if-range": tag})
            for at in range(0, size, 10_000)
        ]
        assert {one.status_code for one in parts} == {206}
        assert b"".join(one.content for one in parts) == whole.content
        original = ada.get(path)
        assert original.content == audio_of(desk.made, STEREO)
        assert original.headers["etag"] != tag
        stale = {"range": "bytes=5-", "if-range": original.headers["etag"]}
        assert lena.get(path, headers=stale).content == whole.content


def test_the_waveform_of_the_copy_is_flat_in_the_span(desk: Served) -> None:
    path = f"/recordings/{STEREO}/peaks"
    with desk.visitor("lena") as lena, desk.visitor("ada") as ada:
        seen = {name: who.get(path).json() for name, who in (("lena", lena), ("ada", ada))}
        assert lena.get(f"{path}?sketch=1").json() == seen["lena"], "no sketch of the original"
    a_second = len(seen["ada"]["channels"][0]) / seen["ada"]["seconds"]
    span = slice(round(START * a_second), round(END * a_second))
    assert any(seen["ada"]["channels"][0][span])
    assert not any(seen["lena"]["channels"][0][span])
    assert seen["lena"]["channels"][1] == seen["ada"]["channels"][1]


def test_the_page_says_who_hears_a_copy(desk: Served) -> None:
    with desk.visitor("lena") as lena, desk.visitor("ada") as ada:
        assert "Redacted copy" in text(lena, f"/recordings/{STEREO}")
        assert "Redacted copy" not in text(ada, f"/recordings/{STEREO}")
        assert "Redacted copy" not in text(lena, "/recordings/900112")


def test_what_cannot_be_decoded_is_refused_instead_of_played(desk: Served) -> None:
    path = f"/recordings/{FOREIGN}"
    with desk.visitor("rita") as rita, desk.visitor("ada") as ada:
        for way in ("audio", "file"):
            refused = rita.get(f"{path}/{way}", headers={"range": "bytes=0-99"})
            assert refused.status_code == 415
            assert "redacted" in refused.text
        assert "redacted" in rita.get(f"{path}/peaks").json()["none"]
        assert ada.get(f"{path}/file").content == audio_of(desk.made, FOREIGN)


def test_an_agent_hears_the_copy_of_an_own_call(desk: Served) -> None:
    judge(desk, "rita", STEREO, tone="2")
    with desk.visitor("anna") as anna, desk.visitor("lena") as lena:
        own = anna.get(f"/my/recordings/{STEREO}/audio")
        assert own.content == lena.get(f"/recordings/{STEREO}/audio").content
        assert own.content != audio_of(desk.made, STEREO)


def test_a_reviewer_cannot_export_what_is_redacted(desk: Served) -> None:
    with desk.visitor("rita") as rita:
        form = text(rita, f"/exports/new?records={STEREO}")
        assert 'name="redact" value="yes" checked disabled' in form
        wish = {"why": "complaint", "language": "en", "token": "t", "fill": "silence"}
        assert post(rita, f"/exports?records={STEREO}", **wish).status_code == 303
    (path,) = desk.made.state.rglob("desk.sqlite")
    with closing(sqlite3.connect(path)) as db:
        ((spans,),) = db.execute("SELECT spans FROM packages")
    assert json.loads(spans) == [[STEREO, START, END, "left", "card number"]]
