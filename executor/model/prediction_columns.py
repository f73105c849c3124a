"""Columns of predictions: labels, probabilities and intervals, with unique names."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np
import pyarrow as pa

from executor.components.metric import apply_thresholds
from executor.data.labels import LabelType
from rules.vocabulary.facts import Task

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from executor.data.raw_table import RawTable
    from executor.model.signature import Signature

ROW, FILE, SERIES, TIME = "row", "file", "series", "time"
"""Columns of predictions.csv that identify a row: its number in the dataset, the file of an image, the series and the
time of the first step of a forecast."""
FIRST_SUFFIX: Final = 2  # of the second column with the same name


@dataclass(frozen=True, kw_only=True)
class Names:
    """Names of the columns of predictions, unique in their table.

    prediction, low, high, truth: one per target, or per output of a forecast. probability: one per class, or per label
    of a multilabel task. quantile: nine per target, by target; none unless requested. set: of the
    prediction sets; none unless requested. changed: names that were taken,
    and their replacements.
    """

    prediction: tuple[str, ...]
    probability: tuple[str, ...] = ()
    low: tuple[str, ...] = ()
    high: tuple[str, ...] = ()
    truth: tuple[str, ...] = ()
    quantile: tuple[str, ...] = ()
    set: tuple[str, ...] = ()
    changed: tuple[tuple[str, str], ...] = ()


def prediction_names(
    signature: Signature,
    *,
    taken: Iterable[str] = (),
    outputs: Sequence[str] | None = None,
    levels: Sequence[float] = (),
    has_sets: bool = False,
) -> Names:
    """Choose the names of the columns of predictions; "_2" or the next free number is appended to taken ones.

    taken: names of other columns of the table. outputs: names of predicted numbers; by default the signature's outputs.
    levels: of the quantiles that have columns. has_sets: whether prediction sets have a column.
    """
    task = signature.task
    if task in {Task.BINARY, Task.MULTICLASS}:
        wanted = {
            "prediction": ["prediction"],
            "probability": [f"probability of {label}" for label in signature.labels],
            "set": ["set"] * has_sets,
            "truth": ["truth"],
        }
    elif task is Task.MULTILABEL:
        wanted = {
            "prediction": [*signature.targets],
            "probability": [f"probability of {target}" for target in signature.targets],
            "truth": [f"truth of {target}" for target in signature.targets],
        }
    else:
        outputs = signature.output_names if outputs is None else outputs
        words = ("prediction", "low", "high", "truth")
        of = [""] if len(outputs) == 1 else [f" of {name}" for name in outputs]
        wanted = {word: [f"{word}{name}" for name in of] for word in words}
        wanted["quantile"] = [f"quantile {level:g}{name}" for name in of for level in levels]
    used, all_wanted = {*taken}, {name for names in wanted.values() for name in names}
    found: dict[str, tuple[str, ...]] = {}
    changed = []
    for word, names in wanted.items():
        own = []
        for name in names:
            free = free_name(name, used, avoid=all_wanted)
            used.add(free)
            own.append(free)
            if free != name:
                changed.append((name, free))
        found[word] = tuple(own)
    return Names(**found, changed=tuple(changed))


def free_name(name: str, taken: Iterable[str], *, avoid: Iterable[str] = ()) -> str:
    """Return the name, or the first of NAME_2, NAME_3, … that is not taken.

    avoid: names that other columns will get.

    >>> free_name("prediction", {"prediction", "prediction_2"})
    'prediction_3'
    """
    used = {*taken}
    if name not in used:
        return name
    used |= {*avoid}
    number = FIRST_SUFFIX
    while f"{name}_{number}" in used:
        number += 1
    return f"{name}_{number}"


def names_in_file(signature: Signature) -> Names:
    """Names of the columns of predictions.csv, besides those that identify a row."""
    places = [ROW]
    if signature.image is not None:
        places.append(FILE)
    if signature.windows is not None:
        places += [SERIES, TIME]
    return prediction_names(signature, taken=places)


def prediction_columns(
    signature: Signature,
    outcome: np.ndarray,
    names: Names,
    *,
    as_text: bool = False,
    spread: np.ndarray | None = None,
    groups: np.ndarray | None = None,
) -> dict[str, np.ndarray | pa.Array]:
    """Create the columns of predictions: labels with probabilities, or values with intervals.

    outcome: (rows, outputs), from `executor.model.keras_file.predict_rows`. as_text: write labels as text, not in their
    own type. spread: (rows, outputs) spread of the windows of a forecast. groups: from `interval_groups`.
    """
    decided = decide(signature, outcome)
    if signature.task in {Task.BINARY, Task.MULTICLASS}:
        shares = class_shares(outcome, signature.task)
        labels = decode_labels(signature, signature.targets[0], decided, as_text=as_text)
        return {names.prediction[0]: labels} | _by_name(names.probability, shares)
    if signature.task is Task.MULTILABEL:
        written = {
            name: decode_labels(signature, target, decided[:, at], as_text=as_text)
            for at, (name, target) in enumerate(zip(names.prediction, signature.targets, strict=True))
        }
        return written | _by_name(names.probability, outcome)
    return _interleave(names, (decided, *_bounds(signature, decided, spread, groups)))


def class_shares(outcome: np.ndarray, task: Task) -> np.ndarray:
    """Probabilities of all classes, (rows, classes), from the outputs of a model with two or more classes."""
    return np.hstack([1 - outcome, outcome]) if task is Task.BINARY else outcome


def set_column(signature: Signature, members: np.ndarray, *, as_text: bool = False) -> pa.Array:
    """Create the column of prediction sets: a list of labels for each row, or the list as JSON text.

    members: (rows, classes) bool, from `ClassSets.sets`.
    """
    rows, classes = np.nonzero(members)
    if not as_text:
        ends = np.concatenate([[0], np.cumsum(members.sum(axis=1))])
        labels = decode_labels(signature, signature.targets[0], classes)
        plain = labels.dictionary_decode() if isinstance(labels, pa.DictionaryArray) else labels
        return pa.ListArray.from_arrays(pa.array(ends, pa.int32()), plain)
    kind = signature.label_types.get(signature.targets[0], LabelType())
    texts = [kind.to_text(label) for label in signature.labels]
    found: list[list[str]] = [[] for _ in members]
    for row, label in zip(rows.tolist(), classes.tolist(), strict=True):
        found[row].append(texts[label])
    return pa.array([json.dumps(own, ensure_ascii=False) for own in found], pa.string())


def decide(signature: Signature, outcome: np.ndarray) -> np.ndarray:
    """Predict classes, labels or values, as `executor.components.metric.apply_thresholds`, with those of a model."""
    return apply_thresholds(
        outcome,
        signature.task,
        thresholds=signature.cuts,
        rare_class=signature.rare_class,
        costs=np.array(signature.costs) if signature.costs else None,
    )


def step_columns(
    signature: Signature, outcome: np.ndarray, names: Names, *, spread: np.ndarray | None = None
) -> dict[str, np.ndarray | pa.Array]:
    """Create the columns of a forecast with a row for each series and step ahead.

    outcome, spread: (series, targets x horizon). names: one for each target; those of quantiles, if any, come last.
    """
    values = [outcome, *_bounds(signature, outcome, spread)]
    columns = _interleave(names, [_by_step(one, signature) for one in values])
    if names.quantile and signature.quantiles is not None:
        quantiles = np.moveaxis(signature.quantiles.values(outcome, spread), 2, 0)
        by_target = np.stack([_by_step(one, signature) for one in quantiles], axis=2)  # (steps, targets, levels)
        columns |= _by_name(names.quantile, by_target.reshape(len(by_target), -1))
    return columns


def _by_step(values: np.ndarray, signature: Signature) -> np.ndarray:
    """Turn (series, targets x horizon) into (series x horizon, targets)."""
    return np.stack([own.ravel() for own in np.hsplit(values, len(signature.targets))], axis=1)


def _interleave(names: Names, values: Sequence[np.ndarray]) -> dict[str, np.ndarray | pa.Array]:
    """Order columns by target: prediction and ends of its interval; values: (rows, targets) each."""
    words = (names.prediction, names.low, names.high)[: len(values)]
    return {own[at]: one[:, at] for at in range(len(names.prediction)) for own, one in zip(words, values, strict=True)}


def decode_labels(
    signature: Signature, target: str, classes: np.ndarray, *, as_text: bool = False
) -> np.ndarray | pa.Array:
    """Decode class indices to labels; classes: (rows,) indices of the target's labels."""
    labels = signature.levels[target] if signature.task is Task.MULTILABEL else signature.labels
    kind = signature.label_types.get(target, LabelType())
    if as_text:
        return np.array([kind.to_text(label) for label in labels], dtype=object)[classes]
    typed = kind.to_arrow(labels)
    if kind.is_categorical:
        return pa.DictionaryArray.from_arrays(pa.array(classes, pa.int32()), typed)
    return typed.take(pa.array(classes, pa.int64()))


def label_positions(signature: Signature, target: str) -> dict[str, int]:
    """Index of each label of a target by its text in predictions.csv, of this and older versions."""
    labels = signature.levels[target] if signature.task is Task.MULTILABEL else signature.labels
    kind = signature.label_types.get(target, LabelType())
    return {text: at for at, label in enumerate(labels) for text in (label, kind.to_text(label))}


def interval_groups(signature: Signature, rows: RawTable) -> np.ndarray | None:
    """Group of each row for its prediction interval, (rows,); None where intervals have no groups."""
    by = "" if signature.intervals is None else signature.intervals.by
    return rows.features[by] if by else None


def _bounds(
    signature: Signature, decided: np.ndarray, spread: np.ndarray | None, groups: np.ndarray | None = None
) -> tuple[np.ndarray, ...]:
    """Lower and upper ends of the prediction intervals; empty without them."""
    if signature.intervals is None or not signature.intervals.half_widths:
        return ()
    low, high = signature.intervals.bounds(decided, spread, groups)
    return low, high


def _by_name(names: Sequence[str], values: np.ndarray) -> dict[str, np.ndarray]:
    return {name: values[:, at] for at, name in enumerate(names)}
