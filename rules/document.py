"""A YAML file whose every value knows its line, so that an error can point at it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ruamel.yaml import YAML
from ruamel.yaml.constructor import DuplicateKeyError
from ruamel.yaml.error import MarkedYAMLError

if TYPE_CHECKING:
    from pathlib import Path

    from rules.errors import PcwatError


@dataclass(frozen=True, kw_only=True)
class Document:
    """Parsed YAML. source: how errors name the file; root: the node tree that holds the positions."""

    source: str
    data: Any
    root: Any

    def line(self, *path: str | int) -> int:
        """The line, counted from 1, of the value at a path of keys and indices, or of its nearest ancestor."""
        node, line = self.root, 1
        for step in path:
            if isinstance(step, int) and node.id == "sequence" and step < len(node.value):
                node = node.value[step]
                line = node.start_mark.line + 1
                continue
            pairs = node.value if node.id == "mapping" else []
            found = next(((key, value) for key, value in pairs if key.value == step), None)
            if found is None:
                break
            line, node = found[0].start_mark.line + 1, found[1]
        return line

    def place(self, *path: str | int) -> str:
        return f"{self.source}:{self.line(*path)}"


def parse(text: str, *, source: str, error: type[PcwatError]) -> Document:
    """Parse YAML 1.2. Raises error, with file and line, on a syntax error, a key given twice, or an unsafe tag."""
    yaml = YAML(typ="safe")
    try:
        root = yaml.compose(text)
        data = None if root is None else yaml.constructor.construct_document(root)
    except DuplicateKeyError as problem:
        key = str(problem.problem).split('"')[1]
        line = problem.problem_mark.line + 1
        raise error(f"{source}:{line}: the key {key!r} stands here a second time. Keep one of the two.") from None
    except MarkedYAMLError as problem:
        mark = problem.problem_mark or problem.context_mark
        raise error(f"{source}:{mark.line + 1 if mark else 1}: not valid YAML: {problem.problem}.") from None
    return Document(source=source, data=data, root=root)


def read(path: Path, *, error: type[PcwatError], source: str = "") -> Document:
    """Read a YAML file; source: its name in errors, by default its path.

    Raises error where the file is missing, a folder, or not UTF-8.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise error(f"There is no file {path}. Give the path of an existing YAML file.") from None
    except (IsADirectoryError, UnicodeDecodeError):
        raise error(f"{path} is not a YAML text file in UTF-8.") from None
    return parse(text, source=source or str(path), error=error)
