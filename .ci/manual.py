"""Makes the manual page from the command line itself: .ci/manual.py build/archiver.1"""

import sys
from pathlib import Path

from argparse_manpage.manpage import Manpage

from archiver import __version__
from archiver.cli.commands import build_parser


def main(target: Path) -> None:
    """Write the page."""
    parser = build_parser(whole=True)
    parser.man_short_description = "bring call recordings home from Liner, and prove it"
    about = {
        "project_name": "archiver",
        "version": __version__,
        "manual_title": "archiver",
        "manual_section": 1,
    }
    target.parent.mkdir(exist_ok=True)
    title, *rest = str(Manpage(parser, _data=about)).splitlines(keepends=True)
    target.write_text("".join([title.replace("\\-", "-"), *rest]), encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
