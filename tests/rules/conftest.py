from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from rules.engine import ProvedBook, load_book

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


@pytest.fixture
def write_book(tmp_path: Path) -> Callable[[str], Path]:
    """Write rules, given as YAML without the fields that this test does not look at, to a book's file."""

    def write(*rules: str) -> Path:
        rest = "  name: a-rule\n  because: a reason\n  source: {reason: a test}\n"
        path = tmp_path / "mine.yaml"
        path.write_text("rules:\n" + "".join(f"- {rule}\n{rest}" for rule in rules), encoding="utf-8")
        return path

    return write


@pytest.fixture(scope="session")
def shipped() -> ProvedBook:
    return load_book()


@pytest.fixture(scope="session")
def handbook() -> ProvedBook:
    return load_book(["handbook"])
