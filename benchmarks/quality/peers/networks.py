"""RealMLP and TabM of pytabkit, and CatBoost, each for the metric that is scored: realmlp, tabm, catboost.

Environment: `pip install pytabkit catboost pandas`. A fifth of the rows validates: it stops trees and epochs early, and
sets the decision threshold where F1 is scored. The networks have no time limit of their own: a few epochs are timed,
and the network gets as many as fit, at most its default number, with its schedule laid over them.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from exchange import Answers, Work, answer, word_columns

if TYPE_CHECKING:
    from collections.abc import Callable

    import pandas as pd

SHARE = 0.2  # of the rows that validate
ANSWERING = 4.0  # seconds, kept for answering
TIMED = (1, 3)  # epochs of the trainings that are timed
MOST_EPOCHS = {"realmlp": 256, "tabm": 1_000_000_000}  # pytabkit's defaults
NAMES = {"accuracy": "class_error", "roc_auc": "1-auc_ovr", "f1": "cross_entropy", "rmse": "rmse", "mae": "mae"}
"""pytabkit's name of the metric on the validation rows."""
CATBOOST = {"accuracy": "Accuracy", "roc_auc": "AUC", "rmse": "RMSE", "mae": "MAE"}
"""CatBoost's name of it; for F1 its default, log-loss, which does not stand still as F1 does."""
TREES, PATIENCE = 10_000, 100


@dataclass
class Rows:
    """Rows that train, that validate and that are unseen: words as texts, no number missing."""

    train: pd.DataFrame
    target: np.ndarray
    validation: pd.DataFrame
    truth: np.ndarray
    unseen: pd.DataFrame
    words: list[str]


def divide(work: Work) -> Rows:
    words = word_columns(work.features)
    features, unseen = work.features.copy(), work.unseen.copy()
    for name in features.columns:
        if name in words:
            features[name], unseen[name] = (
                one[name].fillna("").astype(str).astype("category") for one in (features, unseen)
            )
        else:
            middle = features[name].median()
            features[name], unseen[name] = (one[name].fillna(middle).astype("float32") for one in (features, unseen))
    cut = round(SHARE * len(features))  # the rows are shuffled, and rare classes may miss in a fifth
    target = work.target.to_numpy()
    return Rows(
        train=features[cut:], target=target[cut:], validation=features[:cut], truth=target[:cut], unseen=unseen,
        words=words,
    )  # fmt: skip


def answers(model: object, rows: Rows, work: Work) -> Answers:
    """Predictions for the unseen rows; for F1 of two classes with the threshold that is best on the validation rows."""
    if not work.is_classification:
        return Answers(np.asarray(model.predict(rows.unseen)).ravel())
    shares, classes = model.predict_proba(rows.unseen), np.asarray(model.classes_)
    decided = classes[shares.argmax(axis=1)]
    if work.metric == "f1" and work.task == "binary":
        positive = int(rows.target.sum() * 2 <= len(rows.target))  # the rare class
        known = model.predict_proba(rows.validation)[:, positive]
        cuts = np.unique(known)
        scores = [f1(rows.truth == classes[positive], known >= cut) for cut in cuts]
        is_positive = shares[:, positive] >= cuts[int(np.argmax(scores))]
        decided = np.where(is_positive, classes[positive], classes[1 - positive])
    return Answers(decided, shares, classes)


def f1(truth: np.ndarray, decided: np.ndarray) -> float:
    return 2 * (truth & decided).sum() / max(1, truth.sum() + decided.sum())


def network(kind: str, classifier: type, regressor: type, work: Work) -> Answers:
    rows = divide(work)

    def trained(epochs: int) -> object:
        build = classifier if work.is_classification else regressor
        model = build(
            device="cpu", random_state=0, n_threads=2, verbosity=0, n_epochs=epochs, val_metric_name=NAMES[work.metric]
        )
        return model.fit(rows.train, rows.target, X_val=rows.validation, y_val=rows.truth, cat_col_names=rows.words)

    seconds = [timed(lambda epochs=epochs: trained(epochs)) for epochs in TIMED]
    each = max(1e-3, (seconds[1] - seconds[0]) / (TIMED[1] - TIMED[0]))
    fits = int((work.left(ANSWERING) - seconds[0]) / each)
    return answers(trained(max(1, min(fits, MOST_EPOCHS[kind]))), rows, work)


def timed(train: Callable[[], object]) -> float:
    start = time.monotonic()
    train()
    return time.monotonic() - start


def realmlp(work: Work) -> Answers:
    from pytabkit import RealMLP_TD_Classifier, RealMLP_TD_Regressor

    return network("realmlp", RealMLP_TD_Classifier, RealMLP_TD_Regressor, work)


def tabm(work: Work) -> Answers:
    from pytabkit import TabM_D_Classifier, TabM_D_Regressor

    return network("tabm", TabM_D_Classifier, TabM_D_Regressor, work)


def catboost(work: Work) -> Answers:
    from catboost import CatBoostClassifier, CatBoostRegressor

    rows = divide(work)
    until = time.monotonic() + work.left(ANSWERING)

    class Deadline:
        def after_iteration(self, _info: object) -> bool:
            return time.monotonic() < until

    settings = {
        "iterations": TREES,
        "cat_features": rows.words,
        "random_seed": 0,
        "thread_count": 2,
        "verbose": False,
        "allow_writing_files": False,
    }
    if work.is_classification:
        model = CatBoostClassifier(eval_metric=CATBOOST.get(work.metric), **settings)
    else:
        model = CatBoostRegressor(loss_function=CATBOOST[work.metric], **settings)
    model.fit(
        rows.train,
        rows.target,
        eval_set=(rows.validation, rows.truth),
        early_stopping_rounds=PATIENCE,
        callbacks=[Deadline()],
    )
    return answers(model, rows, work)


if __name__ == "__main__":
    answer({"realmlp": ("pytabkit", realmlp), "tabm": ("pytabkit", tabm), "catboost": ("catboost", catboost)})
