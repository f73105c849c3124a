"""TF-IDF baseline for texts: a linear model of scikit-learn on TF-IDF of words and bigrams."""

from __future__ import annotations

import re
import sys
from typing import TYPE_CHECKING, Final, TypeAlias
from unicodedata import category

import numpy as np
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import Ridge
from threadpoolctl import threadpool_limits

from executor.components.metric import apply_thresholds, outcome_of
from executor.data.raw_table import Form
from executor.data.row_arrays import evenly_spaced
from executor.evaluation.baselines.baseline import Baseline, create_predictions, has_single_class
from executor.evaluation.scores import TF_IDF
from executor.networks.starts.logistic_start import fit_logistic
from recommender.dataset.writing_systems import SPACELESS
from rules.vocabulary.facts import Task

if TYPE_CHECKING:
    from collections.abc import Callable

    from scipy import sparse

    from executor.components.metric import PerformanceMetric
    from executor.data.raw_table import RawTable
    from executor.preprocessing.examples import Examples, Parts
    from executor.runtime.clock import Clock

MAX_TERMS: Final = 50_000  # the most frequent ones; with 100,000 the accuracy on 20 Newsgroups is 0.9 points higher
MIN_ROWS: Final = 2  # rows with a term; rarer terms do not generalize
SECONDS_PER_CHARACTER: Final = 8.5e-8  # for words; measured on 27 million characters of 20 Newsgroups: 2.3 s
SECONDS_PER_CHARACTER_IN_PAIRS: Final = 3.6e-7  # for words and bigrams: 9.7 s
READING_SHARE: Final = 0.4  # of the time, for encoding texts; the rest is for the fit
MIN_FITTED: Final = 500  # minimum number of training rows, for any length of texts
STRENGTHS: Final = (10.0, 1.0)
"""Inverse penalties of logistic regression, selected on validation rows; the first was better on four public sets."""
PENALTIES: Final = (1.0, 0.1, 10.0)  # of ridge regression; rows of TF-IDF have norm 1

MARKS: Final = re.escape("".join(sign for sign in map(chr, range(sys.maxunicode)) if category(sign)[0] == "M"))
"""Combining marks, such as vowels of Hindi, which Python's character classes do not include."""
LETTERS: Final = rf"[^\W_{SPACELESS}]"
TOKEN: Final = re.compile(rf"[{SPACELESS}]|{LETTERS}+(?:(?![{SPACELESS}])[{MARKS}]{LETTERS}*)*")
ASCII_TOKEN: Final = re.compile("[a-z0-9]+")  # the same for ASCII texts, five times as fast

Predictor: TypeAlias = "Callable[[sparse.csr_matrix, Examples], np.ndarray]"


def split_words(text: str) -> list[str]:
    """Split a text into lower-case words; scripts without spaces into characters.

    >>> split_words("It's 天气 2")
    ['it', 's', '天', '气', '2']
    """
    return (ASCII_TOKEN if text.isascii() else TOKEN).findall(text.lower())


def tf_idf_baseline(
    metric: PerformanceMetric,
    parts: Parts,
    train: RawTable,
    validation: RawTable,
    hold_out: tuple[RawTable, Examples],
    *,
    clock: Clock,
) -> Baseline | None:
    """Fit logistic or ridge regression on TF-IDF of all text columns.

    The validation rows choose the penalty and the decision threshold, then train as well where time allows.
    train, validation, hold_out: raw rows of the parts and the hold-out.
    Long texts are read by words alone; where even that would take more than the limit of the clock, evenly spaced
    training rows are.
    None without a text column, without time, and where a target has a single class.
    """
    if (first := parts.in_first_fold) is not None:
        train, validation = train.take(~first), train.take(first)
    parts = parts.divided()
    if clock.is_over or not train.of_form(Form.TEXT) or has_single_class(parts):
        return None
    asked = [_texts(validation), _texts(hold_out[0])]
    known = _texts(train)
    reads_pairs, rows = _affordable(known, sum(len(text) for texts in asked for text in texts), seconds=clock.limit)
    some = evenly_spaced(len(train), rows)
    vectorizer = TfidfVectorizer(
        tokenizer=split_words,
        token_pattern=None,
        lowercase=False,  # split_words does
        ngram_range=(1, 2 if reads_pairs else 1),
        min_df=MIN_ROWS if rows > MIN_FITTED else 1,
        max_features=MAX_TERMS,
        sublinear_tf=True,
        dtype=np.float32,
    )
    try:
        features = vectorizer.fit_transform([known[row] for row in some])
    except ValueError:  # no text has a word
        return None
    of_validation, of_hold_out = (vectorizer.transform(texts) for texts in asked)
    examples = parts.train.take(some)
    # Thread overhead dominates for models this small.
    with threadpool_limits(1):
        strength, predict, left = _choose_penalty(metric, parts, (features, examples), of_validation, clock=clock)
        predicted = predict(of_validation, parts.validation)
        cuts = tuple(threshold.value for threshold in metric.thresholds(predicted, parts.validation, parts))
        if left:
            both = vectorizer.transform([*(known[row] for row in some), *asked[0]])
            predict = _fit(both, examples.joined(parts.validation), parts, strength, clock=clock)
        outcome = predict(of_hold_out, hold_out[1])
    kind = "logistic" if parts.task.is_classification else "ridge"
    trained = rows + (len(parts.validation) if left else 0)
    return Baseline(
        name=TF_IDF,
        says=f"{kind} regression on {'words and bigrams' if reads_pairs else 'words'} of {trained:,} rows",
        predictions=create_predictions(
            parts,
            hold_out[1],
            outcome,
            apply_thresholds(outcome, parts.task, thresholds=cuts, rare_class=parts.rare_class, costs=parts.costs),
        ),
    )


def _affordable(known: list[str], asked: int, *, seconds: float) -> tuple[bool, int]:
    """Choose whether bigrams are read, and how many training rows; asked: characters of other rows."""
    characters = sum(map(len, known))
    time_to_read = READING_SHARE * seconds
    # Training rows are read twice: for the selection, and again together with the validation rows.
    if (2 * characters + asked) * SECONDS_PER_CHARACTER_IN_PAIRS <= time_to_read:
        return True, len(known)
    left = time_to_read / SECONDS_PER_CHARACTER - asked
    share = min(1.0, max(0.0, left) / max(1, 2 * characters))
    return False, min(len(known), max(MIN_FITTED, round(share * len(known))))


def _texts(table: RawTable) -> list[str]:
    """Concatenate the texts of each row."""
    columns = [table.features[name] for name in table.of_form(Form.TEXT)]
    return ["\n".join(row) for row in zip(*columns, strict=True)]


def _choose_penalty(
    metric: PerformanceMetric,
    parts: Parts,
    known: tuple[sparse.csr_matrix, Examples],
    of_validation: sparse.csr_matrix,
    *,
    clock: Clock,
) -> tuple[float, Predictor, bool]:
    """Select the penalty with the best validation score; returns it, its model, and whether time for a refit is left.

    A further penalty is tried where time suffices for it and a refit.
    """
    best: tuple[float, float, Predictor] | None = None
    longest = 0.0
    for strength in STRENGTHS if parts.task.is_classification else PENALTIES:
        start = clock.now()
        if best is not None and 2 * longest > clock.remaining():
            break
        predict = _fit(*known, parts, strength, clock=clock)
        predicted = predict(of_validation, parts.validation)
        decided = apply_thresholds(predicted, parts.task, costs=parts.costs)
        score = metric.direction.utility(
            metric.of_predictions(create_predictions(parts, parts.validation, predicted, decided))
        )
        if best is None or score > best[0]:
            best = score, strength, predict
        longest = max(longest, clock.now() - start)
    if best is None:
        raise ValueError("a linear model has at least one penalty")
    return best[1], best[2], longest <= clock.remaining()


def _fit(features: sparse.csr_matrix, examples: Examples, parts: Parts, strength: float, *, clock: Clock) -> Predictor:
    """Fit a linear model until a time, as a function from features and examples to the outcome."""
    if not parts.task.is_classification:
        ridge = Ridge(alpha=strength).fit(features, examples.change, examples.weight)
        return lambda rows, asked: outcome_of(
            asked.restored(ridge.predict(rows).reshape(len(asked), parts.outputs)), parts
        )
    truth = examples.raw_target.reshape(len(examples), -1)
    models = [
        fit_logistic(features, column, clock=clock, strength=strength, weights=examples.weight) for column in truth.T
    ]

    def probabilities(rows: sparse.csr_matrix, asked: Examples) -> np.ndarray:
        del asked
        if parts.task is not Task.MULTICLASS:
            return np.column_stack([model.predict_proba(rows)[:, 1] for model in models])
        shares = np.zeros((rows.shape[0], parts.outputs))
        shares[:, models[0].classes_] = models[0].predict_proba(rows)
        return shares

    return probabilities
