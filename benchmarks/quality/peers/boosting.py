"""Gradient boosting, FLAML, and scikit-learn's network: hgb, lightgbm, flaml, skmlp.

Environment: `pip install 'flaml[automl]' lightgbm scikit-learn pandas`. Only FLAML has a time limit.
All run with their defaults except the network, whose defaults are weak on tables: it gets scaled numbers, one-hot
categories, two layers of 128 units and early stopping.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
from exchange import Answers, Work, answer, answers_of, with_codes, word_columns

MAX_LEVELS = 255  # of HistGradientBoosting's categories
ANSWERING = 3.0  # seconds, kept of FLAML's time


def with_categories(work: Work) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Words as pandas' categories, which boosters read; as ordinal codes where there are too many of them."""
    features, unseen = with_codes(work)
    for name in word_columns(work.features):
        levels = pd.Categorical(work.features[name]).categories
        if len(levels) <= MAX_LEVELS:
            features[name] = pd.Categorical(work.features[name], categories=levels)
            unseen[name] = pd.Categorical(work.unseen[name], categories=levels)
    return features, unseen


def hgb(work: Work) -> Answers:
    from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor

    features, unseen = with_categories(work)
    kind = HistGradientBoostingClassifier if work.is_classification else HistGradientBoostingRegressor
    return answers_of(kind(random_state=0).fit(features, work.target), work, unseen)


def lightgbm(work: Work) -> Answers:
    from lightgbm import LGBMClassifier, LGBMRegressor

    features, unseen = with_categories(work)
    kind = LGBMClassifier if work.is_classification else LGBMRegressor
    return answers_of(kind(verbose=-1, random_state=0).fit(features, work.target), work, unseen)


def flaml(work: Work) -> Answers:
    from flaml import AutoML

    model = AutoML()
    task = "classification" if work.is_classification else "regression"
    seconds = work.left(ANSWERING)
    model.fit(work.features, work.target, task=task, time_budget=seconds, n_jobs=-1, seed=0, verbose=0)
    return answers_of(model, work, work.unseen)


def skmlp(work: Work) -> Answers:
    from sklearn.compose import TransformedTargetRegressor, make_column_transformer
    from sklearn.impute import SimpleImputer
    from sklearn.neural_network import MLPClassifier, MLPRegressor
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import OneHotEncoder, StandardScaler

    words = word_columns(work.features)
    numbers = [name for name in work.features.columns if name not in words]
    columns = make_column_transformer(
        (make_pipeline(SimpleImputer(), StandardScaler()), numbers),
        (OneHotEncoder(handle_unknown="infrequent_if_exist", max_categories=50, sparse_output=False), words),
    )
    shape = {"hidden_layer_sizes": (128, 128), "early_stopping": True, "max_iter": 300, "random_state": 0}
    if work.is_classification:
        model = make_pipeline(columns, MLPClassifier(**shape))
    else:
        model = make_pipeline(columns, TransformedTargetRegressor(MLPRegressor(**shape), transformer=StandardScaler()))
    return answers_of(model.fit(work.features, np.asarray(work.target)), work, work.unseen)


if __name__ == "__main__":
    answer(
        {
            "hgb": ("scikit-learn", hgb),
            "lightgbm": ("lightgbm", lightgbm),
            "flaml": ("FLAML", flaml),
            "skmlp": ("scikit-learn", skmlp),
        }
    )
