"""Measurement of the speed of this machine by a few steps of a network, for `recommend plan --measure`."""

from __future__ import annotations

import tempfile
from pathlib import Path

from executor.components.loss import fit_to_loss
from executor.components.metric import create_metric
from executor.pipeline.prepare import read_and_split
from executor.preprocessing.encode import encode_parts
from executor.preprocessing.fit import fit_preprocessing
from executor.runtime.devices import CPU, configure_tensorflow, use_device
from executor.search.records.proposal import Proposal
from executor.search.round_size import expected_epoch_seconds
from executor.search.runners.stacked import StackRunner
from executor.search.runners.workspace import create_workspace
from recommender.examples import example
from recommender.recommendation.recommend import advise, open_dataset
from recommender.speed.machine_speed import remember_slowdown
from rules.decision.request import Request
from rules.proof.proved_book import load_book


def measure_machine() -> float:
    """Train the networks of an example for less than a second, and remember the speed for later plans.

    Returns the seconds of a step, relative to the cost model.
    """
    configure_tensorflow()
    request = Request(target=("diagnosis",))
    with open_dataset(example("breast_cancer"), request) as dataset, tempfile.TemporaryDirectory() as folder:
        advice = advise(dataset, request, book=load_book())
        bundle, rows = advice.bundle, read_and_split(dataset, advice.roles, advice.bundle, seed=0)
        with use_device(CPU, width=0):
            preprocessing = fit_preprocessing(rows.table, advice.roles, rows.rows.train, bundle.architecture)
            parts = fit_to_loss(encode_parts(rows.table, advice.roles, rows.rows, preprocessing), bundle.loss)
            metric = create_metric(bundle.metric)
            at = create_workspace(bundle, parts, metric=metric, seed=0, directory=Path(folder))
            runner = StackRunner(at, device=CPU, compute=CPU.compute(width=0))
            speed = runner.measure(Proposal(number=0, hyperparameters={}, epochs=1))
            slowdown = speed.epoch_seconds / expected_epoch_seconds(at, parts, {})
    remember_slowdown(slowdown)
    return slowdown
