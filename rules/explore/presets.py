"""Starting points of the page: the configurations of the strategy notes, and the shipped examples."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Literal

from rules.vocabulary.facts import (
    FACTS,
    NOT_APPLICABLE,
    UNMEASURED,
    Facts,
    Measurement,
    Modality,
    Task,
    record_value,
    recorded_value,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from rules.decision.trace import Pin

Group = Literal["dataset", "notes", "examples"]
EXAMPLES_FILE: Final = Path(__file__).parent / "examples.json"
"""Facts of the shipped examples; a test compares them with their measurements."""


@dataclass(frozen=True, kw_only=True)
class Preset:
    """A starting point: facts of a dataset, and the choices that its user pinned."""

    name: str
    """Name in links: lower-case letters, digits and hyphens."""
    title: str
    group: Group
    facts: Facts
    pins: tuple[Pin, ...] = ()
    rare_class: str = ""


def _notes(name: str, title: str, task: Task, **values: str | float) -> Preset:
    """A configuration of the notes. values: facts that differ from a small table."""
    given: dict[str, Any] = {
        "task": task.value, "modality": Modality.TABULAR.value, "rows": 3_000, "features": 20, "missing_share": 0.0,
        "sparsity": 0.0, "mirror_agreement": 0.0, "text_words": 0.0, "outlier_share": 0.0,
        "squared_deviation_top_share": 0.1, "target_skew": 0.0, "trial_budget": 20, "split": "random",
        "effective_row_share": 1.0, "cost_ratio": 1.0, "gradient_flow": UNMEASURED,
    } | values  # fmt: skip
    facts = {
        fact.name: Measurement(value=given[fact.name] if fact.applies_to(task) else NOT_APPLICABLE)
        for fact in FACTS.values()
        if fact.slot is None
    }
    return Preset(name=name, title=title, group="notes", facts=facts)


PRESETS: Final = (
    _notes(
        "classification", "Classification", Task.MULTICLASS, classes=3, imbalance_ratio=1.2, minority_class_rows=900
    ),
    _notes(
        "imbalanced-classification", "Imbalanced classification, 9:1", Task.BINARY,
        classes=2, imbalance_ratio=9.0, minority_class_rows=300,
    ),
    _notes("regression", "Regression", Task.REGRESSION),
    _notes("regression-with-outliers", "Regression with outliers", Task.REGRESSION, outlier_share=0.05),
    _notes(
        "time-series-forecasting", "Time series forecasting", Task.FORECASTING, features=1, split="time",
        series=1, series_length=3_000, season=12, horizon=12, trend_strength=0.5, season_strength=0.6, gap_share=0.0,
    ),
    _notes(
        "image-tasks", "Image tasks, 60,000 balanced images", Task.MULTICLASS, modality="image", rows=60_000,
        features=1, classes=10, imbalance_ratio=1.0, minority_class_rows=6_000, mirror_agreement=0.5,
    ),
)  # fmt: skip
"""The configurations of the strategy notes. The notes contain no numbers; these are typical ones."""


def examples() -> list[Preset]:
    """The shipped examples with their measured facts."""
    return [
        Preset(
            name=one["name"],
            title=one["title"],
            group="examples",
            facts={name: _measurement(value) for name, value in one["facts"].items()},
            rare_class=one["rare_class"],
        )
        for one in json.loads(EXAMPLES_FILE.read_text(encoding="utf-8"))
    ]


def examples_to_json(presets: list[Preset]) -> str:
    """Contents of examples.json."""
    body = [
        {
            "name": preset.name,
            "title": preset.title,
            "rare_class": preset.rare_class,
            "facts": {name: _written(measured) for name, measured in preset.facts.items() if not FACTS[name].slot},
        }
        for preset in presets
    ]
    return json.dumps(body, indent=1, ensure_ascii=False) + "\n"


def _written(measured: Measurement) -> Mapping[str, Any]:
    value = record_value(measured.value)
    return {"value": value} if measured.low is None else {"value": value, "low": measured.low, "high": measured.high}


def _measurement(written: Mapping[str, Any]) -> Measurement:
    return Measurement(value=recorded_value(written["value"]), low=written.get("low"), high=written.get("high"))
