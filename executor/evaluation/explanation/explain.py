"""Explanation of predictions: the contribution of each column, word, patch or segment of a row."""

from __future__ import annotations

import math
import warnings
from contextlib import nullcontext
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

import numpy as np

from executor.data.read_rows import read_names
from executor.evaluation.explanation.explanations import Explanations, RowExplanation
from executor.evaluation.explanation.masking import describe_background, kind_of_parts, masking_for
from executor.evaluation.explanation.shapley import check_extra, max_background, shap_values
from executor.model.predict import outcome_of
from executor.model.prediction_columns import decide
from executor.model.validate_rows import open_rows, read_new_rows
from recommender.profile.guardrails.images import remarks
from rules.errors import ChoiceError, RunError, did_you_mean
from rules.text.wording import listed
from rules.vocabulary.facts import Task

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from executor.data.raw_table import RawTable
    from executor.evaluation.explanation.masking import Masking
    from executor.model.signature import Signature
    from recommender.dataset.dataset import Dataset
    from rules.decision.request import Unreadable

VALUES_PER_CALL: Final = 2**22  # of masked rows, 32 MiB
ROWS_TOGETHER: Final = 16  # explained rows whose predictions are computed together
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
    compute_many: Callable[[RawTable], np.ndarray],
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

    compute, delimiter, table, ignore_extra, unreadable, say: as of `executor.model.predict.predict`. compute_many: the
    same function, faster for many rows. background: function that reads background rows. rows: number of rows to
    explain; None for all. label: class whose probability is explained. progress: called with the number of explained
    rows and that of all.

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
    kind = kind_of_parts(some)
    others = background()
    if kind == "column":
        others = others.take(np.arange(min(len(others), max_background(len(others.forms)))))
    mask_row = masking_for(kind, others)
    outcome = outcome_of(compute, some)
    decided = decide(signature, outcome)
    explained: list[RowExplanation] = []
    progress(0, len(some))
    for start in range(0, len(some), ROWS_TOGETHER):
        numbers = range(start, min(start + ROWS_TOGETHER, len(some)))
        maskings = [mask_row(some.take(np.array([at]))) for at in numbers]
        outputs = [_explained_outputs(signature, decided[at], label) for at in numbers]
        predictions = [own.of(outcome[at : at + 1])[0] for at, own in zip(numbers, outputs, strict=True)]
        contributions, expected = _explain_rows(compute_many, maskings, outputs, predictions, seed=seed)
        explained += [
            RowExplanation(
                row=at + 1,
                name="" if names is None else str(names[at]),
                parts=maskings[place].names,
                values=maskings[place].values,
                outputs=outputs[place].names,
                prediction=predictions[place],
                expected=expected[place],
                contributions=contributions[place],
            )
            for place, at in enumerate(numbers)
        ]
        progress(len(explained), len(some))
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


def _explain_rows(
    compute: Callable[[RawTable], np.ndarray],
    maskings: Sequence[Masking],
    outputs: Sequence[_Outputs],
    predictions: Sequence[np.ndarray],
    *,
    seed: int,
) -> tuple[list[np.ndarray], list[np.ndarray]]:
    """SHAP values of each row and its expected value. Rows with equally many parts have the same masks.

    predictions: outputs of each row without masks, (outputs,).
    """
    values: list[np.ndarray] = [np.empty(0)] * len(maskings)
    expected = [*values]
    counts = [len(masking.names) for masking in maskings]
    for parts in sorted({*counts}):
        rows = [row for row, count in enumerate(counts) if count == parts]

        def outputs_of(kept: np.ndarray, others: np.ndarray, rows: list[int] = rows) -> np.ndarray:
            outcome = _outcomes(compute, [maskings[row] for row in rows], kept, others)
            found = [outputs[row].of(own) for row, own in zip(rows, outcome, strict=True)]
            for own, row in zip(found, rows, strict=True):
                own[kept.all(axis=1)] = predictions[row]  # to the bit, so that the values add up
            return np.hstack(found)

        background = maskings[rows[0]].background
        together, means = shap_values(outputs_of, parts=parts, background=background, seed=seed)
        ends = np.cumsum([len(outputs[row].names) for row in rows])[:-1]
        for row, own, mean in zip(rows, np.split(together, ends, axis=1), np.split(means, ends), strict=True):
            values[row], expected[row] = own, mean
    return values, expected


def _outcomes(
    compute: Callable[[RawTable], np.ndarray], maskings: Sequence[Masking], kept: np.ndarray, others: np.ndarray
) -> np.ndarray:
    """Outputs of the model for all masks of each row, (rows, masks, outputs), in as few calls as memory allows."""
    one = maskings[0].mask(kept[:1], others[:1])
    at_once = max(1, VALUES_PER_CALL // sum(math.prod(values.shape[1:]) for values in one.features.values()))
    found = []
    for start in range(0, len(maskings) * len(kept), at_once):
        asked = np.arange(start, min(start + at_once, len(maskings) * len(kept)))
        rows, masks = np.divmod(asked, len(kept))
        some = [maskings[row].mask(kept[own], others[own]) for row in np.unique(rows) for own in [masks[rows == row]]]
        found.append(outcome_of(compute, _stack(some)))
    return np.concatenate(found).reshape(len(maskings), len(kept), -1)


def _stack(tables: Sequence[RawTable]) -> RawTable:
    """Rows of several tables with the same columns."""
    features = {name: np.concatenate([table.features[name] for table in tables]) for name in tables[0].features}
    return replace(tables[0], features=features, rows=np.concatenate([table.rows for table in tables]))
