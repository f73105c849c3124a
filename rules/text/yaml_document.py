"""YAML parsing that keeps the line and column of every value for error messages."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from rules.text.text_file import read_text

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from rules.errors import PcwatError

MAX_CHARACTERS: Final = 4_000_000  # characters of a YAML file; the shipped books have about 100,000
MAX_DEPTH: Final = 64  # nesting depth; a rule needs 7
MAX_UNCHECKED_CHARACTERS: Final = 10_000  # characters; deeper nesting overflows the stack of the C composer
MAX_VALUES: Final = 100_000  # values of a file with its aliases expanded; the shipped books have about 3,000
MAX_DIGITS: Final = 40  # characters of a number; 17 digits are exact for 64-bit floats
MAX_INTEGER: Final = 2**63 - 1
TAG_PREFIX: Final = "tag:yaml.org,2002:"
TAGS: Final = frozenset({"str", "int", "float", "bool", "null", "map", "seq"})
KEY_TAGS: Final = frozenset({"str", "merge"})


def schema_comment(kind: str) -> str:
    """First line of a YAML file, by which editors find its JSON Schema next to it.

    kind: of file, as in 'recommend rules schema KIND > KIND.schema.json'.

    >>> schema_comment("bundle")
    '# yaml-language-server: $schema=bundle.schema.json'
    """
    return f"# yaml-language-server: $schema={kind}.schema.json"


@dataclass(frozen=True, kw_only=True)
class Document:
    """Parsed YAML.

    source: name of the file in errors. root: returns the node tree that holds the positions. places: LINE:COLUMN of
    paths whose position is known without the node tree.
    """

    source: str
    data: Any
    root: Callable[[], Any]
    places: Mapping[tuple[str | int, ...], str] = field(default_factory=dict)

    def place(self, *path: str | int) -> str:
        """FILE:LINE:COLUMN (from 1) of the key or item at a path, or of its nearest ancestor."""
        if path in self.places:
            return f"{self.source}:{self.places[path]}"
        node, mark = self.root(), None
        for step in path:
            if isinstance(step, int) and node.id == "sequence" and step < len(node.value):
                node = node.value[step]
                mark = node.start_mark
                continue
            pairs = node.value if node.id == "mapping" else []
            found = next(((key, value) for key, value in pairs if key.value == step), None)
            if found is None:
                break
            mark, node = found[0].start_mark, found[1]
        return f"{self.source}:{_line_and_column(mark)}"


def _line_and_column(mark: Any) -> str:  # noqa: ANN401  ruamel.yaml ships no type for marks
    return "1:1" if mark is None else f"{mark.line + 1}:{mark.column + 1}"


def parse(text: str, *, source: str, error: type[PcwatError]) -> Document:
    """Parse YAML 1.2 with text keys and plain values.

    Depth and aliases are limited before values are constructed. Raises error, with file and line, on a syntax error, a
    duplicate key, a tag other than those of plain values, or a value that no book or bundle can contain.
    """
    if len(text) > MAX_CHARACTERS:
        raise error(f"{source} must have at most {MAX_CHARACTERS:,} characters, but has {len(text):,}. Split the file.")
    from ruamel.yaml import YAML  # noqa: PLC0415  takes 12 ms; the shipped books do not need it
    from ruamel.yaml.constructor import DuplicateKeyError  # noqa: PLC0415  as above
    from ruamel.yaml.error import MarkedYAMLError, YAMLError  # noqa: PLC0415  as above

    yaml = YAML(typ="safe")
    try:
        if len(text) > MAX_UNCHECKED_CHARACTERS:
            _check_depth(text, source=source, error=error)
        root = yaml.compose(text)
        if root is not None:
            _check_nodes(root, yaml.constructor, source=source, error=error)
        data = None if root is None else yaml.constructor.construct_document(root)
    except DuplicateKeyError as problem:
        key = str(problem.problem).split('"')[1]
        place = _line_and_column(problem.problem_mark)
        raise error(f"{source}:{place}: duplicate key {key!r}. Keep one of the two.") from None
    except MarkedYAMLError as problem:
        place = _line_and_column(problem.problem_mark or problem.context_mark)
        raise error(f"{source}:{place}: not valid YAML: {problem.problem}.") from None
    except YAMLError as problem:
        reason = str(problem).splitlines()[0].rstrip(".")
        raise error(f"{source}: not valid YAML: {reason}. Remove control characters and save it as UTF-8.") from None
    except (ValueError, TypeError, ArithmeticError) as problem:
        raise error(f"{source}: not valid YAML: {str(problem).splitlines()[0].rstrip('.')}.") from None
    return Document(source=source, data=data, root=lambda: root)


def _check_depth(text: str, *, source: str, error: type[PcwatError]) -> None:
    """Raise error on deep nesting, from the event stream, since the recursive composer would overflow the C stack."""
    from ruamel.yaml import YAML  # noqa: PLC0415  as in parse
    from ruamel.yaml.events import (  # noqa: PLC0415  as in parse
        MappingEndEvent,
        MappingStartEvent,
        SequenceEndEvent,
        SequenceStartEvent,
    )

    depth = 0
    for event in YAML(typ="safe").parse(text):
        if isinstance(event, MappingStartEvent | SequenceStartEvent):
            depth += 1
            if depth > MAX_DEPTH:
                raise _too_deep(event, source=source, error=error)
        elif isinstance(event, MappingEndEvent | SequenceEndEvent):
            depth -= 1


def _too_deep(found: Any, *, source: str, error: type[PcwatError]) -> PcwatError:  # noqa: ANN401  as above
    place = _line_and_column(found.start_mark)
    return error(f"{source}:{place}: the nesting depth must be at most {MAX_DEPTH}. Flatten the file.")


def _check_nodes(root: Any, constructor: Any, *, source: str, error: type[PcwatError]) -> None:  # noqa: ANN401  as above
    """Raise error on deep nesting, recursive or exploding aliases, keys that are not text, and unsupported values."""
    sizes: dict[int, int] = {}
    within: set[int] = set()

    def place(node: Any) -> str:  # noqa: ANN401  as above
        return f"{source}:{_line_and_column(node.start_mark)}"

    def size(node: Any) -> int:  # noqa: ANN401  as above
        if id(node) in within:
            raise error(f"{place(node)}: the value contains its own alias. Replace the alias with the value.")
        if id(node) not in sizes:
            tag = str(node.tag).removeprefix(TAG_PREFIX)
            if tag not in TAGS:
                raise error(
                    f"{place(node)}: the value must be text, a number, true, false, null, a list or a mapping, but its "
                    f"tag is {tag!r}. Put text that looks like a date in quotes."
                )
            if node.id != "scalar" and len(within) >= MAX_DEPTH:
                raise _too_deep(node, source=source, error=error)
            within.add(id(node))
            pairs = node.value if node.id == "mapping" else []
            if key := next((key for key, _ in pairs if str(key.tag).removeprefix(TAG_PREFIX) not in KEY_TAGS), None):
                raise error(f"{place(key)}: a key must be text, but got {_excerpt(key)}. Put it in quotes.")
            below = [value for _, value in pairs] if pairs else node.value if node.id == "sequence" else []
            sizes[id(node)] = 1 + sum(size(value) for value in below)
            within.discard(id(node))
            if tag in {"int", "float", "bool"}:
                _check_scalar(node, constructor, place=place(node), error=error)
        if sizes[id(node)] > MAX_VALUES:
            raise error(f"{place(node)}: with aliases expanded, the file must have at most {MAX_VALUES:,} values.")
        return sizes[id(node)]

    size(root)


def _check_scalar(node: Any, constructor: Any, *, place: str, error: type[PcwatError]) -> None:  # noqa: ANN401  as above
    """Raise error on a scalar that does not match its tag, and on numbers that do not fit 64 bits."""
    text, tag = str(node.value), str(node.tag).removeprefix(TAG_PREFIX)
    if tag != "bool" and len(text) > MAX_DIGITS:
        raise error(f"{place}: a number may have at most {MAX_DIGITS} characters, but got {_excerpt(node)}.")
    try:
        value = constructor.construct_object(node)
    except (ValueError, ArithmeticError, KeyError):
        raise error(f"{place}: {_excerpt(node)} is not a value of the tag {tag!r}. Correct it, or quote it.") from None
    if not math.isfinite(value) or (isinstance(value, int) and abs(value) > MAX_INTEGER):
        raise error(f"{place}: a number must be finite, and a whole one at most {MAX_INTEGER}, but got {text}.")


def _excerpt(node: Any) -> str:  # noqa: ANN401  as above
    """Short form of a node for an error message."""
    if node.id != "scalar":
        return f"a {node.id}"
    text = str(node.value)
    return repr(text) if len(text) <= MAX_DIGITS else f"{text[:MAX_DIGITS]!r} …"


def read(path: Path, *, error: type[PcwatError], source: str = "") -> Document:
    """Read a YAML file; source: its name in errors, by default its path.

    Raises error if the file is missing, not a regular file, unreadable, or not UTF-8.
    """
    return parse(read_text(path, what="YAML", error=error), source=source or str(path), error=error)
