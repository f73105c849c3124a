"""AutoGluon with its preset "medium quality", and its PyTorch network alone: autogluon, autogluon_nn.

Environment: `pip install 'autogluon.tabular[lightgbm,catboost,xgboost,fastai]'`, about 5 GB. AutoGluon chooses its
metric itself, as it does for any user who sets none: accuracy, or the root mean squared error.
"""

from __future__ import annotations

import tempfile

from exchange import Answers, Work, answer

ANSWERING = 8.0  # seconds, kept of its time for loading its models and answering


def autogluon(work: Work, **only: object) -> Answers:
    from autogluon.tabular import TabularPredictor

    rows = work.features.assign(target=work.target)
    with tempfile.TemporaryDirectory() as folder:
        model = TabularPredictor("target", problem_type=work.task, path=folder, verbosity=0)
        model.fit(rows, time_limit=work.left(ANSWERING), presets="medium_quality", **only)
        prediction = model.predict(work.unseen).to_numpy()
        if not work.is_classification:
            return Answers(prediction)
        probabilities = model.predict_proba(work.unseen)
        return Answers(prediction, probabilities.to_numpy(), probabilities.columns.to_numpy())


def autogluon_nn(work: Work) -> Answers:
    return autogluon(work, hyperparameters={"NN_TORCH": {}})


if __name__ == "__main__":
    answer({"autogluon": ("autogluon.tabular", autogluon), "autogluon_nn": ("autogluon.tabular", autogluon_nn)})
