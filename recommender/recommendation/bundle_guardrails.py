"""Checks of a bundle against the dataset: rows for metric, threshold and tuning, initializer, and transfer."""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING, Final

from recommender.dataset.digest import digest_of
from recommender.profile.characteristic import by_name, measured_number
from recommender.profile.guardrails.rows import MIN_RELIABLE_ROWS
from recommender.profile.known_split import validation_row_share
from rules.decision.record import Guardrail
from rules.errors import ChoiceError
from rules.vocabulary.choices import (
    Accuracy,
    Backbone,
    Bayesian,
    CrossValidation,
    Gru,
    Hyperband,
    Pinball,
    Quantile,
    RandomNormal,
    RandomUniform,
    Relu,
    Tanh,
    cell_initializer,
)
from rules.vocabulary.facts import Task

if TYPE_CHECKING:
    from collections.abc import Iterator

    from recommender.profile.profile import Profile
    from rules.vocabulary.bundle import Bundle
    from rules.vocabulary.choices import Choice

THRESHOLD_ROWS: Final = 50
"""Validation rows needed to tune a threshold (docs/evidence.md 4.5)."""
THRESHOLD_POSITIVES: Final = 30
"""Validation rows of the rare class needed to tune a threshold (docs/evidence.md 4.5; rule P010)."""
HIDDEN_UNITS: Final = (64, 512)
"""Smallest and largest number of units of hidden layers in a search on tables (executor/search/space.py)."""
STABLE_STDDEV: Final = (HIDDEN_UNITS[1] ** -0.5, (2 / HIDDEN_UNITS[0]) ** 0.5)
"""Range of standard deviations of hidden weights, from Xavier for the widest layers to He for the narrowest
(docs/evidence.md#scale-of-random-weights)."""
MEDIAN: Final = 0.5  # level of the quantile that minimizes absolute errors
TIE_ROWS: Final = 1_000
"""Validation rows below which trials of equal accuracy are common (docs/evidence.md 2, P)."""


def check_choices(bundle: Bundle, profile: Profile) -> Iterator[Guardrail]:
    """Check whether the dataset is suitable for the choices of a bundle."""
    measured = by_name(profile.characteristics)
    rows = round(measured_number(measured, "rows"))
    share = validation_row_share(rows, in_folds=isinstance(bundle.validation, CrossValidation))
    selecting = share * rows
    if getattr(bundle.metric, "threshold", "fixed") == "tuned" and profile.task is not Task.MULTICLASS:
        yield _of_threshold(bundle.metric.name, selecting, share, profile)
    if isinstance(bundle.metric, Accuracy):
        yield _of_ties(selecting)
    if isinstance(bundle.loss, Quantile) and bundle.loss.level != MEDIAN:
        yield _of_quantile(bundle.metric, bundle.loss)
    if isinstance(bundle.initializer, RandomNormal | RandomUniform):
        yield _of_random_weights(bundle.initializer)
    if isinstance(bundle.tuner, Bayesian | Hyperband):
        yield _of_tuner(bundle.tuner, rows, selecting)
    if isinstance(bundle.transfer, Backbone):
        yield _of_transfer(bundle.transfer)
    if isinstance(bundle.architecture, Gru) and not isinstance(bundle.activation, Tanh):
        yield _of_cells(bundle)
    yield _of_width(round(measured_number(measured, "features")), rows)


def _of_quantile(metric: Choice, loss: Quantile) -> Guardrail:
    """Check whether trials are compared by the error of the quantile that the network predicts."""
    fits = metric == Pinball(level=loss.level)
    found = f"The network predicts the quantile of level {loss.level:g}, and trials are compared by {metric}"
    return Guardrail(
        name="metric_of_quantile",
        status="passed" if fits else "alerted",
        message=f"{found}."
        if fits
        else f"{found}, which has its best value elsewhere. Use "
        f'--pin "metric={{name: pinball, level: {loss.level:g}}}" --reason REASON.',
    )


def _of_random_weights(initializer: RandomNormal | RandomUniform) -> Guardrail:
    """Check whether a fixed scale of weights is suitable for the widths of hidden layers."""
    stddev = initializer.stddev if isinstance(initializer, RandomNormal) else initializer.limit / math.sqrt(3)
    low, high = STABLE_STDDEV
    unstable = not low <= stddev <= high
    narrow, wide = HIDDEN_UNITS
    found = f"{initializer.name} initializes hidden weights with a standard deviation of {stddev:.3g}"
    kept = f"the range of Xavier and He for layers of {narrow} to {wide} units: {low:.3g} to {high:.3g}"
    effect = "vanish" if stddev < low else "explode"
    return Guardrail(
        name="scale_of_random_weights",
        status="alerted" if unstable else "passed",
        message=(
            f"{found}, outside {kept}. Activations and gradients may {effect} from layer to layer. Use "
            "--pin initializer=he with ReLU or --pin initializer=xavier with tanh."
            if unstable
            else f"{found}, within {kept}."
        ),
        value=stddev,
        threshold=low if stddev < low else high,
        unit="standard deviation",
    )


def _of_transfer(backbone: Backbone) -> Guardrail:
    """Report the pretrained weights. Raises ChoiceError if their file does not exist."""
    name = "transfer"
    if backbone.weights is None:
        message = (
            f"No weights file is given for {backbone.architecture}, and weights are not downloaded, so the network is "
            'trained from scratch. Give a file with --pin "transfer={name: backbone, weights: FILE}".'
        )
        return Guardrail(name=name, status="alerted", message=message)
    path = Path(backbone.weights)
    if not path.is_file():
        raise ChoiceError(
            f"The weights of a backbone must be a file, but there is none at {path}. Give its path, or remove the "
            "weights to train from scratch."
        )
    message = (
        f"{backbone.architecture} with the weights of {path.name} (SHA-256 {digest_of(path)}) extracts features of the "
        "images."
    )
    return Guardrail(name=name, status="done", message=message)


def _of_cells(bundle: Bundle) -> Guardrail:
    """Report the activation of recurrent cells; an alert if the user chose another."""
    return Guardrail(
        name="recurrent_activation",
        status="done" if isinstance(bundle.activation, Relu) else "alerted",
        message=(
            f"Recurrent cells use tanh and the initializer {cell_initializer(bundle.initializer)}; {bundle.activation} "
            "applies only to the layer that combines them with other columns."
        ),
    )


def _of_threshold(metric: str, selecting: float, share: float, profile: Profile) -> Guardrail:
    classes = {target: by_name(found) for target, found in profile.targets.items()}
    target = min(classes, key=lambda name: measured_number(classes[name], "minority_class_rows"))
    rare = share * measured_number(classes[target], "minority_class_rows")
    who = f"whose {target!r} is {classes[target]['rarest_class'].value!r}"
    few_rows, few_rare = selecting < THRESHOLD_ROWS, rare < THRESHOLD_POSITIVES
    if few_rows:
        found = f"about {selecting:,.0f} validation rows (fewer than {THRESHOLD_ROWS})"
    elif few_rare:
        found = f"about {rare:,.0f} validation rows {who} (fewer than {THRESHOLD_POSITIVES})"
    else:
        found = f"about {rare:,.0f} validation rows {who} (at least {THRESHOLD_POSITIVES})"
    few, metric = few_rows or few_rare, "F1" if metric == "f1" else metric
    return Guardrail(
        name="rows_for_threshold",
        status="alerted" if few else "passed",
        message=(
            f"The decision threshold for {metric} is tuned on only {found}, so it is unreliable. Collect more data, or "
            "use a metric without threshold with --pin metric=roc_auc --reason REASON."
            if few
            else f"The decision threshold for {metric} is tuned on {found}."
        ),
        columns=(target,),
        value=selecting if few_rows else rare,
        threshold=THRESHOLD_ROWS if few_rows else THRESHOLD_POSITIVES,
        unit="validation rows" if few_rows else "validation rows of the rare class",
    )


def _of_ties(selecting: float) -> Guardrail:
    few = selecting < TIE_ROWS
    found = f"Accuracy on about {selecting:,.0f} validation rows"
    return Guardrail(
        name="rows_for_accuracy",
        status="done" if few else "passed",
        message=(
            f"{found} (fewer than {TIE_ROWS:,}) often ties; among equal trials the lowest validation loss is selected."
            if few
            else f"{found} distinguishes trials (at least {TIE_ROWS:,})."
        ),
        value=selecting,
        threshold=TIE_ROWS,
        unit="validation rows",
    )


def _of_tuner(tuner: Bayesian | Hyperband, rows: int, selecting: float) -> Guardrail:
    few = rows < MIN_RELIABLE_ROWS
    on = f"trials are compared on about {selecting:,.0f} validation rows"
    return Guardrail(
        name="rows_for_search",
        status="alerted" if few else "passed",
        message=(
            f"{tuner.name.capitalize()} search of {rows:,} rows (fewer than {MIN_RELIABLE_ROWS}): {on}, "
            "mostly by chance. Collect more data, or use few trials with --pin tuner=manual --reason REASON."
            if few
            else f"{tuner.name.capitalize()} search of {rows:,} rows (at least {MIN_RELIABLE_ROWS}): {on}."
        ),
        value=rows,
        threshold=MIN_RELIABLE_ROWS,
        unit="rows",
    )


def _of_width(columns: int, rows: int) -> Guardrail:
    wide = columns > rows
    width = "1 feature" if columns == 1 else f"{columns:,} features"
    return Guardrail(
        name="more_columns_than_rows",
        status="alerted" if wide else "passed",
        message=(
            f"There are more features ({columns:,}) than rows ({rows:,}), so a network can memorise the rows. "
            "Collect more rows, or exclude irrelevant columns."
            if wide
            else f"There are {rows:,} rows for {width}, so not more features than rows."
        ),
        value=columns,
        threshold=rows,
        unit="columns",
    )
