"""Addresses in a package are safe, and a page may load what it was made with, and nothing else."""

from archiver.export.markup import address, policy


def test_an_address_is_safe_in_any_script() -> None:
    assert address("audio/\u0415\u0432\u0430_1.mp3") == "audio/%D0%95%D0%B2%D0%B0_1.mp3"
    assert address('audio/"x#?.mp3') == "audio/%22x%23%3F.mp3"


def test_a_page_without_a_script_runs_none() -> None:
    said = policy("p {}", media=True)
    assert "script-src" not in said
    assert "default-src 'none'" in said
    assert "media-src 'self' file:" in said


def test_only_the_script_of_the_page_may_load_others() -> None:
    said = dict(part.strip().split(" ", 1) for part in policy("", "x", loads=True).split(";"))
    assert said["script-src"].startswith("'sha256-")
    assert "'strict-dynamic'" in said["script-src"]
    assert "unsafe" not in str(said)
