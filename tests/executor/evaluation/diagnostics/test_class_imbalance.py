"""What is done about rare classes stands together, as it was carried out."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from executor.components.threshold import Threshold
from executor.evaluation.diagnostics.class_imbalance import imbalance_choice
from executor.model.calibration.temperature import Temperature
from executor.model.signature import Signature
from rules.vocabulary.choices import BinaryCrossentropy, CategoricalCrossentropy, MseLoss, WeightedCrossentropy
from rules.vocabulary.facts import Task

if TYPE_CHECKING:
    from collections.abc import Callable

    from executor.preprocessing.examples import Parts
    from rules.vocabulary.bundle import Bundle
    from tests.executor.conftest import MakeParts


def signature(task: Task, names: tuple[str, ...], thresholds: tuple[float, ...] = ()) -> Signature:
    is_labels = task is Task.MULTILABEL
    return Signature(
        task=task,
        targets=names if is_labels else ("target",),
        labels=() if is_labels else names,
        levels={},
        columns=(),
        known=(),
        inputs=(),
        rare_class=1 if task is Task.BINARY else None,
        thresholds=tuple(Threshold(value=value, why="tuned") for value in thresholds),
        temperatures=(Temperature(value=1.5, why="fitted"),),
        time_column=None,
        entity_column=None,
        windows=None,
    )


def parts_of(make_parts: MakeParts, target: np.ndarray, task: Task) -> Parts:
    """All rows but the last fifth train; the target's rows repeat, so that the parts are alike."""
    return make_parts(np.zeros((len(target), 1)), target, task=task)


@pytest.fixture
def two_classes(make_parts: MakeParts) -> Parts:
    """Every tenth row is rare: 80 training rows, 8 of them rare."""
    return parts_of(make_parts, (np.arange(100) % 10 == 0).astype(float)[:, None], Task.BINARY)


def test_two_classes_have_a_bias_and_a_threshold(two_classes: Parts, make_bundle: Callable[..., Bundle]) -> None:
    bundle = make_bundle(loss=BinaryCrossentropy(output_bias="log_prior"))
    choice = imbalance_choice(bundle, two_classes, signature(Task.BINARY, ("no", "yes"), (0.3,)))
    assert choice is not None
    assert choice.ratio == 9
    common, rare = choice.classes
    assert (common.name, common.rows, common.threshold) == ("no", 72, None)
    assert (rare.name, rare.rows, rare.weight, rare.threshold) == ("yes", 8, 1, 0.3)
    # Half a row is added to each class: log(8.5 / 72.5).
    assert rare.bias == pytest.approx(np.log(8.5 / 72.5), rel=1e-5)
    assert common.bias == -rare.bias
    for part in (
        "imbalance 9:1",
        "metric accuracy",
        "no class weights",
        "output bias -2.14",
        "calibrated",
        "threshold 0.3",
    ):
        assert part in choice.sentence


def test_class_weights_are_those_of_the_rows(two_classes: Parts, make_bundle: Callable[..., Bundle]) -> None:
    bundle = make_bundle(loss=WeightedCrossentropy(weights="balanced"))
    choice = imbalance_choice(bundle, two_classes, signature(Task.BINARY, ("no", "yes"), (0.5,)))
    assert choice is not None
    assert [one.weight for one in choice.classes] == pytest.approx([80 / 144, 80 / 16])
    assert "class weight 5 for 'yes'" in choice.sentence


def test_each_label_has_its_own_weight_and_threshold(make_parts: MakeParts, make_bundle: Callable[..., Bundle]) -> None:
    rows = np.arange(100)
    target = np.column_stack([rows % 2 == 0, rows % 20 == 0]).astype(float)
    parts = parts_of(make_parts, target, Task.MULTILABEL)
    bundle = make_bundle(loss=WeightedCrossentropy(weights="balanced"))
    choice = imbalance_choice(bundle, parts, signature(Task.MULTILABEL, ("often", "rarely"), (0.5, 0.2)))
    assert choice is not None
    assert choice.ratio == 19
    assert [one.threshold for one in choice.classes] == [0.5, 0.2]
    assert [one.weight for one in choice.classes] == pytest.approx([1, 10])


def test_classes_of_like_size_and_numbers_have_none(make_parts: MakeParts, make_bundle: Callable[..., Bundle]) -> None:
    three = parts_of(make_parts, np.eye(3)[np.arange(90) % 3], Task.MULTICLASS)
    bundle = make_bundle(loss=CategoricalCrossentropy())
    assert imbalance_choice(bundle, three, signature(Task.MULTICLASS, ("a", "b", "c"))) is None
    numbers = parts_of(make_parts, np.ones((50, 1)), Task.REGRESSION)
    assert imbalance_choice(make_bundle(loss=MseLoss()), numbers, signature(Task.REGRESSION, ())) is None
