"""`python -m archiver` is the same as `archiver`."""

import sys

from archiver.cli import main

sys.exit(main())
