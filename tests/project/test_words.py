"""What a user reads is written in the words of the field: a few that it never uses are listed here.

The list is short on purpose. Each entry was once in a message or on a page, and has a plain
equivalent that restic, rclone, PostgreSQL or AWS use for the same thing.
"""

import ast
import io
import json
import re
import tokenize
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

from archiver.cli.commands import build_parser
from tests.project.test_documents import DOCUMENTS, TOP, text_of
from tests.project.test_layers import ROOT

BANISHED: Final = {
    r"be had": "say: available",
    r"all the same": "say: still, anyway",
    r"whoever": "name who: the recipient, the administrator, anyone who",
    r"somebody (learns|is told)": "say: you are notified",
    r"think of (it|the secret|this) as": "say: treat it as compromised",
    r"(put|puts) in order": "say what is finished",
    r"tak(e|es|en) away": "say: remove",
    r"when told": "name the option",
    r"do not fit together": "say: incorrect",
    r"knows no": "say: does not support",
    r"given back": "say: released",
    r"cut off (the|its) (tail|end)|tail that was cut off|were cut off": "say: truncated",
    r"(does|do) not hold\b(?! (them|it|an?|the|every|any)\b)": "say: is damaged, does not match",
    r"the ledger tells|(told|tells|tell) of": "say: the ledger records, reports",
    r"bear(s|ing)?": "say: has, contains",
    r"brought home": "say: archived",
    r"people of your": "say: the operator of",
    r"must lie|lies in|lie in": "say: is stored in, is in",
    r"makes no sense|made no sense": "say: is invalid",
    r"a wish to": "say: a request to",
    r"yours to see to": "say: you must ... yourself",
    r"(can|could) be told": "say: is known",
    r"(answers?|asked?|asks) (it |the API )nothing": "say: makes no API requests",
    r"names it all|names all of it": "say: lists it",
    r"of a bug of ours|a bug of ours": "say: a bug in archiver",
    r"the nights?'? (go|goes) on": "say: runs continue",
    r"should have one|shouldHaveOne|should_have_one": "say: unrecorded (calls)",
    r"worth waking": "say: needs attention",
    r"made up for": "say: is started late, catches up",
    r"by the clocks of": "say: in the time zone, local time",
    r"people of the proxy|ask its people": "say: the operator of",
    r"for the trying|for the asking": "say what is tested",
    r"(put|puts|putting) up with": "say: accepts, tolerates",
    r"thousand million": "say: billion",
    r"quiet machine": "say: idle machine",
    r"machine was busy": "say: under load",
    r"nobody else's": "say: reserved",
    r"what the archive lack(s|ed)": "say: what is missing in the archive",
    r"answers with a page of its own": "say: returned a page of its own",
    r"goes on from (there|here)": "say: continues",
    r"brings? (\w+ )*home": "say: archives",
    r"must cover something": "say what is missing",
    r"lies?": "say: is, is stored in",
    r"vouch\w*": "say: sign, prove",
    r"somebody|anybody|everybody('s)?": "say: someone, anyone, everyone, or name who",
    r"in (its|their|his|her) own words": "say: as worded by",
    r"comes? back from": "say: is restored from",
    r"stays? like this": "say: lasts, remains",
    r"put right|set right": "say: corrected",
    r"(looks?|looked) (odd|strange)": "say: anomaly, finding",
    r"(scheduler|server|API|storage|process) does not answer": "say: does not respond",
    r"(lacks?|lacked|owes?) nothing": "say: is complete, up to date",
    r"has been gone for": "say: has been unreachable for",
    r"goes? from (a|the) (replica|archive|bucket)": "say: is removed from",
    r"passes? over": "say: ignores, skips",
    r"(?<!there )is no (evidence|finding|damage|error)|are no (findings|errors)": "say: is not",
}
"""Phrases that no user reads, as regular expressions, each with what to say instead."""

_PHRASE: Final = re.compile(rf"\b(?:{'|'.join(BANISHED)})\b", re.IGNORECASE)
_ALLOWED: Final = {
    "archiver/archive/status.py": {"shouldHaveOne"},
    "archiver/cli/status_cmd.py": {"should_have_one"},
    "CHANGELOG.md": {"shouldHaveOne", "should_have_one"},
    "docs/operations.md": {"shouldHaveOne", "should_have_one"},
}
"""Former names that are still written for a release, and the pages that say so."""


def banished(name: str, text: str) -> list[str]:
    """The phrases of the list in this text, each with its line and what to say instead."""
    return [
        f"{name}:{number}: {match[0]!r}; {instead(match[0])}"
        for number, line in enumerate(text.splitlines(), 1)
        for match in _PHRASE.finditer(line)
        if match[0] not in _ALLOWED.get(name, ())
    ]


def instead(phrase: str) -> str:
    return next(
        advice for one, advice in BANISHED.items() if re.fullmatch(one, phrase, re.IGNORECASE)
    )


def messages(source: str) -> Iterator[tuple[int, str]]:
    """The texts in a module that are no docstrings and no SQL: literals of two words or more."""
    tree = ast.parse(source)
    documentation = {
        id(node.value)
        for node in ast.walk(tree)
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.JoinedStr):
            parts = (one.value for one in node.values if isinstance(one, ast.Constant))
            yield node.lineno, " ".join(str(one) for one in parts)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            is_text = " " in node.value.strip() and id(node) not in documentation
            if is_text and not re.search(r"\b(SELECT|INSERT|UPDATE|DELETE|CREATE)\b", node.value):
                yield node.lineno, node.value


DIALECT: Final = re.compile(
    r"\b(whoever|(some|any|every)body('s)?|vouch\w*|that which|in (its|their) own words"
    r"|(what|it|that|which|they) lies?|lies (below|under|beside|there)|bears?|(is|are|be) told)\b",
    re.IGNORECASE,
)
"""What a docstring or a comment has a plain word for: anyone who, is stored, has, is reported."""


def remarks(source: str) -> Iterator[tuple[int, str]]:
    """The lines of docstrings and comments in a module."""
    lines = source.splitlines()
    for node in ast.walk(ast.parse(source)):
        match node:
            case ast.Expr(value=ast.Constant(value=str())):
                for line in range(node.lineno, (node.end_lineno or node.lineno) + 1):
                    yield line, lines[line - 1]
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type == tokenize.COMMENT:
            yield token.start[0], token.string


@pytest.mark.parametrize("folder", [ROOT, TOP / "benchmarks"], ids=lambda path: path.name)
def test_docstrings_and_comments_are_written_in_plain_words(folder: Path) -> None:
    found = [
        f"{path.relative_to(TOP)}:{number}: {match[0]!r}"
        for path in sorted(folder.rglob("*.py"))
        for number, text in remarks(path.read_text("utf-8"))
        if (match := DIALECT.search(text))
    ]
    assert found == []


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(TOP)))
def test_no_page_has_a_banished_phrase(document: Path) -> None:
    assert banished(str(document.relative_to(TOP)), document.read_text("utf-8")) == []


def test_no_message_hint_or_help_has_a_banished_phrase() -> None:
    found: list[str] = []
    for path in sorted(ROOT.rglob("*.py")):
        name = str(path.relative_to(TOP))
        for line, text in messages(path.read_text("utf-8")):
            found.extend(f"line {line}: {one}" for one in banished(name, text.replace("\n", " ")))
    assert found == []


def test_the_help_of_every_command_is_among_the_texts_that_are_read() -> None:
    parser = build_parser(whole=True)
    assert banished("archiver --help", parser.format_help()) == []


@pytest.mark.parametrize("language", sorted(ROOT.rglob("locale/en.json")), ids=str)
def test_no_text_of_the_desk_or_of_an_export_has_a_banished_phrase(language: Path) -> None:
    texts = json.loads(language.read_text("utf-8"))
    name = str(language.relative_to(TOP))
    assert [one for text in texts.values() for one in banished(name, json.dumps(text))] == []


def test_no_comment_of_the_configuration_has_a_banished_phrase() -> None:
    assert banished("archive.yaml", (TOP / "archive.yaml").read_text("utf-8")) == []


@pytest.mark.parametrize(
    "phrase", ["port 8080 cannot be had", "it lies in the way", "No one told of it"]
)
def test_a_phrase_is_found_wherever_it_stands(phrase: str) -> None:
    assert len(banished("a page", f"first line\n{phrase}\n")) == 1


def test_every_term_of_the_glossary_stands_once_and_in_order() -> None:
    text = text_of(TOP / "docs" / "glossary.md")
    terms = re.findall(r"^\| \*\*(.+?)\*\* \|", text, re.MULTILINE)
    assert terms == sorted(set(terms), key=str.lower)
