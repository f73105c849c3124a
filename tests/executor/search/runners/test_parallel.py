"""Stacks and single trials on several devices, which are virtual ones of the CPU here."""

from __future__ import annotations

import json

from tests.effort import long_test
from tests.executor.runtime.processes import run_script

SCRIPT = """
import importlib, json, tempfile
from pathlib import Path

from executor.runtime.tensorflow_import import quiet_tensorflow

quiet_tensorflow()
import tensorflow as tf

cpu = tf.config.list_physical_devices("CPU")[0]
tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * 2)

import numpy as np

module = importlib.import_module('executor.search.search')
choosing = importlib.import_module('executor.search.choose_devices')
from executor.components import training_length
from executor.runtime.budget import Budget
from recommender import training_cost as speed
from recommender.speed.device_speed import DeviceChoice
from executor.runtime.devices import Device
from executor.preprocessing.examples import Examples, Parts
from executor.preprocessing.inputs import ImageInputs
from executor.search.runners.sequential import SequentialRunner
from executor.search.runners.stacked_graph import StackedGraph
from rules.vocabulary.bundle import Bundle
from rules.vocabulary.choices import Accuracy, Adam, BinaryCrossentropy, He, MostSensitive, Random, Relu
from rules.vocabulary.facts import Task

speed.EPOCHS = training_length.MAX_IMAGE_EPOCHS = 3
pixels = np.random.default_rng(0).normal(size=(100, 64)).astype(np.float32)


def parts_of(dense, **inputs):
    target = (dense[:, :1] > 0).astype(np.float32)
    rows = Examples(dense=dense, codes=np.zeros((100, 0), np.int32), target=target, offset=0 * target,
                    raw_target=target[:, 0].astype(np.int64))
    return Parts(task=Task.BINARY, train=rows.take(np.arange(80)), validation=rows.take(np.arange(80, 100)),
                 vocabulary=0, outputs=1, rare_class=1, target_mean=np.zeros(1), target_scale=np.ones(1), **inputs)


bundle = Bundle(activation=Relu(), metric=Accuracy(), loss=BinaryCrossentropy(), initializer=He(), optimizer=Adam(),
                hyperparameters=MostSensitive(), tuner=Random())
used = set()
train = StackedGraph.train


def watched(graph, stack, *arguments, **settings):
    used.add(stack.weights[0].device.rsplit("/", 1)[-1])
    return train(graph, stack, *arguments, **settings)


StackedGraph.train = watched
keep = SequentialRunner._keep


def watched_alone(runner, member, traced):
    used.add(traced.network.weights[0].value.device.rsplit("/", 1)[-1])
    return keep(runner, member, traced)


SequentialRunner._keep = watched_alone


def ran(parts, count, *names):
    choosing.available_devices = lambda _: tuple(Device(name=name) for name in names)
    used.clear()
    with tempfile.TemporaryDirectory() as folder:
        choice = DeviceChoice(devices=tuple(name[1:] for name in names), reason="known")
        (Path(folder) / "devices.json").write_text(choice.model_dump_json())
        trials = module.search(bundle, parts, budget=Budget(trials=count), seed=0, directory=Path(folder))
    found = sorted((one.number, one.score, one.epoch_scores) for one in trials.ranked)
    return {"devices": sorted(used), "trials": found}


images = parts_of(pixels, inputs=ImageInputs(shape=(8, 8, 1), mean=(0.0,), scale=(1.0,)))
kinds = (parts_of(pixels[:, :3]), 6), (images, 2)
print(json.dumps([[ran(*kind, "/CPU:0"), ran(*kind, "/CPU:0", "/CPU:1")] for kind in kinds]))
"""


@long_test
def test_two_devices_share_the_trials_of_tables_and_images_and_come_to_the_same_scores() -> None:
    printed = run_script(SCRIPT)
    for (one, two), trials in zip(json.loads(printed), (6, 2), strict=True):
        assert (one["devices"], two["devices"]) == (["device:CPU:0"], ["device:CPU:0", "device:CPU:1"])
        assert one["trials"] == two["trials"]
        assert len(two["trials"]) == trials
