from __future__ import annotations

import importlib.util
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import strategies as st

from recommender.cli.main import main
from rules.proof.proved_book import ProvedBook, load_book
from rules.vocabulary.facts import FACTS, NOT_APPLICABLE, Categories, Measurement, Modality, Task

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


THRESHOLDS = (0, 0.0099, 0.01, 0.5, 1, 1.5, 1.51, 2, 3, 4, 4.01, 9, 12, 16, 30, 60, 189, 190, 50_000)


@st.composite
def _datasets(draw: st.DrawFn) -> dict[str, Measurement]:
    """Random facts that hang together, thresholds and their neighbours included."""
    task = draw(st.sampled_from(list(Task)))
    facts = {"task": Measurement(value=task.value)}
    for fact in FACTS.values():
        if fact.slot is not None or fact.name == "task":
            continue
        if not fact.applies_to(task):
            facts[fact.name] = Measurement(value=NOT_APPLICABLE)
        elif isinstance(fact.domain, Categories):
            allowed = fact.domain.values if task != Task.FORECASTING else (Modality.TABULAR.value, "sequence")
            facts[fact.name] = Measurement(value=draw(st.sampled_from(allowed)))
        else:
            fitting = [value for value in THRESHOLDS if value in fact.domain]
            facts[fact.name] = Measurement(value=draw(st.sampled_from(fitting)))
    return facts


@pytest.fixture(scope="session")
def datasets() -> st.SearchStrategy[dict[str, Measurement]]:
    return _datasets()


@dataclass(frozen=True)
class Ended:
    """How a command ended. words: what it printed, as one line."""

    code: int
    out: str
    err: str

    @property
    def words(self) -> str:
        return " ".join(self.out.split())


@pytest.fixture
def recommend(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> Callable[..., Ended]:
    """Run the command line in a separate folder, on a terminal of 120 columns."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "120")

    def run(*words: object) -> Ended:
        monkeypatch.setattr(sys, "argv", ["recommend", *map(str, words)])
        with pytest.raises(SystemExit) as ended:
            main()
        out, err = capsys.readouterr()
        return Ended(int(ended.value.code or 0), out, err)

    return run


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
