"""Batches that two devices share, stacks on two devices, and their measured speed; the devices are virtual ones."""

from __future__ import annotations

import json

import pytest

from tests.executor.runtime.processes import run_script

SCRIPT = """
import json, tempfile
from contextlib import nullcontext
from pathlib import Path

from executor.runtime.tensorflow_import import quiet_tensorflow

quiet_tensorflow()
import tensorflow as tf

cpu = tf.config.list_physical_devices("CPU")[0]
tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * 2)

import numpy as np

from executor.components.metric import create_metric
from executor.components.optimizer import create_optimizer
from executor.components.configuration import configuration
from executor.networks.build import build_network
from executor.preprocessing.examples import Examples, Parts
from executor.preprocessing.inputs import TableInputs
from executor.runtime.budget import Budget
from executor.runtime.clock import Clock
from executor.runtime.devices import Device, use_device
from executor.runtime.replicas import Replicas
from executor.search.choose_devices import Search, measure_devices
from executor.search.create_runner import create_runner
from executor.search.records.proposal import Proposal
from executor.search.records.weights import WEIGHTS
from executor.search.runners.compiled import compile_step
from executor.search.runners.workspace import create_workspace
from rules.vocabulary.bundle import Bundle
from rules.vocabulary.choices import Accuracy, Adam, BinaryCrossentropy, He, MostSensitive, Random, Relu
from rules.vocabulary.facts import Task

dense = np.random.default_rng(0).normal(size=(40, 3)).astype(np.float32)
target = (dense[:, :1] > 0).astype(np.float32)
rows = Examples(dense=dense, codes=np.zeros((40, 0), np.int32), target=target, offset=0 * target,
                raw_target=target[:, 0].astype(np.int64))
parts = Parts(task=Task.BINARY, train=rows.take(np.arange(30)), validation=rows.take(np.arange(30, 40)),
              vocabulary=0, outputs=1, rare_class=1, target_mean=np.zeros(1), target_scale=np.ones(1),
              inputs=TableInputs(numbers=0))
bundle = Bundle(activation=Relu(), metric=Accuracy(), loss=BinaryCrossentropy(), initializer=He(), optimizer=Adam(),
                hyperparameters=MostSensitive(), tuner=Random())
small = {"units": 4, "layers": 1, "dropout": 0.0}
devices = [Device(name="/CPU:0"), Device(name="/CPU:1")]
folder = Path(tempfile.mkdtemp())
(folder / WEIGHTS).mkdir()
metric, found = create_metric(bundle.metric), {}


def steps(replicas):
    with use_device(devices[0], width=3):
        at = create_workspace(bundle, parts, metric=metric, seed=0, directory=folder)
        with nullcontext() if replicas is None else replicas.scope():
            network = build_network(parts=parts, bundle=bundle, hyperparameters=small, seed=0)
            optimizer = create_optimizer(bundle.optimizer, configuration(bundle, small))
            optimizer.build(network.trainable_variables)
        step = compile_step(network, optimizer, at, batch=7, replicas=replicas)  # 4 rows and 3
        order = np.arange(21, dtype=np.int32).reshape(3, 7)
        measured = step(at.train.columns, order, np.full(3, 0.1, np.float32), 0.01, 0)
        return [measured.tolist(), *(weight.tolist() for weight in network.get_weights())]


found["steps"] = [steps(None), steps(Replicas(devices))]


def scores(some):
    at = create_workspace(bundle, parts, metric=metric, seed=0, directory=folder)
    runner = create_runner(at, some, width=3, one_by_one=False)
    asked = [Proposal(number=number, hyperparameters=small, epochs=2) for number in range(2)]
    return [(one.number, one.status, one.epoch_scores) for one in runner.run(asked)]


found["stacks"] = [scores(devices[:1]), scores(devices)]
search = Search(bundle=bundle, parts=parts, metric=metric, budget=Budget(), clock=Clock(), seed=0, directory=folder,
                first=lambda: small, epochs=1)
speed = measure_devices(search, devices[1:], [1, 40], width=3, batch=30)
found["speed"] = speed.model_dump()
print(json.dumps(found))
"""


def test_devices_that_share_batches_or_trials_come_to_the_results_of_one_device() -> None:
    printed = run_script(SCRIPT)
    found = json.loads(printed)
    for alone, shared in zip(*found["steps"], strict=True):
        assert _flat(shared) == pytest.approx(_flat(alone), rel=1e-5, abs=1e-6)
    one, two = found["stacks"]
    assert one == two
    assert [(number, status) for number, status, _ in one] == [(0, "completed"), (1, "completed")]
    speed = found["speed"]
    assert (speed["devices"], [time["networks"] for time in speed["times"]]) == (["CPU:1"], [1, 40])
    assert all(time["step_seconds"] > 0 for time in speed["times"])


def _flat(values: object) -> list[float]:
    return [each for value in values for each in _flat(value)] if isinstance(values, list) else [float(str(values))]
