"""A YAML file whose every value knows its line and column, so that an error can point at it."""

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

    def place(self, *path: str | int) -> str:
        """FILE:LINE:COLUMN, counted from 1, of the key or item at a path, or of its nearest ancestor."""
        node, mark = self.root, None
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
    """Parse YAML 1.2. Raises error, with file and line, on a syntax error, a key given twice, or an unsafe tag."""
    yaml = YAML(typ="safe")
    try:
        root = yaml.compose(text)
        data = None if root is None else yaml.constructor.construct_document(root)
    except DuplicateKeyError as problem:
        key = str(problem.problem).split('"')[1]
        place = _line_and_column(problem.problem_mark)
        raise error(f"{source}:{place}: the key {key!r} stands here a second time. Keep one of the two.") from None
    except MarkedYAMLError as problem:
        place = _line_and_column(problem.problem_mark or problem.context_mark)
        raise error(f"{source}:{place}: not valid YAML: {problem.problem}.") from None
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
