from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from rules.engine import ProvedBook, load_book

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import ModuleType


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


def _neighbour(name: str) -> ModuleType:
    """A module of this folder, which is no package."""
    spec = importlib.util.spec_from_file_location(name, Path(__file__).parent / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module  # dataclasses look their module up
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="session")
def mutations() -> ModuleType:
    return _neighbour("mutations")


@pytest.fixture(scope="session")
def brute_force() -> ModuleType:
    return _neighbour("brute_force")
