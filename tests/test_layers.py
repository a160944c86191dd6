"""The arrows between modules point down, and foreign libraries stay where they belong."""

import ast
from pathlib import Path

import archiver

ROOT = Path(archiver.__file__).parent

LAYERS: tuple[tuple[str, ...], ...] = (
    ("clock", "reasons", "failures", "grace", "hop", "jsontext"),
    ("errors", "measures", "liner.models"),
    ("retry", "origins", "audio", "sidecar", "advice", "spreadsheet"),
    ("storage.keys", "storage.base", "storage.versions"),
    ("config",),
    ("liner.bodies", "liner.fields", "liner.scope", "liner.protocol"),
    ("wire", "storage", "spool"),
    ("transport",),
    ("liner",),
    ("ledger",),
    ("catalog",),
    ("fetch", "console", "lineage"),
    ("progress", "meter", "shelf", "archive", "orphans"),
    ("lifecycle", "status", "courier", "survey", "pipeline", "plan", "report", "sandbox"),
    ("intake",),
    ("ending",),
    ("run", "verify", "reindex", "export", "nights"),
    ("desk",),
    ("web", "doctor"),
    ("cli",),
    ("__main__",),
)
"""From the bottom up: a module may import those of its own layer and of the layers below."""

AT_HOME = {
    "boto3": {"storage"},
    "botocore": {"storage"},
    "aiohappyeyeballs": {"wire"},
    "httptools": {"wire"},
    "prometheus_client": {"nights"},
    "sqlite3": {"catalog", "doctor", "desk"},
    "tinytag": {"audio"},
    "tqdm": {"progress", "meter"},
    "yaml": {"config"},
    "starlette": {"web"},
    "uvicorn": {"web"},
    "jinja2": {"web"},
    "markupsafe": {"web"},
    "numpy": {"desk"},
    "soundfile": {"desk"},
}
"""Libraries that only these may import, so that their errors cannot leak."""


def modules() -> dict[str, Path]:
    found = {}
    for path in ROOT.rglob("*.py"):
        name = ".".join(path.relative_to(ROOT).with_suffix("").parts)
        found[name.removesuffix(".__init__")] = path
    del found["__init__"]
    return found


def imports(path: Path) -> set[str]:
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
    return names


def layer(module: str) -> int:
    place = module
    while place:
        for height, names in enumerate(LAYERS):
            if place in names:
                return height
        place = place.rpartition(".")[0]
    raise AssertionError(f"{module} has no layer")


def test_no_module_imports_from_above() -> None:
    known = modules()
    upward = [
        f"{name} imports {target}"
        for name, path in known.items()
        for target in imports(path)
        if target.startswith("archiver.")
        and (below := target.removeprefix("archiver.")) in known
        and layer(below) > layer(name)
    ]
    assert upward == []


def test_every_foreign_library_is_at_home_in_one_place() -> None:
    strays = [
        f"{name} imports {library}"
        for name, path in modules().items()
        for library, homes in AT_HOME.items()
        if any(one.split(".")[0] == library for one in imports(path))
        and name.split(".")[0] not in homes
    ]
    assert strays == []


def test_modules_and_functions_keep_a_readable_size() -> None:
    large = []
    for name, path in modules().items():
        tree = ast.parse(path.read_text("utf-8"))
        lines = path.read_text("utf-8").count("\n")
        if lines > 400:
            large.append(f"{name}: {lines} lines")
        for node in ast.walk(tree):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                size = (node.end_lineno or 0) - node.lineno + 1
                if size > 60:
                    large.append(f"{name}.{node.name}: {size} lines")
    assert large == []
