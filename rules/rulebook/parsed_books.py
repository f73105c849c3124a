"""Cache of the parsed shipped books in one JSON file, since parsing YAML dominates the start-up time of `recommend`.

rules/book/parsed.json is generated from the YAML files. A file whose bytes differ from the recorded digest is parsed
from YAML again, so an edited book is never read from an old copy.
"""

from __future__ import annotations

import hashlib
import json
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from rules.errors import BookError
from rules.rulebook.rule_file import CONSTRAINTS, DISABLE, RULES
from rules.text import yaml_document as document

if TYPE_CHECKING:
    from collections.abc import Iterable

BOOKS: Final = Path(__file__).parents[1] / "book"
PARSED: Final = BOOKS / "parsed.json"


def read_shipped(path: Path, content: bytes, *, source: str) -> document.Document:
    """Parse one file of a shipped book; source: its name in errors and in parsed.json. Raises BookError."""
    kept = _parsed().get(source)
    if kept is None or kept["sha256"] != _digest(content):
        return document.read(path, error=BookError, source=source)
    return document.Document(
        source=source,
        data=kept["data"],
        root=lambda: document.read(path, error=BookError, source=source).root(),
        places={(key, index): place for key, places in kept["places"].items() for index, place in enumerate(places)},
    )


def to_json(files: Iterable[tuple[str, Path]]) -> str:
    """Contents of parsed.json. files: (source, path) of the shipped books. Raises BookError."""
    parsed = {}
    for source, path in files:
        text = document.read(path, error=BookError, source=source)
        parsed[source] = {
            "sha256": _digest(path.read_bytes()),
            "data": text.data,
            "places": {
                key: [text.place(key, index).removeprefix(f"{source}:") for index in range(len(text.data[key]))]
                for key in (RULES, DISABLE, CONSTRAINTS)
                if key in text.data
            },
        }
    return json.dumps(parsed, ensure_ascii=False, indent=1) + "\n"


@cache
def _parsed() -> dict[str, Any]:
    if not PARSED.exists():
        return {}
    parsed: dict[str, Any] = json.loads(PARSED.read_text(encoding="utf-8"))
    return parsed


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
