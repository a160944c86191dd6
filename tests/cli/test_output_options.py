"""What a command writes, and where, is known before its arguments are parsed."""

import pytest

from archiver.cli.output_options import OutputOptions


@pytest.mark.parametrize(
    ("arguments", "asked"),
    [
        ([], set()),
        (["run", "--json"], {"json"}),
        (["--log", "json", "run"], {"json_logs"}),
        (["run", "--log=json", "-q"], {"json_logs", "quiet"}),
        (["-v", "status", "--quiet"], {"verbose", "quiet"}),
        (["run", "--", "--json", "-q", "--log=json"], set()),
    ],
)
def test_options_count_wherever_they_stand_before_two_dashes(
    arguments: list[str], asked: set[str]
) -> None:
    options = OutputOptions.of(arguments, {"NO_COLOR": "1"})
    assert {name for name in OutputOptions._fields if getattr(options, name)} == asked


@pytest.mark.parametrize(
    ("environ", "colour"),
    [
        ({}, True),
        ({"TERM": "xterm-256color", "NO_COLOR": ""}, True),
        ({"NO_COLOR": "0"}, False),
        ({"TERM": "dumb"}, False),
    ],
)
def test_colours_are_left_out_where_nobody_wants_them(
    environ: dict[str, str], colour: bool
) -> None:
    assert OutputOptions.of([], environ).colour is colour
