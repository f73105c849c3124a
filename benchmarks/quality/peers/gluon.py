"""AutoGluon: its presets "medium quality" and "best quality", and its network alone.

Names: autogluon, autogluon_best, autogluon_nn.
Environment: `pip install 'autogluon.tabular[lightgbm,catboost,xgboost,fastai]'`, about 5 GB. With "medium quality"
AutoGluon chooses its metric itself, as it does for any user who sets none: accuracy, or the root mean squared error.
With "best quality" it gets the metric that is scored.
"""

from __future__ import annotations

import tempfile

from exchange import Answers, Work, answer

ANSWERING = 8.0  # seconds, kept of its time for loading its models and answering


METRICS = {
    "accuracy": "accuracy",
    "roc_auc": "roc_auc",
    "f1": "f1",
    "rmse": "root_mean_squared_error",
    "mae": "mean_absolute_error",
}


def autogluon(work: Work, *, presets: str = "medium_quality", metric: str | None = None, **only: object) -> Answers:
    from autogluon.tabular import TabularPredictor

    rows = work.features.assign(target=work.target)
    with tempfile.TemporaryDirectory() as folder:
        model = TabularPredictor("target", problem_type=work.task, eval_metric=metric, path=folder, verbosity=0)
        model.fit(rows, time_limit=work.left(ANSWERING), presets=presets, **only)
        prediction = model.predict(work.unseen).to_numpy()
        if not work.is_classification:
            return Answers(prediction)
        probabilities = model.predict_proba(work.unseen)
        return Answers(prediction, probabilities.to_numpy(), probabilities.columns.to_numpy())


def autogluon_nn(work: Work) -> Answers:
    return autogluon(work, hyperparameters={"NN_TORCH": {}})


def autogluon_best(work: Work) -> Answers:
    metric = METRICS[work.metric]
    if work.task == "multiclass" and metric in {"f1", "roc_auc"}:
        metric = {"f1": "f1_macro", "roc_auc": "roc_auc_ovr_macro"}[metric]
    return autogluon(work, presets="best_quality", metric=metric)


if __name__ == "__main__":
    fits = {"autogluon": autogluon, "autogluon_nn": autogluon_nn, "autogluon_best": autogluon_best}
    answer({name: ("autogluon.tabular", fit) for name, fit in fits.items()})
