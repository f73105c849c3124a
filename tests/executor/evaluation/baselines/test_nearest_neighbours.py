"""The nearest images as a baseline."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

import numpy as np
import pytest

from executor.components.metric import create_metric
from executor.data.images import ImageArray
from executor.evaluation.baselines.nearest_neighbours import neighbours_baseline
from executor.layers.pixels import Pixels
from executor.preprocessing.encoded_images import EncodedImages
from executor.preprocessing.inputs import ImageInputs
from rules.vocabulary.choices import Accuracy, Rmse
from rules.vocabulary.facts import Task

if TYPE_CHECKING:
    from collections.abc import Callable

    from executor.preprocessing.examples import Examples, Parts
    from tests.executor.conftest import MakeParts

ROWS = 100


@pytest.fixture
def of_pictures(make_parts: MakeParts) -> Callable[..., tuple[Parts, Examples]]:
    """A hundred noisy images that are dark or bright, and what is to be told of them; twenty validate, and judge."""

    def make(target: np.ndarray, task: Task) -> tuple[Parts, Examples]:
        random = np.random.default_rng(0)
        bright = np.arange(ROWS) % 2
        pixels = (random.integers(0, 100, (ROWS, 4, 4, 1)) + 150 * bright[:, None, None, None]).astype(np.uint8)
        pictures = ImageArray(pixels)
        layer = Pixels(shape=[4, 4, 1], mean=[125.0], scale=[80.0])
        parts = make_parts(np.zeros((ROWS, 16)), target, task=task)
        train = dataclasses.replace(parts.train, dense=EncodedImages(pictures[: ROWS * 4 // 5], layer))
        validation = dataclasses.replace(parts.validation, dense=EncodedImages(pictures[ROWS * 4 // 5 :], layer))
        parts = dataclasses.replace(
            parts, train=train, validation=validation, inputs=ImageInputs(shape=(4, 4, 1), mean=(0.0,), scale=(1.0,))
        )
        return parts, validation

    return make


def test_near_images_tell_the_class(of_pictures: Callable[..., tuple[Parts, Examples]]) -> None:
    parts, hold_out = of_pictures((np.arange(ROWS) % 2)[:, None], Task.BINARY)
    metric = create_metric(Accuracy())
    found = neighbours_baseline(metric, parts, hold_out, seconds=60)
    assert found is not None
    assert metric.of_predictions(found.predictions) == 1
    assert found.says == "mean target of the nearest of 80 training images"  # of equally good counts the first


def test_near_images_tell_a_number_in_its_own_unit(of_pictures: Callable[..., tuple[Parts, Examples]]) -> None:
    parts, hold_out = of_pictures(np.where(np.arange(ROWS) % 2, 10.0, -10.0)[:, None], Task.REGRESSION)
    found = neighbours_baseline(create_metric(Rmse()), parts, hold_out, seconds=60)
    assert found is not None
    np.testing.assert_allclose(found.predictions.outcome, hold_out.raw_target)


def test_rows_that_are_no_images_have_no_such_neighbours(breast_cancer: Parts) -> None:
    metric = create_metric(Accuracy())
    assert neighbours_baseline(metric, breast_cancer, breast_cancer.validation, seconds=60) is None
