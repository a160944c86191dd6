"""What is audio, what is a wrong answer, and how long a recording really is."""

import pytest

from archiver.errors import FetchError
from archiver.reasons import Reason
from archiver.recordings.audio import falls_short, findings_of, identify, measure
from archiver.sandbox.audio import sample, wav
from archiver.sandbox.sample_world import samples

SAMPLES = [(one["file"], one["contentType"], one["durationSeconds"]) for one in samples()]


@pytest.mark.parametrize(("name", "kind", "seconds"), SAMPLES)
def test_every_sample_is_recognised_and_measured(name: str, kind: str, seconds: float) -> None:
    data = sample(name, kind).data
    audio, facts = identify(data[:1024], None, "/x"), measure(data)
    assert audio.known
    assert audio.extension == name.rpartition(".")[2]
    assert facts.seconds == pytest.approx(seconds, abs=0.15)
    assert facts.channels in (1, 2)
    assert findings_of(audio, facts, round(seconds)) == []


@pytest.mark.parametrize(("name", "kind", "seconds"), SAMPLES)
def test_a_sample_that_was_cut_in_half_is_measured_as_half_as_long(
    name: str, kind: str, seconds: float
) -> None:
    data = sample(name, kind).data
    facts = measure(data[: len(data) // 2])
    assert facts.seconds == pytest.approx(seconds / 2, rel=0.15)
    assert falls_short(facts, round(seconds))


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (b"<html><body>Not found</body></html>", "text/html"),
        (b"<html><body>Not found</body></html>", "audio/mpeg"),
        (b'{"success": false, "message": "expired"}', "audio/mpeg"),
        (b"\xef\xbb\xbf<!doctype html>", "application/octet-stream"),
        ("<html>".encode("utf-16"), "audio/mpeg"),
        (b"Link expired", "audio/mpeg"),
        ("Ссылка устарела".encode(), None),
        (b'<?xml version="1.0"?><Error><Code>AccessDenied</Code></Error>', None),
        (b"\x89PNG\r\n\x1a\n", "audio/mpeg"),
        (b"%PDF-1.7 ...", "audio/mpeg"),
        (b"\x1f\x8b\x08\x00", "audio/mpeg"),
        (b"\x00\x01\x02\x03", "application/json; charset=utf-8"),
        (b"\x00\x01\x02\x03", "application/problem+json"),
    ],
)
def test_a_page_under_any_name_is_refused(body: bytes, kind: str | None) -> None:
    with pytest.raises(FetchError) as caught:
        identify(body, kind, "/456.mp3")
    assert caught.value.reason is Reason.NOT_AUDIO


def test_a_page_whose_last_character_is_cut_at_the_end_of_the_head_is_refused() -> None:
    head = ("я" * 600).encode()[:1023]
    with pytest.raises(FetchError):
        identify(head, "audio/mpeg", "/456.mp3")


def test_an_empty_body_is_refused() -> None:
    with pytest.raises(FetchError) as caught:
        identify(b"", "audio/mpeg", "/456.mp3")
    assert caught.value.reason is Reason.EMPTY


def test_audio_is_believed_over_a_wrong_content_type() -> None:
    assert identify(wav(2000).data[:1024], "text/html", "/x.html").extension == "wav"


@pytest.mark.parametrize(
    ("kind", "path", "extension"),
    [
        ("audio/opus", "/x", "opus"),
        ("audio/mpeg; charset=binary", "/x.wav", "mp3"),
        (None, "/calls/456.GSM", "gsm"),
        (None, "/calls/456.mp3;rm -rf", "bin"),
        (None, "/calls/456.toolongname", "bin"),
        (None, "/calls/456.json", "bin"),
        (None, "/calls/..", "bin"),
        ("audio/../../etc", "/x", "bin"),
    ],
)
def test_unknown_bytes_are_kept_under_a_safe_extension(
    kind: str | None, path: str, extension: str
) -> None:
    audio = identify(b"\x00\x01\x02\x03" * 100, kind, path)
    assert (audio.extension, audio.known) == (extension, False)


@pytest.mark.parametrize(
    "junk", [b"", b"\0" * 5000, b"ID3\x04" + b"\xff" * 400, b"OggS" + b"\0" * 60]
)
def test_measuring_junk_is_a_fact_and_no_error(junk: bytes) -> None:
    assert measure(junk).seconds is None


def test_a_length_that_nothing_confirms_falls_short() -> None:
    facts = measure(wav(16_000).data)
    assert facts.seconds is not None
    assert not falls_short(facts, facts.seconds)
    assert not falls_short(facts, facts.seconds + 1)
    assert falls_short(facts, facts.seconds + 3)
    assert falls_short(facts, None)
    assert falls_short(measure(b"\0" * 500), 5)


def test_an_odd_length_and_an_unreadable_file_are_findings() -> None:
    data = wav(16_000).data
    audio = identify(data[:1024], None, "/x")
    assert findings_of(audio, measure(data), 300) == ["duration-mismatch"]
    assert findings_of(audio, measure(data[:4000]), None) == ["shorter-than-its-header"]
    unknown = identify(b"\x00\x01", None, "/x.gsm")
    assert findings_of(unknown, measure(b"\x00\x01"), 60) == ["unreadable"]
