"""Model cards and datasheets of runs of older versions, and the schema of fairness figures."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from executor.runs.report.cards.card import datasheet, model_card
from executor.runs.report.fairness import Fairness
from executor.runs.run import Run

if TYPE_CHECKING:
    from collections.abc import Callable

ROOT = Path(__file__).parents[4]
OLD = ROOT / "tests" / "old_runs"


@pytest.mark.parametrize("kind", sorted(path.name for path in OLD.iterdir() if path.is_dir()))
def test_runs_of_older_versions_have_a_card_and_a_datasheet(kind: str) -> None:
    run = Run(OLD / kind / "run")
    assert "## Evaluation" in model_card(run, form="huggingface")
    assert f"| {run.signature.targets[0]} | target |" in datasheet(run)


def test_the_published_schema_is_that_of_the_fairness_figures(golden: Callable[[Path, str], None]) -> None:
    schema = json.dumps(Fairness.model_json_schema(), indent=2, ensure_ascii=False) + "\n"
    golden(ROOT / "docs" / "deploy" / "fairness.schema.json", schema)
