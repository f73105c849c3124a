from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from click.testing import CliRunner

from recommender.cli.main import group
from recommender.examples import example
from recommender.recommendation.recommend import recommend

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from click.testing import Result

CANCER = str(example("breast_cancer"))


@pytest.fixture
def invoke() -> Callable[..., Result]:
    """Run `recommend audit …` and return the result; standard output and error apart."""

    def run(*words: object) -> Result:
        return CliRunner().invoke(group, ["audit", *map(str, words)], terminal_width=200)

    return run


@pytest.fixture
def answer(invoke: Callable[..., Result]) -> Callable[..., Any]:
    """Run `recommend audit … --format json` and read what it says."""

    def run(*words: object) -> Any:
        result = invoke(*words, "--format", "json")
        assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
        return json.loads(result.stdout)

    return run


@pytest.fixture
def write_record(tmp_path: Path) -> Callable[..., Path]:
    """Recommend on some data, as `recommend` is asked, and write the record."""

    def write(data: object, **asked: Any) -> Path:
        path = tmp_path / "record.json"
        path.write_text(recommend(data, **asked).record.to_json(), encoding="utf-8")
        return path

    return write


@pytest.fixture
def cancer_record(write_record: Callable[..., Path]) -> Path:
    """A record on the shipped breast cancer rows: 569 rows, 212 of them malignant."""
    return write_record(CANCER, target="diagnosis", trials=20)
