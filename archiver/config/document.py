"""YAML text -> sections of named scalars, each of which knows its line (pure).

Only the part of YAML that a configuration needs is admitted: mappings, lists and scalars, no deeper
than seven levels. Anchors, aliases and tags are refused, so a small file cannot grow into a large
value. Scalars are kept as text and read by the parser of their key: YAML's own guesses (`1:30` is
90, `no` is false) never apply.

`${NAME}` is replaced after parsing, so a value of the environment can never be read as YAML. An
error shows a scalar as it stands in the file, before any replacement.

A reader that is to report every error of a file at once gives its `Source` a list: errors are
collected there, and the default stands in for the value. Otherwise the first error is raised.
"""

import difflib
import math
import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any, TypeVar

import yaml
from msgspec import Struct
from yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from archiver.errors import ConfigError

T = TypeVar("T")

_MOST_CHARACTERS = 256 * 1024
_MOST_LEVELS = 7
_NOTHING = frozenset({"", "~", "null"})
_VARIABLE = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)\}")


class Source(Struct, frozen=True):
    """The file as errors name it, and the environment that `${NAME}` is taken from."""

    name: str
    environ: Mapping[str, str]
    errors: list[ConfigError] | None = None
    """Where errors are collected; None raises the first."""

    def error(self, line: int | None, message: str, hint: str = "") -> ConfigError:
        """A ConfigError that begins with the file and the line."""
        place = self.name if line is None else f"{self.name}, line {line}"
        return ConfigError(f"{place}: {message}", hint=hint or f"correct {self.name}", line=line)

    def report(self, error: ConfigError) -> None:
        """Collect the error, or raise it."""
        if self.errors is None:
            raise error
        self.errors.append(error)

    def raise_errors(self) -> None:
        """Raise what was collected as one error, in the order of the lines."""
        if self.errors:
            first, *others = sorted(self.errors, key=_line_of)
            first.others = tuple(others)
            raise first


class Section:
    """One mapping of the file. Unknown and repeated keys are refused when it is made.

    `known` maps the full name of every section to its keys, so that the error about a key in
    the wrong section can name the right one.
    """

    def __init__(
        self, source: Source, path: str, node: Node | None, known: Mapping[str, Iterable[str]]
    ) -> None:
        self.source = source
        self._path = path
        self._known = known
        self._nodes: dict[str, Node] = {}
        self._sections: dict[str, Section] = {}
        self._refused: set[str] = set()
        self._line = None if node is None else _line(node)
        self._is_readable = node is None or _is_nothing(node) or isinstance(node, MappingNode)
        if isinstance(node, MappingNode):
            for key, value in node.value:
                self._add(key, value)
        elif node is not None and not self._is_readable:
            what = path or "the file"
            message = f"{what} must be a set of keys, not {_kind(node)}"
            source.report(source.error(_line(node), message))

    def _add(self, key: Node, value: Node) -> None:
        if not isinstance(key, ScalarNode):
            self.source.report(self.source.error(_line(key), "a key must be plain text"))
        elif key.value not in self._known[self._path]:
            self.source.report(self._unknown(key))
        elif key.value in self._nodes:
            first = _line(self._nodes[key.value])
            message = f"duplicate key {self.full(key.value)} (first in line {first})"
            self.source.report(self.source.error(_line(key), message))
        else:
            self._nodes[key.value] = value

    def _unknown(self, key: ScalarNode) -> ConfigError:
        names = list(self._known[self._path])
        near = difflib.get_close_matches(key.value.lower(), names, n=1, cutoff=0.5)
        elsewhere = [
            f"{path}.{key.value}" for path, keys in self._known.items() if key.value in keys
        ]
        if elsewhere:
            hint = f"did you mean {elsewhere[0].lstrip('.')}?"
        elif near:
            hint = f"did you mean {self.full(near[0])}?"
        else:
            hint = f"known keys: {', '.join(sorted(names))}"
        return self.source.error(_line(key), f"unknown key {self.full(_cut(key.value))}", hint)

    def full(self, key: str) -> str:
        """The key as people name it: `download.workers`."""
        return f"{self._path}.{key}" if self._path else key

    def section(self, key: str) -> "Section":
        """The mapping under `key`; empty where the file has none."""
        if key not in self._sections:
            node = self._nodes.get(key)
            self._sections[key] = Section(self.source, self.full(key), node, self._known)
        return self._sections[key]

    def sections(self, key: str) -> "list[Section]":
        """The mappings in the list under `key`; none where the file has no such list."""
        node = self._nodes.get(key)
        if node is None or _is_nothing(node):
            return []
        if not isinstance(node, SequenceNode):
            self.refuse(key, f"must be a list, not {_kind(node)}")
            return []
        return [Section(self.source, self.full(key), item, self._known) for item in node.value]

    def is_mapping(self, key: str) -> bool:
        """Whether a mapping stands under `key`."""
        return isinstance(self._nodes.get(key), MappingNode)

    def has(self, key: str) -> bool:
        """Whether the file gives the key a value."""
        node = self._nodes.get(key)
        return node is not None and not _is_nothing(node)

    def written(self, key: str) -> str | None:
        """The scalar as it stands in the file, nothing replaced; None where there is no scalar."""
        node = self._nodes.get(key)
        return node.value if isinstance(node, ScalarNode) and not _is_nothing(node) else None

    def lacks_variable(self, key: str) -> bool:
        """Whether the scalar needs a variable that the environment does not have."""
        named = _VARIABLE.findall(self.written(key) or "")
        return any(name not in self.source.environ for name in named)

    def error(self, key: str, message: str, hint: str = "") -> ConfigError:
        """A ConfigError about the key, with its line, or that of the section which lacks it."""
        node = self._nodes.get(key)
        line = self._line if node is None else _line(node)
        return self.source.error(line, f"{self.full(key)} {message}", hint)

    def refuse(self, key: str, message: str, hint: str = "", *, beside: Iterable[str] = ()) -> None:
        """Report what is wrong with the key, once.

        `beside` names other keys that the check has read. Nothing is reported where one of them
        was refused itself, for its value is not known then.
        """
        self.report(key, self.error(key, message, hint), beside=beside)

    def is_refused(self, key: str) -> bool:
        """Whether the value of the key was refused, and the default stands in for it."""
        return not self._is_readable or key in self._refused

    def report(self, key: str, error: ConfigError, *, beside: Iterable[str] = ()) -> None:
        """The same for an error that was made elsewhere."""
        if self._is_readable and self._refused.isdisjoint((key, *beside)):
            self._refused.add(key)
            self.source.report(error)

    def value(self, key: str, parse: Callable[[str], T], default: T, *, private: bool = False) -> T:
        """One scalar, parsed; the default where it is refused. `private` keeps it out of the error
        message."""
        if not self.has(key):
            return default
        node = self._nodes[key]
        try:
            if not isinstance(node, ScalarNode):
                raise self.error(key, f"must be one value, not {_kind(node)}")
            return self._parsed(key, node, parse, private=private)
        except ConfigError as error:
            self.report(key, error)
            return default

    def values(
        self,
        key: str,
        parse: Callable[[str], T],
        default: tuple[T, ...],
        *,
        private: bool = False,
    ) -> tuple[T, ...]:
        """A list of scalars, each parsed as in `value`; a single scalar is a list of one."""
        if not self.has(key):
            return default
        node = self._nodes[key]
        items: list[Node] = node.value if isinstance(node, SequenceNode) else [node]
        try:
            return tuple(self._parsed(key, item, parse, private=private) for item in items)
        except ConfigError as error:
            self.report(key, error)
            return default

    def _parsed(
        self, key: str, node: Node, parse: Callable[[str], T], *, private: bool = False
    ) -> T:
        if not isinstance(node, ScalarNode):
            message = f"{self.full(key)} must be a list of single values"
            raise self.source.error(_line(node), message)
        text = self._replaced(key, node)
        try:
            return parse(text)
        except ValueError as error:
            shown = "" if private else f", not {_cut(node.value)!r}"
            raise self.source.error(_line(node), f"{self.full(key)} {error}{shown}") from None

    def _replaced(self, key: str, node: ScalarNode) -> str:
        def of_environment(match: re.Match[str]) -> str:
            value = self.source.environ.get(match[1])
            if value is None:
                raise self.source.error(
                    _line(node),
                    f"{self.full(key)} needs the environment variable {match[1]}, which is not set",
                    f"export {match[1]}, or write the value into {self.source.name}",
                )
            return value

        if "${" in _VARIABLE.sub("", node.value):
            raise self.source.error(
                _line(node), f"{self.full(key)} contains a ${{ that is not of the form ${{NAME}}"
            )
        return _VARIABLE.sub(of_environment, node.value)


def parse_document(source: Source, text: str, known: Mapping[str, Iterable[str]]) -> Section:
    """The whole file as its outermost section; ConfigError for whatever is no admitted YAML."""
    if len(text) > _MOST_CHARACTERS:
        raise source.error(
            None,
            f"the file is larger than {_MOST_CHARACTERS // 1024} KiB",
            "put long lists of leads in a separate file and set its path in scope.leads",
        )
    try:
        root = _Loader(text, source).get_single_node()
    except yaml.reader.ReaderError as error:
        line = text.count("\n", 0, error.position) + 1
        raise source.error(line, "contains a character that YAML does not allow") from None
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        raise source.error(mark.line + 1 if mark else None, _plain(error)) from None
    except yaml.YAMLError:
        raise source.error(None, "is not valid YAML") from None
    return Section(source, "", root, known)


class _Loader(yaml.BaseLoader):
    """Composes nodes, and refuses what a configuration has no use for."""

    def __init__(self, text: str, source: Source) -> None:
        super().__init__(text)
        self._source = source
        self._levels = 0

    def compose_node(self, parent: Node | None, index: Any) -> Node | None:
        event = self.peek_event()  # type: ignore[no-untyped-call]
        line = event.start_mark.line + 1
        if isinstance(event, yaml.AliasEvent) or event.anchor is not None:
            raise self._source.error(line, "anchors (&) and aliases (*) are not allowed")
        if getattr(event, "tag", None) is not None:
            raise self._source.error(line, "tags (!) are not allowed")
        if self._levels == _MOST_LEVELS:
            raise self._source.error(line, f"is nested deeper than {_MOST_LEVELS} levels")
        self._levels += 1
        node = super().compose_node(parent, index)
        self._levels -= 1
        return node


def _plain(error: yaml.MarkedYAMLError) -> str:
    """The loader's words, without those that may quote a value of the file."""
    problem = error.problem or "is not valid YAML"
    if "\\t" in problem:
        return "tabs are not allowed: indent with spaces"
    if "tag" in problem:
        return "tags (!) are not allowed"
    return f"is not valid YAML: {problem}"


def _line(node: Node) -> int:
    return node.start_mark.line + 1


def _line_of(error: ConfigError) -> float:
    return math.inf if error.line is None else error.line


def _is_nothing(node: Node) -> bool:
    return isinstance(node, ScalarNode) and node.style is None and node.value.lower() in _NOTHING


def _kind(node: Node) -> str:
    if isinstance(node, MappingNode):
        return "a set of keys"
    return "a list" if isinstance(node, SequenceNode) else "a single value"


def _cut(text: str) -> str:
    return text if len(text) <= 60 else f"{text[:57]}..."
