"""A statement as a page: one file, light, and whatever the archive says in it stays text."""

import re

import pytest

from archiver.statement.page import page_of
from archiver.text.templates import digest_of
from tests.statement.documents import CYRILLIC, document


@pytest.mark.parametrize("language", ["en", "ru"])
def test_text_of_the_archive_is_only_ever_text(language: str) -> None:
    page = page_of(document(language))
    assert f'<html lang="{language}">' in page
    assert "<script" not in page
    assert "&lt;script&gt;alert(1)" in page
    assert "{{ 7 * 7 }}" in page
    assert CYRILLIC in page
    assert "\u202e" not in page


def test_the_policy_lets_in_its_own_style_and_nothing_else() -> None:
    page = page_of(document())
    style = re.search(r"<style>(.*?)</style>", page, re.DOTALL)
    assert style is not None
    assert f"style-src &#39;{digest_of(style[1])}&#39;" in page
    assert "default-src &#39;none&#39;" in page
    assert not re.search(r"\b(src|href|url)\b ?[=(]", page)


def test_every_day_says_its_state_in_words() -> None:
    page = page_of(document())
    for state in ("complete", "quiet", "waiting", "failed", "silent", "unlisted"):
        assert f'<td class="day {state}"' in page
    assert page.count('<span class="unseen">day ') == 6
