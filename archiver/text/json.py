"""JSON out of files that anybody may have written."""

import json
from typing import Any


def read_json(text: bytes | str) -> Any:
    """What the text says. ValueError for what is no JSON, or is nested deeper than anything is.

    The standard reader gives up on deep nesting with RecursionError, which nobody expects of text.
    """
    try:
        return json.loads(text)
    except RecursionError:
        raise ValueError("no JSON: nested too deeply") from None
