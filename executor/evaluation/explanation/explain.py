"""Explanation of predictions: the contribution of each column, word, patch or segment of a row."""

from __future__ import annotations

import math
import warnings
from contextlib import nullcontext
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from executor.data.read_rows import read_names
from executor.evaluation.explanation.explanations import Explanations, RowExplanation
from executor.evaluation.explanation.masking import describe_background, kind_of_parts, masking_for
from executor.evaluation.explanation.shapley import check_extra, shap_values
from executor.model.predict import outcome_of
from executor.model.prediction_columns import decide
from executor.model.validate_rows import open_rows, read_new_rows
from recommender.profile.guardrails.images import remarks
from rules.errors import ChoiceError, RunError, did_you_mean
from rules.text.wording import listed
from rules.vocabulary.facts import Task

if TYPE_CHECKING:
    from collections.abc import Callable

    from executor.data.raw_table import RawTable
    from executor.evaluation.explanation.masking import Masking
    from executor.model.signature import Signature
    from recommender.dataset.dataset import Dataset
    from rules.decision.request import Unreadable

VALUES_PER_CALL: Final = 2**22  # of masked rows, 32 MiB
MAX_NAMED: Final = 10  # labels in an error


@dataclass(frozen=True, kw_only=True)
class _Outputs:
    """The explained outputs of a row: their names, and a function from outcomes (rows, outputs) to them."""

    names: tuple[str, ...]
    of: Callable[[np.ndarray], np.ndarray]


def explain(
    compute: Callable[[RawTable], np.ndarray],
    signature: Signature,
    data: object,
    *,
    background: Callable[[], RawTable],
    rows: int | None,
    label: str | None,
    seed: int,
    delimiter: str | None = None,
    table: str | None = None,
    ignore_extra: bool = False,
    unreadable: Unreadable = "refuse",
    say: Callable[[str], None] = warnings.warn,
    progress: Callable[[int, int], None] = lambda _done, _total: None,
) -> Explanations:
    """Explain the predictions of the first rows of a table.

    compute, delimiter, table, ignore_extra, unreadable, say: as of `executor.model.predict.predict`. background:
    function that reads background rows. rows: number of rows to explain; None for all. label: class whose probability
    is explained. progress: called with the number of explained rows and that of all.

    Raises RunError on a forecast and without shap, ChoiceError on an unknown label, and ColumnError as predictions do.
    """
    check_explainable(signature, label)
    opened = open_rows(signature, data, delimiter=delimiter, table=table, unreadable=unreadable)
    with nullcontext(opened) if opened is data else opened as dataset:
        if signature.image is not None:
            dataset.rename_images(signature.image.name)
        ignores = ignore_extra or dataset.format in {"folder", "archive"}
        with dataset.name_failing_columns():
            whole = read_new_rows(signature, dataset, ignore_extra=ignores)
        names = _row_names(signature, dataset)
        source = None if dataset.images is None else dataset.images.source
    for sentence in () if source is None else remarks(source):
        say(sentence)
    some = whole.take(np.arange(len(whole) if rows is None else min(rows, len(whole))))
    others = background()
    kind = kind_of_parts(some)
    mask_row = masking_for(kind, others)
    outcome = outcome_of(compute, some)
    decided = decide(signature, outcome)
    explained: list[RowExplanation] = []
    for at in range(len(some)):
        progress(at, len(some))
        outputs = _explained_outputs(signature, decided[at], label)
        masking = mask_row(some.take(np.array([at])))
        contributions, expected = _explain_row(compute, masking, outputs, seed=seed)
        explained.append(
            RowExplanation(
                row=at + 1,
                name="" if names is None else str(names[at]),
                parts=masking.names,
                values=masking.values,
                outputs=outputs.names,
                prediction=outputs.of(outcome[at : at + 1])[0],
                expected=expected,
                contributions=contributions,
            )
        )
    progress(len(some), len(some))
    return Explanations(
        kind=kind, rows=tuple(explained), total=len(whole), background=describe_background(kind, others), raw=some
    )


def check_explainable(signature: Signature, label: str | None) -> None:
    """Raise RunError or ChoiceError unless predictions of the model can be explained."""
    if signature.task is Task.FORECASTING:
        raise RunError(
            "Predictions of tables, texts, images and sequences can be explained, but the task is forecasting: lags of "
            "other windows do not fit a window. The report shows the importance of each column."
        )
    if label is not None and not signature.labels:
        raise ChoiceError(f"A class can be explained of a model with classes, but the task is {signature.task}.")
    if label is not None and label not in signature.labels:
        raise ChoiceError(
            f"The class to explain must be one of {listed(signature.labels, most=MAX_NAMED)}, but got {label!r}."
            f"{did_you_mean(label, signature.labels)}"
        )
    check_extra()


def _row_names(signature: Signature, dataset: Dataset) -> np.ndarray | None:
    """Name of each row: the file of an image, or the name of a sequence; None without names."""
    if dataset.images is not None and dataset.images.source is not None:
        return np.array(dataset.images.source.files, object)
    return None if signature.sequences is None else read_names(dataset, signature.sequences.by)


def _explained_outputs(signature: Signature, decided: np.ndarray, label: str | None) -> _Outputs:
    """The probability of a class, of each label, or each predicted value.

    Of two classes it is the positive one, of more the predicted one, unless a label is given.
    """
    if signature.task is Task.BINARY:
        positive = 1 if signature.rare_class is None else signature.rare_class
        at = positive if label is None else signature.labels.index(label)
        return _Outputs(
            names=(f"probability of {signature.labels[at]}",), of=lambda outcome: outcome if at else 1 - outcome
        )
    if signature.task is Task.MULTICLASS:
        at = int(decided) if label is None else signature.labels.index(label)
        return _Outputs(names=(f"probability of {signature.labels[at]}",), of=lambda outcome: outcome[:, at : at + 1])
    if signature.task is Task.MULTILABEL:
        return _Outputs(names=tuple(f"probability of {name}" for name in signature.targets), of=lambda outcome: outcome)
    return _Outputs(names=signature.output_names, of=lambda outcome: outcome)


def _explain_row(
    compute: Callable[[RawTable], np.ndarray], masking: Masking, outputs: _Outputs, *, seed: int
) -> tuple[np.ndarray, np.ndarray]:
    """SHAP values of one row and the expected value, from the outputs of many masks in few predictions."""
    parts = len(masking.names)
    one = masking.mask(np.ones((1, parts), bool), np.zeros(1, np.int64))
    at_once = max(1, VALUES_PER_CALL // sum(math.prod(values.shape[1:]) for values in one.features.values()))

    def outputs_of(kept: np.ndarray, others: np.ndarray) -> np.ndarray:
        starts = range(0, len(kept), at_once)
        some = ((kept[start : start + at_once], others[start : start + at_once]) for start in starts)
        return np.concatenate([outputs.of(outcome_of(compute, masking.mask(*own))) for own in some])

    return shap_values(outputs_of, parts=parts, background=masking.background, seed=seed)
