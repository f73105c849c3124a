"""Hold-out scores on public texts, compared with logistic regression on TF-IDF, one process per dataset.

    PCWAT_DATASETS=folder python -m benchmarks.quality.texts [--budget 60s] [--architecture NAME …] [NAME …]

TF-IDF has two columns: as the run scores it in a share of the run's time, and fitted without a time limit on all rows
outside the hold-out (words and word pairs that occur in two rows or more, sublinear counts, inverse penalty 10). With
--architecture, the named architectures are trained instead of the one that the rules choose.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click
import numpy as np
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression

from benchmarks.catalogue import catalogue
from benchmarks.quality.tables import trained
from executor.components.metric import Predictions, create_metric
from executor.data.raw_table import Form
from executor.evaluation.scores import TF_IDF
from executor.pipeline.prepare import read_and_split
from recommender.dataset.dataset import Dataset
from recommender.recommendation.trial_budget import seconds
from recommender.roles.infer import infer_roles
from rules.decision.request import Request
from rules.text.numbers import number
from rules.vocabulary.facts import Task

if TYPE_CHECKING:
    from executor.runs.run import Run

TEXTS: Final = ("sentiment_sentences", "election_tweets", "fine_foods", "newsgroups_20")
STRENGTH: Final = 10.0  # the inverse penalty that was the better one on each of them, of 1 and 10
STEPS: Final = 500  # of L-BFGS at most; newsgroups_20 takes 30


@click.command()
@click.argument("names", nargs=-1)
@click.option("--budget", default="60s", show_default=True)
@click.option("--seed", default=0, show_default=True)
@click.option("--architecture", "architectures", multiple=True, metavar="NAME", help="Instead of the rules' choice.")
def main(names: tuple[str, ...], budget: str, seed: int, architectures: tuple[str, ...]) -> None:
    level = judged = 0
    print(f"{'':<22}{'P':<10}{'network':<14}{'ours':>8}{'TF-IDF':>8}{'alone':>8}{'rows':>8}{'trials':>8}{'s':>6}")
    for name in names or TEXTS:
        alone = None
        for architecture in architectures or (None,):
            entry = catalogue()[name]
            pins = () if architecture is None else ("--pin", f"architecture={architecture}", "--reason", "benchmark")
            with tempfile.TemporaryDirectory() as parent:
                folder = Path(parent) / name
                run, took = trained(Path(entry["path"]), [entry["target"]], folder, budget, seed, more=pins)
                network = run.bundle.architecture.name  # read before the directory is gone
            alone = without_a_limit(run, entry, seed=seed) if alone is None else alone
            ours, beside = run.scores.hold_out.value, run.scores.baselines[TF_IDF].value
            late = " OVER BUDGET" if took > seconds(budget) else ""
            shown = "".join(f"{'-' if value is None else number(value):>8}" for value in (ours, beside, alone))
            print(
                f"{name:<22}{run.scores.metric:<10}{network:<14}{shown}{run.scores.rows:>8}{run.summary.trials:>8}"
                f"{took:>6.0f}{late}",
                flush=True,
            )
            if ours is not None:
                judged, level = judged + 1, level + (ours >= alone)
    print(f"at least level with TF-IDF and logistic regression without a limit: {level} of {judged}")


def without_a_limit(run: Run, entry: dict[str, str], *, seed: int) -> float:
    """P on the run's hold-out of logistic regression on TF-IDF of all other rows."""
    with Dataset.open(entry["path"]) as dataset:
        roles = infer_roles(dataset, Request(target=(entry["target"],)))
        given = read_and_split(dataset, roles, run.bundle, seed=seed)
    known = given.table.take(np.union1d(given.rows.train, given.rows.validation))
    asked = given.table.take(given.rows.hold_out)
    (column,) = given.table.of_form(Form.TEXT)
    vectorizer = TfidfVectorizer(ngram_range=(1, 2), min_df=2, sublinear_tf=True)
    features = vectorizer.fit_transform(known.features[column])
    model = LogisticRegression(C=STRENGTH, max_iter=STEPS).fit(features, known.truth)
    shares = model.predict_proba(vectorizer.transform(asked.features[column]))
    decided = model.classes_[shares.argmax(axis=1)]
    metric = create_metric(run.bundle.metric)
    if asked.truth is None or known.truth is None:
        raise ValueError("rows of a benchmark have a truth")
    return metric.of_predictions(
        Predictions(
            task=roles.task,
            truth=asked.truth,
            outcome=shares[:, 1:] if roles.task is Task.BINARY else shares,
            decided=decided,
            rare_class=int(np.argmin(np.bincount(known.truth))) if roles.task is Task.BINARY else None,
        )
    )


if __name__ == "__main__":
    sys.exit(main())
