"""The arrows between modules point down, and foreign libraries stay where they belong."""

import ast
import re
from collections.abc import Mapping
from functools import cache
from pathlib import Path

import pytest

import archiver

ROOT = Path(archiver.__file__).parent
TESTS = Path(__file__).parent.parent

LAYERS: tuple[tuple[str, ...], ...] = (
    ("clock", "reasons", "secrets"),
    ("errors",),
    ("extras", "text", "tasks", "http", "sqlite", "sound", "console", "sandbox", "schedule"),
    ("config",),
    ("storage", "liner"),
    ("ledger",),
    ("recordings",),
    ("catalog",),
    ("archive",),
    ("crew", "retention", "evidence", "monitoring", "inspection", "desk"),
    ("statement", "replica"),
    ("run", "web"),
    ("verify", "export", "table", "doctor"),
    ("cli", "__main__"),
)
"""From the bottom up: a module may import those of its own layer and of the layers below."""

AT_HOME = {
    "apprise": {"monitoring"},
    "boto3": {"storage.s3"},
    "cryptography": {"evidence"},
    "rfc3161_client": {"evidence"},
    "botocore": {"storage.s3"},
    "aiohappyeyeballs": {"http.wire"},
    "httptools": {"http.wire"},
    "httpx": {
        *("http", "liner", "recordings.fetch", "evidence.stamping"),
        *("monitoring.delivery", "doctor.monitoring"),
    },
    "prometheus_client": {"monitoring"},
    "dask": {"crew"},
    "distributed": {"crew"},
    "sqlite3": {"catalog", "desk", "sqlite", "table"},
    "tinytag": {"recordings"},
    "tqdm": {"cli"},
    "xlsxwriter": {"export"},
    "yaml": {"config", "desk"},
    "starlette": {"web"},
    "typst": {"statement"},
    "uvicorn": {"web"},
    "jinja2": {"text", "web", "export", "statement"},
    "markupsafe": {"text", "web", "export", "statement"},
    "numpy": {"desk", "sound"},
    "soundfile": {"desk", "sound"},
    "pyarrow": {"table"},
    "pyrage": {"export.encryption", "desk.packages.locks"},
    "pyzipper": {"export.encryption"},
}
"""Libraries that only these may import, so that their errors cannot leak."""


IN_AND_OUT = {
    *("anyio", "asyncio", "boto3", "botocore", "fcntl", "glob", "http.client", "httptools"),
    *("select", "signal", "socket", "sqlite3", "ssl"),
    *("subprocess", "tempfile", "threading", "urllib.request", "uvicorn"),
}
"""What no module may import that calls itself pure: files, sockets, databases, processes, loops."""

MOST_LOOSE = 8

MODULE_LINES = 400
FUNCTION_LINES = 60


@cache
def parsed(folder: Path) -> Mapping[str, ast.Module]:
    """Every module below the folder, by its name."""
    found = {}
    for path in folder.rglob("*.py"):
        name = ".".join(path.relative_to(folder).with_suffix("").parts)
        found[name.removesuffix(".__init__")] = ast.parse(path.read_text("utf-8"))
    found.pop("__init__", None)
    return found


def imports(tree: ast.Module) -> set[str]:
    names: set[str] = set()
    for node in ast.walk(tree):
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
    modules = parsed(ROOT)
    upward = [
        f"{name} imports {target}"
        for name, tree in modules.items()
        for target in imports(tree)
        if target.startswith("archiver.")
        and (below := target.removeprefix("archiver.")) in modules
        and layer(below) > layer(name)
    ]
    assert upward == []


def test_every_foreign_library_is_at_home_in_one_place() -> None:
    modules = parsed(ROOT)
    strays = [
        f"{name} imports {library}"
        for name, tree in modules.items()
        for library in {one.split(".")[0] for one in imports(tree)} & AT_HOME.keys()
        if not any(f"{name}.".startswith(f"{home}.") for home in AT_HOME[library])
    ]
    assert strays == []


@pytest.mark.parametrize("folder", [ROOT, TESTS, TESTS.parent / "benchmarks"], ids=lambda f: f.name)
def test_modules_and_functions_keep_a_readable_size(folder: Path) -> None:
    large = []
    for name, tree in parsed(folder).items():
        lines = max((node.end_lineno or 0 for node in tree.body), default=0)
        if lines > MODULE_LINES:
            large.append(f"{name}: {lines} lines")
        for node in ast.walk(tree):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                size = (node.end_lineno or 0) - node.lineno + 1
                if size > FUNCTION_LINES:
                    large.append(f"{name}.{node.name}: {size} lines")
    assert large == []


def is_pure(tree: ast.Module) -> bool:
    """Whether the docstring says so: `(pure)`, or a sentence of its own."""
    return re.search(r"\(pure\)|(^|[.\n] ?)Pure\.", ast.get_docstring(tree) or "") is not None


def test_a_module_that_calls_itself_pure_imports_nothing_that_goes_in_or_out() -> None:
    pure = {name: tree for name, tree in parsed(ROOT).items() if is_pure(tree)}
    strays = [
        f"{name} imports {module}"
        for name, tree in pure.items()
        for module in imports(tree)
        if module in IN_AND_OUT or module.split(".")[0] in IN_AND_OUT
    ]
    assert strays == []
    assert len(pure) > 30


def test_few_modules_lie_loose_and_every_folder_says_what_belongs_there() -> None:
    loose = {path.stem for path in ROOT.glob("*.py")} - {"__init__", "__main__"}
    assert len(loose) <= MOST_LOOSE, sorted(loose)
    untold = [
        str(path.parent.relative_to(ROOT))
        for path in ROOT.rglob("__init__.py")
        if not ast.get_docstring(ast.parse(path.read_text("utf-8")))
    ]
    assert untold == []


@pytest.mark.parametrize(
    "folder", sorted(path.parent for path in ROOT.glob("*/__init__.py")), ids=lambda f: f.name
)
def test_a_folder_imports_what_its_docstring_says_and_no_more(folder: Path) -> None:
    tree = ast.parse((folder / "__init__.py").read_text("utf-8"))
    words = " ".join((ast.get_docstring(tree) or "").split())
    says = re.search(r"\bImports (everything below|.*?[.;](?= |$))", words)
    assert says, "what may be imported here?"
    named = set(re.findall(r"`(\w+)`", says[0]))
    below = max(map(layer, named or {folder.name})) if "below" in says[0] else -1
    targets = imports(tree).union(*map(imports, parsed(folder).values()))
    imported = {one.split(".")[1] for one in targets if re.match(r"archiver\.(?!__)", one)}
    assert [n for n in imported - named - {folder.name} if layer(n) > below] == []
