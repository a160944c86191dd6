"""Pages and tables travel compressed; sound does not, and no secret is the same in two answers."""

import gzip

from tests.web.desks import Served, csrf_of, text


def test_texts_are_compressed_for_whom_accepts_it_and_sound_never_is(desk: Served) -> None:
    with desk.visitor("rita") as rita:
        for path in ("/", "/static/desk.css", "/recordings/900101/peaks", "/recordings.csv"):
            plain = rita.get(path, headers={"accept-encoding": "identity"})
            small = rita.get(path, headers={"accept-encoding": "gzip"})
            assert small.headers["content-encoding"] == "gzip", path
            assert "content-encoding" not in plain.headers
            assert "accept-encoding" in small.headers["vary"].lower()
            assert path == "/" or small.content == plain.content
        with rita.stream("GET", "/", headers={"accept-encoding": "gzip"}) as answer:
            sent = b"".join(answer.iter_raw())
        assert len(sent) < len(gzip.decompress(sent)) / 3
        sound = rita.get("/recordings/900116/audio", headers={"accept-encoding": "gzip"})
        assert "content-encoding" not in sound.headers
        assert int(sound.headers["content-length"]) == len(sound.content)


def test_the_code_of_a_form_is_masked_anew_in_every_answer_and_each_is_taken(desk: Served) -> None:
    with desk.visitor("rita") as rita:
        codes = {csrf_of(text(rita)) for _ in range(3)}
        assert len(codes) == 3
        for code in codes:
            fields = {"csrf": code, "theme": "dark"}
            assert rita.post("/settings", data=fields).status_code == 303
