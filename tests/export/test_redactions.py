"""The list of redactions: what it says is read, and what is wrong with it is named by its place."""

import json
from pathlib import Path

import pytest

from archiver.errors import UsageError
from archiver.export.redactions import load_redactions, read_redactions
from archiver.sound.spans import Span

HEAD = "recordId,start,end,side,reason\n"


def test_csv_and_json_say_the_same() -> None:
    table = HEAD + '7,1.5,2,left,"card, number"\n\n7,4,5,,name\n9,0,1,BOTH,health\n'
    rows = [
        {"recordId": 7, "start": 1.5, "end": 2, "side": "left", "reason": "card, number"},
        {"recordId": "7", "start": "4", "end": 5, "reason": "name"},
        {"recordId": 9, "start": 0, "end": 1, "side": "both", "reason": "health"},
    ]
    read = read_redactions(table.encode(), "list.csv")
    assert read == read_redactions(json.dumps(rows).encode(), "list.json")
    assert [one.span for one in read[7]] == [Span(1.5, 2, "left"), Span(4, 5, "both")]
    assert read[9][0].why == "health"


def test_the_table_of_a_russian_office_is_read() -> None:
    text = "\ufeffrecordId;start;end;side;reason\r\n7;1,5;2,25;right;номер карты\r\n"
    (one,) = read_redactions(text.encode(), "list.csv")[7]
    assert (one.span, one.why) == (Span(1.5, 2.25, "right"), "номер карты")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "line 1: the field recordId is missing"),
        ("recordId,start,end\n7,1,2\n", "line 1: the field reason is missing"),
        (HEAD.replace("side", "channel") + "7,1,2,left,x\n", "line 1: unknown field 'channel'"),
        (HEAD, "contains no spans"),
        (HEAD + "7,1,2,left,x\nx,1,2,left,x\n", "line 3: recordId must be a recording id"),
        (HEAD + "7,-1,2,left,x\n", "line 2: start must be seconds"),
        (HEAD + "7,nan,2,left,x\n", "line 2: start must be seconds"),
        (HEAD + "7,1,inf,left,x\n", "line 2: end must be seconds"),
        (HEAD + "7,1:20,2,left,x\n", "line 2: start must be seconds"),
        (HEAD + "7,3,2,left,x\n", "line 2: end (2) is not after start (3)"),
        (HEAD + "7,1,2,middle,x\n", "line 2: side must be left, right or both"),
        (HEAD + "7,1,2,left,\n", "line 2: reason must be"),
        (HEAD + "7,1,2,left,x,y\n", "line 2: more fields"),
        (HEAD + '7,1,2,left,"x\n', "line 2: unexpected end"),
        ('{"recordId": 7}', "is not a JSON list"),
        ("[7]", "entry 1: not an object"),
        ("[{", "is not JSON"),
        ('[{"recordId": 7, "start": true, "end": 2, "reason": "x"}]', "entry 1: start must be"),
        ('[{"recordId": 7, "start": 1, "end": 2, "reason": 5}]', "entry 1: reason must be"),
    ],
)
def test_what_is_wrong_is_named_by_line_and_field(text: str, said: str) -> None:
    with pytest.raises(UsageError) as refused:
        read_redactions(text.encode(), "list")
    assert said in str(refused.value)
    assert str(refused.value).startswith("list")


def test_a_list_that_cannot_be_read_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="cannot read"):
        load_redactions(tmp_path / "list.csv")
    (tmp_path / "list.csv").write_bytes(HEAD.encode("utf-16"))
    with pytest.raises(UsageError, match="not UTF-8"):
        load_redactions(tmp_path / "list.csv")
