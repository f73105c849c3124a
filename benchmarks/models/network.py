"""Ablation of the network for tables: the default configuration without one of its components.

    PCWAT_DATASETS=folder python -m benchmarks.models.network [--datasets vehicle airfoil_noise …] [--seeds 4]

Each variant is trained for its planned epochs with several seeds, all in one stack. Its best epoch on the validation
rows is scored on the hold-out; F1 uses the threshold that is best on the hold-out itself. The table shows the error
(RMSE, or 1 - score) of a variant as a multiple of the complete network's, averaged over the seeds: above 1 the
component helps. The last line is the geometric mean over the datasets.
"""

from __future__ import annotations

import argparse
import contextlib
import statistics
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Final
from unittest import mock

from executor.runtime.tensorflow_import import quiet_tensorflow

quiet_tensorflow()

from rich.console import Console  # noqa: E402
from rich.table import Table  # noqa: E402

from benchmarks.catalogue import Encoded, encoded  # noqa: E402
from executor.components.metric import create_metric  # noqa: E402
from executor.model.rebuild import rebuild_networks  # noqa: E402
from executor.networks.build import average_networks  # noqa: E402
from executor.networks.tabular import TABULAR  # noqa: E402
from executor.preprocessing.inputs import TableInputs  # noqa: E402
from executor.search.records.journal import Journal  # noqa: E402
from executor.search.records.proposal import Proposal  # noqa: E402
from executor.search.runners.compiled import compile_outputs  # noqa: E402
from executor.search.runners.feeds.rows import to_device  # noqa: E402
from executor.search.runners.stacked import StackRunner  # noqa: E402
from executor.search.runners.workspace import create_workspace  # noqa: E402
from recommender.training_cost import batch_size, steps_of  # noqa: E402
from rules.vocabulary.choices import AdamW, BinaryCrossentropy  # noqa: E402

if TYPE_CHECKING:
    from collections.abc import Callable

DATASETS: Final = (
    *("vehicle", "contraceptive", "german_credit", "orange_juice", "wine_quality_red_4", "email_spam_openintro"),
    *("titanic", "software_defects_pc1", "page_blocks", "hpc_jobs", "airfoil_noise", "auto_mpg"),
    *("wine_quality_white", "house_prices_ames"),
    *("forbes2000_marketvalue", "power_plant"),
)
WHOLE: Final = "complete"
TINY: Final = 1e-3  # errors below it are taken for it: no ratio of two networks that are both right


def with_optimizer(whole: Encoded, **changed: object) -> Encoded:
    """The job with another rate or schedule."""
    optimizer = whole.bundle.optimizer.model_copy(update=changed)
    return replace(whole, bundle=whole.bundle.model_copy(update={"optimizer": optimizer}))


def without_prior(whole: Encoded) -> Encoded:
    loss = whole.bundle.loss
    if not isinstance(loss, BinaryCrossentropy):
        return whole
    changed = loss.model_copy(update={"output_bias": "zeros"})
    return replace(whole, bundle=whole.bundle.model_copy(update={"loss": changed}))


def without_waves(whole: Encoded) -> Encoded:
    return replace(whole, parts=replace(whole.parts, inputs=replace(whole.parts.inputs_as(TableInputs), numbers=0)))


VARIANTS: Final[dict[str, tuple[Callable[[Encoded], Encoded], dict[str, object]]]] = {
    WHOLE: (lambda whole: whole, {}),
    "robust scaling": (lambda whole: whole, {"executor.layers.quantiles.MAX_RANKED": 0}),
    "no periodic features": (without_waves, {}),
    "no bins": (lambda whole: whole, {"executor.preprocessing.fit.MAX_BIN_CELLS": 0}),
    "no learned scale": (lambda whole: whole, {"executor.networks.tabular.SCALE_RATE_MULTIPLIER": 0.0}),
    "one rate for all layers": (lambda whole: whole, {"executor.search.runners.stacked_graph.adapts": lambda _: False}),
    "constant rate": (lambda whole: with_optimizer(whole, schedule="constant"), {}),
    "rate 0.001": (lambda whole: with_optimizer(whole, learning_rate=0.001), {}),
    "AdamW": (lambda whole: replace(whole, bundle=whole.bundle.model_copy(update={"optimizer": ADAMW})), {}),
    "a third of the steps": (
        lambda whole: whole,
        {"recommender.training_cost.STEPS": 1_000, "recommender.training_cost.EPOCHS": 85},
    ),
    "no dropout": (lambda whole: whole, {"executor.components.configuration.DEFAULT_DROPOUT": 0.0}),
    "no prior bias": (without_prior, {}),
}
"""What changes the job, and what is replaced where it is encoded and trains."""
ADAMW: Final = AdamW(learning_rate=0.0025, schedule="cosine")


def errors(job: Encoded, *, seeds: int) -> list[float]:
    """The error on the hold-out from each seed."""
    metric = create_metric(job.bundle.metric)
    rows = len(job.parts.train)
    epochs = TABULAR.epochs(steps_of(rows, batch_size(rows)))
    with tempfile.TemporaryDirectory() as folder:
        at = create_workspace(job.bundle, job.parts, metric=metric, seed=0, directory=Path(folder))
        Journal(Path(folder))
        proposals = [Proposal(number=number, hyperparameters={}, epochs=epochs) for number in range(seeds)]
        outcomes = StackRunner(at).run(proposals)
        judged = to_device(job.hold_out)
        trials = (rebuild_networks(outcome, job.bundle, job.parts, 0) for outcome in outcomes)
        networks = (average_networks(one) for one in trials)
        scores = [metric.score(compile_outputs(one)(judged), job.hold_out, job.parts) for one in networks]
    return [1 - score if metric.direction == "max" else score for score in scores]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--datasets", nargs="*", default=[*DATASETS])
    parser.add_argument("--seeds", type=int, default=4)
    parser.add_argument("--variants", nargs="*", choices=[*VARIANTS], default=[*VARIANTS])
    given = parser.parse_args()
    variants = [WHOLE, *(name for name in given.variants if name != WHOLE)]
    table = Table("", "P", *variants)
    ratios: dict[str, list[float]] = {name: [] for name in variants}
    for name in given.datasets:
        means: dict[str, float] = {}
        for variant in variants:
            change, replaced = VARIANTS[variant]
            with contextlib.ExitStack() as stack:
                for place, value in replaced.items():
                    stack.enter_context(mock.patch(place, value))
                means[variant] = statistics.mean(errors(change(encoded(name)), seeds=given.seeds))
            ratios[variant].append(max(means[variant], TINY) / max(means[WHOLE], TINY))
        metric = create_metric(encoded(name).bundle.metric).name
        shown = [f"{means[WHOLE]:.4g}", *(f"{ratios[variant][-1]:.3f}" for variant in variants[1:])]
        table.add_row(name, metric, *shown)
        print(name, *shown, flush=True)
    together = [f"{statistics.geometric_mean(ratios[variant]):.3f}" for variant in variants[1:]]
    table.add_row("geometric mean", "", "", *together, style="bold")
    Console(width=200).print(table)


if __name__ == "__main__":
    main()
