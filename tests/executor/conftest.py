"""Bundles and encoded rows that the tests of the search share."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
import pytest
from sklearn.datasets import load_breast_cancer

from executor.preprocessing.examples import Examples, Parts
from executor.preprocessing.inputs import TableInputs
from rules.vocabulary.bundle import Bundle
from rules.vocabulary.choices import Accuracy, Adam, BinaryCrossentropy, He, MostSensitive, Random, Relu
from rules.vocabulary.facts import Task

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from contextlib import AbstractContextManager


@pytest.fixture
def file_size_limit() -> Callable[[int], AbstractContextManager[None]]:
    """Within the block, no file becomes larger than some bytes: what is written beyond fails, as on a full disk."""
    resource = pytest.importorskip("resource")

    @contextmanager
    def limited(most: int) -> Iterator[None]:
        before = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (most, before[1]))
        try:
            yield
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, before)

    return limited


class MakeParts(Protocol):
    def __call__(
        self,
        dense: np.ndarray,
        target: np.ndarray,
        *,
        task: Task,
        codes: np.ndarray | None = ...,
        vocabulary: int = ...,
    ) -> Parts: ...


@pytest.fixture(scope="session")
def make_bundle() -> Callable[..., Bundle]:
    """A bundle for a binary task with some choices replaced."""

    def make(**choices: Any) -> Bundle:
        bundle = {
            "activation": Relu(),
            "metric": Accuracy(),
            "loss": BinaryCrossentropy(),
            "initializer": He(),
            "optimizer": Adam(schedule="cosine"),
            "hyperparameters": MostSensitive(),
            "tuner": Random(),
        }
        return Bundle.model_validate(bundle | choices)

    return make


def _raw(target: np.ndarray, task: Task) -> np.ndarray:
    if task is Task.BINARY:
        return target[:, 0].astype(np.int64)
    if task is Task.MULTICLASS:
        return target.argmax(axis=1)
    return target.astype(np.int64 if task is Task.MULTILABEL else np.float64)


@pytest.fixture(scope="session")
def make_parts() -> MakeParts:
    """Parts whose first four fifths are training rows and whose rest is validation rows."""

    def make(
        dense: np.ndarray,
        target: np.ndarray,
        *,
        task: Task,
        codes: np.ndarray | None = None,
        vocabulary: int = 0,
        numbers: int = 0,
    ) -> Parts:
        examples = Examples(
            dense=dense.astype(np.float32),
            codes=np.zeros((len(dense), 0), np.int32) if codes is None else codes.astype(np.int32),
            target=target.astype(np.float32),
            offset=np.zeros(target.shape, np.float32),
            raw_target=_raw(target, task),
        )
        cut = len(dense) * 4 // 5
        return Parts(
            task=task,
            train=examples.take(np.arange(cut)),
            validation=examples.take(np.arange(cut, len(dense))),
            vocabulary=vocabulary,
            inputs=TableInputs(numbers=numbers),
            outputs=target.shape[1],
            rare_class=1 if task is Task.BINARY else None,
            target_mean=np.zeros(target.shape[1]),
            target_scale=np.ones(target.shape[1]),
        )

    return make


@pytest.fixture(scope="session")
def breast_cancer(make_parts: MakeParts) -> Parts:
    """569 rows, 30 standardised columns, two classes (scikit-learn's copy of UCI WDBC)."""
    values, classes = load_breast_cancer(return_X_y=True)
    order = np.random.default_rng(0).permutation(len(values))
    values, classes = values[order], classes[order]
    return make_parts((values - values.mean(axis=0)) / values.std(axis=0), classes[:, None], task=Task.BINARY)
