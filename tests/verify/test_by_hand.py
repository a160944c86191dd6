"""The commands of docs/FORMAT.md find by hand what `verify` finds."""

import pytest

from tests.project.test_format_page import check, needs_jq
from tests.support.nightly import some_by_day
from tests.verify.archives import Case
from tests.verify.media import Folder
from tests.verify.tampering import (
    AUDIO,
    TAMPERINGS,
    Tampering,
    cut_off_the_newest_segment,
)

pytestmark = needs_jq

SOME = [one for one in TAMPERINGS if one is not cut_off_the_newest_segment][::4]
"""A quarter of the tamperings has one of every kind of object; the commands take a second each."""


def test_they_say_nothing_of_a_sound_archive(pristine: Case) -> None:
    assert check(pristine.root) == ""


@pytest.mark.parametrize("tampering", some_by_day(SOME, 3), ids=lambda one: one.__name__)
def test_they_find_every_tampering(case: Case, tampering: Tampering) -> None:
    tampering(Folder(case.root))
    assert check(case.root) != ""


def test_they_find_a_link_even_to_the_right_bytes(case: Case) -> None:
    audio, elsewhere = case.root / AUDIO, case.folder / "elsewhere.wav"
    audio.rename(elsewhere)
    audio.symlink_to(elsewhere)
    assert check(case.root) == f"./{AUDIO}\n"


def test_only_a_head_that_was_kept_tells_of_a_tail_that_was_cut_off(case: Case) -> None:
    named = cut_off_the_newest_segment(Folder(case.root))
    ((_, key),) = named
    assert key not in check(case.root)
