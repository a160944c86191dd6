"""Small JSON files in the state folder: what this machine remembers of an archive, one per kind.

None of them is evidence: if one is lost, counting starts anew.
"""

import json
import os
import tempfile
from collections.abc import Mapping
from hashlib import sha256
from pathlib import Path
from typing import Any


def state_file(kind: str, storage_url: str, state_folder: Path) -> Path:
    """The path of that file; known even if the archive is unreachable."""
    return state_folder / f"{kind}-{sha256(storage_url.encode()).hexdigest()[:16]}.json"


def replace_json(path: Path, fields: Mapping[str, Any]) -> None:
    """Replace the file atomically; creates its folder. Raises OSError."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, scratch = tempfile.mkstemp(dir=path.parent, prefix=f".{path.stem}-")
    try:
        with os.fdopen(handle, "w", encoding="ascii") as file:
            json.dump(fields, file, indent=2)
        Path(scratch).replace(path)
    except BaseException:
        Path(scratch).unlink(missing_ok=True)
        raise
