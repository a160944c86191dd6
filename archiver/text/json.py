"""JSON out of files that anybody may have written, read as strictly as everybody else reads it."""

import json
from typing import Any, NoReturn


def read_json(text: bytes | str) -> Any:
    """What the text says. ValueError for what is no JSON, or is nested deeper than anything is.

    The standard reader takes more than that: UTF-16, a byte order mark, NaN and Infinity, none of
    which other programs would read the same; and it gives up on deep nesting with RecursionError,
    which nobody expects of text.
    """
    try:
        return _STRICT.decode(text if isinstance(text, str) else text.decode("utf-8"))
    except RecursionError:
        raise ValueError("not JSON: nested too deeply") from None


def _refuse(constant: str) -> NoReturn:
    raise ValueError(f"not JSON: {constant}")


_STRICT = json.JSONDecoder(parse_constant=_refuse)
