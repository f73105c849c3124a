"""The audit record compared with what was trained: each slot against the saved model and the journal of trials.

    PCWAT_DATASETS=folder python -m benchmarks.checks.carried_out [--budget 20s] [--keep DIR | --read DIR] [NAME:BOOK …]

Each dataset is trained under a rulebook, shipped or handbook. Then record.json is compared with what can be read
without pcwat's own mapping from choices to Keras: model.keras as Keras opens it, trials.jsonl, the arrays of the
trials' weights, predictions.csv and summary.json. Prints a Markdown table of datasets and slots and, below it, each
difference and each choice that cannot be observed, with the reason. Exits with 1 if there is a difference. --keep:
folder where the runs are kept; --read: compare the runs of such a folder, without training.
"""

from __future__ import annotations

import csv
import json
import logging
import math
import random
import sys
import tempfile
import traceback
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click
import keras
import numpy as np
from scipy.stats.qmc import LatinHypercube
from sklearn import metrics

import executor  # noqa: F401  registers the classes of our models with Keras
from benchmarks.catalogue import catalogue
from executor.layers.dropout import RatedDropout
from executor.pipeline.execute import execute
from executor.pipeline.prepare import prepare
from executor.runtime.budget import Budget
from recommender.audit.reach import choice_scope
from recommender.dataset.dataset import Dataset
from recommender.recommendation.trial_budget import seconds
from rules.decision.record import Record
from rules.decision.request import Request
from rules.rulebook.rulebook import SHIPPED_LAYERS
from rules.vocabulary.bundle import Bundle
from rules.vocabulary.choices import Slot
from rules.vocabulary.facts import Task

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

CHOSEN: Final = (
    "breast_cancer", "titanic", "email_spam_openintro:handbook", "german_credit:handbook", "glass", "vehicle:handbook",
    "scene", "solar_flare_counts:handbook", "airfoil_noise", "forest_fires", "house_prices_ames:handbook",
    "air_passengers", "us_consumption_change", "bikeshare_hourly:handbook", "gunpoint", "basic_motions:handbook",
    "digits_8x8", "emoji_twitter_64:handbook", "sentiment_sentences", "fine_foods:handbook",
)  # fmt: skip
"""Every task and every kind of rows, under both books."""
BOOKS: Final = {"shipped": SHIPPED_LAYERS, "handbook": SHIPPED_LAYERS[:1]}
STANDARD_ERRORS: Final = 5.0  # by which the standard deviation of drawn weights may differ from its formula
ROUNDING: Final = 2e-3  # relative; of float32 and of six digits


class NotObservableError(Exception):
    """What a slot names left no trace in a run; the message says why."""


class DiffersError(Exception):
    """What was observed is not what the record names; the message says in what."""


@dataclass(frozen=True, kw_only=True)
class Seen:
    """The files of a run."""

    directory: Path
    bundle: dict[str, Any]
    facts: dict[str, Any]
    summary: dict[str, Any]
    scores: dict[str, Any]
    signature: dict[str, Any]
    trials: list[dict[str, Any]]
    predictions: dict[str, list[str]]
    model: keras.Model

    @classmethod
    def read(cls, directory: Path) -> Seen:
        record = Record.read_intact(directory / "record.json")
        with (directory / "predictions.csv").open(newline="", encoding="utf-8") as file:
            header, *rows = csv.reader(file)
        return cls(
            directory=directory,
            bundle=record.to_bundle().model_dump(mode="json"),
            facts={name: fact.value for name, fact in record.facts.items()},
            **{
                name: json.loads((directory / f"{name}.json").read_text(encoding="utf-8"))
                for name in ("summary", "scores", "signature")
            },
            trials=[json.loads(line) for line in (directory / "trials.jsonl").read_text(encoding="utf-8").splitlines()],
            predictions={name: [row[at] for row in rows] for at, name in enumerate(header)},
            model=keras.saving.load_model(directory / "model.keras"),
        )

    @property
    def task(self) -> str:
        return str(self.facts["task"])

    def layers(self) -> list[keras.layers.Layer]:
        """All layers of the model, those of its networks among them, but not those of a backbone."""
        return [layer for network in [self.model, *self.networks()] for layer in network.layers]

    def networks(self) -> list[keras.Model]:
        """The networks of which the model is made, in the order of the trials and folds that they come from."""
        inner = [layer for layer in self.model.layers if isinstance(layer, keras.Model)]
        if [one.name for one in inner] == ["ensemble"]:
            return [layer for layer in inner[0].layers if isinstance(layer, keras.Model)]
        return inner

    def networks_of_trials(self) -> Iterator[tuple[dict[str, Any], keras.Model]]:
        """Each network of the model with the trial that it comes from."""
        members = [int(number) for number in self.summary["members"]]
        networks, by_number = self.networks(), {trial["number"]: trial for trial in self.trials}
        each = len(networks) // len(members)
        for at, network in enumerate(networks):
            yield by_number[members[at // each]], network

    def value(self, trial: Mapping[str, Any], name: str) -> Any:  # noqa: ANN401  a hyperparameter of any type
        """A hyperparameter of the optimizer in a trial: what the search varied, or what the record names."""
        return trial["hyperparameters"].get(name, self.bundle["optimizer"].get(name))

    def said(self, slot: Slot) -> str:
        """What `recommend audit explain` says a choice applies to."""
        record = Record.read(self.directory / "record.json")
        return choice_scope(slot, record.to_bundle(), task=self.facts["task"], modality=self.facts["modality"])


def equal(what: str, observed: object, named: object) -> None:
    """Raises DiffersError where what was observed is not what is named."""
    if isinstance(observed, float) and isinstance(named, int | float):
        if not math.isclose(observed, named, rel_tol=ROUNDING, abs_tol=1e-12):
            raise DiffersError(f"{what} is {observed:.6g}, but {named:.6g} is named")
    elif observed != named:
        raise DiffersError(f"{what} is {observed!r}, but {named!r} is named")


# P ─ recomputed from predictions.csv by scikit-learn ────────────────────────────────────────────────────────────────


def of_metric(seen: Seen) -> str:
    chosen, name = seen.bundle["metric"], seen.bundle["metric"]["name"]
    equal("the metric in scores.json", seen.scores["metric"], name)
    hold_out = seen.scores["hold_out"]["value"]
    equal("P of predictions.csv", float(_recomputed(seen, chosen)), hold_out)
    best = max if name in {"accuracy", "roc_auc", "f1"} else min
    completed = [trial for trial in seen.trials if trial["score"] is not None]
    for trial in completed:
        start = trial.get("start_score")
        scores = [start, *trial["epoch_scores"]]  # epoch 0 is a solution at which some networks start
        equal(f"the best epoch's P of trial {trial['number']}", trial["score"], best(_known(scores)))
        equal("P of its best epoch", scores[trial["best_epoch"]], trial["score"])
    top = best(trial["score"] for trial in completed)
    by_number = {trial["number"]: trial for trial in seen.trials}
    equal("P of the best trial", by_number[seen.summary["best_trial"]]["score"], top)
    return f"{hold_out:.4g} from {len(seen.predictions['row'])} rows; trials compared by it: {len(completed)}"


def _known(scores: Sequence[float | None]) -> list[float]:
    return [score for score in scores if score is not None]


def _recomputed(seen: Seen, chosen: Mapping[str, Any]) -> float:
    if seen.task in {"binary", "multiclass"}:
        return _of_classes(seen, chosen)
    if seen.task == "multilabel":
        return _of_labels(seen, chosen["name"])
    table = seen.predictions
    truths = [key for key in table if key == "truth" or key.startswith("truth of ")]
    truth = np.stack([np.array(table[key], float) for key in truths], axis=1)
    said = np.stack([np.array(table[f"prediction{key.removeprefix('truth')}"], float) for key in truths], axis=1)
    error = {
        "mae": metrics.mean_absolute_error,
        "mse": metrics.mean_squared_error,
        "rmse": metrics.root_mean_squared_error,
    }[chosen["name"]]
    return float(error(truth, said))


def _of_classes(seen: Seen, chosen: Mapping[str, Any]) -> float:
    table, name = seen.predictions, chosen["name"]
    truth, said = np.array(table["truth"]), np.array(table["prediction"])
    if name == "accuracy":
        return float(metrics.accuracy_score(truth, said))
    if name == "f1" and chosen["average"] == "binary":
        rare = seen.signature["labels"][seen.signature["rare_class"]]
        return float(metrics.f1_score(truth == rare, said == rare))
    if name == "f1":
        return float(metrics.f1_score(truth, said, average="macro", zero_division=0))
    shares = {label: np.array(table[f"probability of {label}"], float) for label in seen.signature["labels"]}
    return float(np.mean([metrics.roc_auc_score(truth == label, shares[label]) for label in np.unique(truth)]))


def _of_labels(seen: Seen, name: str) -> float:
    """The mean of the labels' own values."""
    table, found = seen.predictions, []
    for label in seen.signature["targets"]:
        positive = seen.signature["levels"][label][1]
        truth, said = np.array(table[f"truth of {label}"]) == positive, np.array(table[label]) == positive
        if name == "accuracy":
            found.append(metrics.accuracy_score(truth, said))
        elif name == "f1":
            found.append(metrics.f1_score(truth, said, zero_division=0))
        else:
            found.append(metrics.roc_auc_score(truth, np.array(table[f"probability of {label}"], float)))
    return float(np.mean(found))


# C ─ the loss with which model.keras is compiled, and the output's bias before the first step ───────────────────────


def of_loss(seen: Seen) -> str:
    chosen, loss = seen.bundle["loss"], seen.model.loss
    own, kind = loss.get_config(), type(loss).__name__
    name = chosen["name"]
    if name in {"mse", "mae", "huber"}:
        equal("the loss of the model", kind, "StandardisedLoss")
        equal("the target's scale", own["on"], chosen["target"])
        kinds = {"mse": "MeanSquaredError", "mae": "MeanAbsoluteError", "huber": "HuberLoss"}
        equal("the loss on standardised values", own["loss"]["class_name"], kinds[name])
        if name != "huber":
            return kinds[name]
        delta = own["loss"]["config"]["delta"]
        equal("the delta of summary.json", seen.summary["huber_delta"], delta)
        if chosen["delta"] is not None:
            equal("delta", delta, chosen["delta"])
        return f"Huber, delta {delta:.4g}"
    several = seen.task == "multiclass"
    if name == "weighted_crossentropy":
        found = _weights(seen, own, kind, power=0.5 if chosen["weights"] == "square_root" else 1.0)
    else:
        equal("the loss", kind, "CategoricalCrossentropy" if several else "BinaryCrossentropy")
        equal("label smoothing", float(own["label_smoothing"]), chosen["label_smoothing"])
        found = kind
    _first_bias(seen, chosen["output_bias"])
    return f"{found}, output bias {chosen['output_bias']}"


def _class_rows(seen: Seen) -> np.ndarray:
    """Training rows of each class, or positives of each label, as summary.json counts them."""
    imbalance = seen.summary["imbalance"]
    if imbalance is None:
        raise NotObservableError("summary.json counts the rows of classes only where they are imbalanced")
    return np.array([one["rows"] for one in imbalance["classes"]], float)


def _weights(seen: Seen, own: Mapping[str, Any], kind: str, *, power: float) -> str:
    """Weights of classes against 1 / rows, or its root, with a mean of 1 over the rows."""
    if kind == "WeightedLabels":
        return f"weights of positives {min(own['positive']):.3g} to {max(own['positive']):.3g}"
    equal("the loss", kind, "WeightedClasses")
    rows = np.maximum(_class_rows(seen), 1)
    wanted = rows**-power
    wanted /= (wanted * rows).sum() / rows.sum()
    for observed, formula in zip(own["weights"], wanted, strict=True):
        equal("the weight of a class", float(observed), float(formula))
    return f"weights {min(own['weights']):.3g} to {max(own['weights']):.3g}"


def _first_bias(seen: Seen, named: str) -> None:
    for trial in seen.trials:
        if (first := trial["first_weights"].get("output/bias")) is None:
            continue
        if named == "zeros":
            equal(f"the first output bias of trial {trial['number']}", tuple(first), (0.0, 0.0))
            continue
        rows = _class_rows(seen)
        if seen.task == "multiclass":
            bias = np.log((rows + 0.5) / (rows + 0.5).sum())
        elif seen.task == "binary":
            bias = np.log((rows[1:] + 0.5) / (rows[0] + 0.5))
        else:
            raise NotObservableError("the rows without a label are not in summary.json")
        # Of folds each network has the prior of its own rows or of all: up to a few hundredths.
        if not math.isclose(first[0], float(bias.mean()), rel_tol=0.02, abs_tol=0.02):
            raise DiffersError(f"the first output bias is {first[0]:.4g} on average, by the prior {bias.mean():.4g}")


# W ─ initializers in the graph, and the moments of the first weights in trials.jsonl ────────────────────────────────

INITIALIZERS: Final[Mapping[tuple[str, str], str]] = {
    ("xavier", "uniform"): "GlorotUniform", ("xavier", "normal"): "GlorotNormal", ("he", "uniform"): "HeUniform",
    ("he", "normal"): "HeNormal", ("lecun", "uniform"): "LecunUniform", ("lecun", "normal"): "LecunNormal",
    ("random_uniform", ""): "RandomUniform", ("random_normal", ""): "RandomNormal",
}  # fmt: skip
NAMED: Final = {
    "output": ("output layer is initialized with zeros", "output layers are initialized with zeros"),
    "of_levels": ("output layers are initialized with zeros",),
    "linear": ("solution of ridge regression",),
    "levels": ("embeddings",),
    "words": ("embeddings of words",),
    "scale": ("learned input scale with ones",),
    "waves": ("periodic features have their own distributions",),
}
"""Layers that may start otherwise, if `recommend audit explain` names them so."""


def of_initializer(seen: Seen) -> str:
    chosen, said = seen.bundle["initializer"], seen.said(Slot.INITIALIZER)
    wanted = INITIALIZERS[chosen["name"], chosen.get("distribution", "")]
    reached: set[str] = set()
    checked = 0
    for trial, network in seen.networks_of_trials():
        for layer in network.layers:
            own = _initializer(layer)
            if own is None:
                continue
            if type(own).__name__ == wanted and _settings_fit(own, chosen):
                reached.add(layer.name)
                checked += _check_spread(seen, trial, network, layer, chosen)
            elif isinstance(layer, keras.layers.GRU):
                if "recurrent cells use" not in said:
                    raise DiffersError(f"{layer.name} starts from {type(own).__name__}, and explain does not name it")
            elif not any(words in said for words in NAMED.get(layer.name, ())):
                raise DiffersError(f"{layer.name} starts from {type(own).__name__}, and explain does not name it")
    if not reached:
        raise NotObservableError(f"no layer of {', '.join(sorted(_kinds(seen)))} starts from it, as explain says")
    drawn = f"; kernels whose spread is as drawn: {checked}" if checked else ""
    return f"{wanted} (layers: {len(reached)}{drawn})"


def _kinds(seen: Seen) -> set[str]:
    """The networks that the model is made of, in words."""
    if seen.task == "forecasting":
        return {trial["hyperparameters"].get("network", "mlp") for trial, _ in seen.networks_of_trials()}
    return {network.name.rsplit("_", 1)[0] for network in seen.networks()}


def _initializer(layer: keras.layers.Layer) -> Any:  # noqa: ANN401  a Keras initializer
    """What a layer's matrix starts from; a word where the layer draws it itself."""
    if not layer.weights or isinstance(layer, keras.layers.BatchNormalization | RatedDropout):
        return None
    names = ("kernel_initializer", "embeddings_initializer", "initializer")
    found = next((getattr(layer, name) for name in names if hasattr(layer, name)), None)
    return type(layer).__name__ if found is None else found


def _settings_fit(own: Any, chosen: Mapping[str, Any]) -> bool:  # noqa: ANN401  a Keras initializer
    if chosen["name"] == "random_uniform":
        return bool(own.maxval == chosen["limit"] and own.minval == -chosen["limit"])
    return bool(chosen["name"] != "random_normal" or own.stddev == chosen["stddev"])


def _check_spread(
    seen: Seen, trial: Mapping[str, Any], network: keras.Model, layer: keras.layers.Layer, chosen: Mapping[str, Any]
) -> int:
    """Compare the first weights of a layer with the formula; 1 if there are such, else 0."""
    kernel = layer.weights[0]
    first = trial["first_weights"].get(f"{layer.name}/{kernel.name}")
    if first is None:
        return 0
    field_, fan_in, fan_out = math.prod(kernel.shape[:-2]), kernel.shape[-2], kernel.shape[-1]
    variance = {
        "xavier": 2 / (field_ * (fan_in + fan_out)),
        "he": 2 / (field_ * fan_in),
        "lecun": 1 / (field_ * fan_in),
        "random_uniform": chosen.get("limit", 0.0) ** 2 / 3,
        "random_normal": chosen.get("stddev", 0.0) ** 2,
    }[chosen["name"]]
    size = math.prod(kernel.shape)
    tolerance = STANDARD_ERRORS * (2 / size) ** 0.5
    if abs(first[1] ** 2 / variance - 1) > tolerance or abs(first[0]) > STANDARD_ERRORS * (variance / size) ** 0.5:
        raise DiffersError(
            f"{layer.name} of {network.name} began with mean {first[0]:.3g} and standard deviation {first[1]:.3g}, "
            f"where {chosen['name']} draws {variance**0.5:.3g} (trial {trial['number']} of {seen.directory.name})"
        )
    return 1


# A ─ the optimizer with which model.keras is compiled, its slots, and the learning rate of each epoch ───────────────

OPTIMIZERS: Final = {
    "sgd": ("SGD", 0), "sgd_momentum": ("SGD", 1), "adam": ("Adam", 2), "adamw": ("AdamW", 2),
    "rmsprop": ("RMSprop", 1), "adagrad": ("Adagrad", 1),
}  # fmt: skip
"""Keras' class, and its slots for each weight."""
SAME: Final = ("momentum", "nesterov", "beta_1", "beta_2", "rho", "epsilon")
"""Parameters that a choice and Keras call alike."""


WARM_UP: Final = 0.05  # share of the steps (docs/evidence.md, section 2, A)
CYCLE_RISE, CYCLE_START = 0.3, 1 / 25  # share of the steps, and of the highest rate (Smith and Topin 2017; PyTorch)


def of_optimizer(seen: Seen) -> str:
    chosen, optimizer = seen.bundle["optimizer"], seen.model.optimizer
    own = optimizer.get_config()
    kind, slots = OPTIMIZERS[chosen["name"]]
    best = next(trial for trial in seen.trials if trial["number"] == seen.summary["best_trial"])
    equal("the optimizer", type(optimizer).__name__, kind)
    rate = seen.value(best, "learning_rate")
    equal("its learning rate", float(own["learning_rate"]), rate)
    equal("its weight decay", float(own["weight_decay"] or 0.0), seen.value(best, "weight_decay") or 0.0)
    for name in SAME:
        if (named := seen.value(best, name)) is not None:
            equal(f"its {name}", own[name], named)
    weights = len(seen.model.trainable_variables)
    equal("the number of its variables", len(optimizer.variables), 2 + slots * weights)
    shapes = {_schedule(seen, trial) for trial in seen.trials if trial["epoch_rates"] and trial["continues"] is None}
    return f"{kind} at {rate:.3g}, slots per weight: {slots} ({weights} weights); schedule {', '.join(sorted(shapes))}"


def _schedule(seen: Seen, trial: Mapping[str, Any]) -> str:
    """The schedule that the learning rate at the end of each epoch of a trial follows."""
    highest, named = seen.value(trial, "learning_rate"), seen.value(trial, "schedule")
    for epoch, (rate, progress) in enumerate(zip(trial["epoch_rates"], trial["epoch_progress"], strict=True), start=1):
        if rate == progress == 0 and trial["message"]:
            continue  # the time was over before its first step
        wanted = highest * _share(named, progress)
        if not math.isclose(rate, wanted, rel_tol=ROUNDING, abs_tol=ROUNDING * highest):
            raise DiffersError(
                f"the learning rate of trial {trial['number']} is {rate:.4g} in epoch {epoch}, where {named} has "
                f"{wanted:.4g}"
            )
    return str(named)


def _share(schedule: str, progress: float) -> float:
    """The share of the highest rate at which a schedule stands."""
    if schedule == "constant":
        return 1.0
    if schedule == "cosine":  # linear to the highest rate in the first 5 % of the steps, then half a cosine to zero
        if progress < WARM_UP:
            return (progress + WARM_UP / 10) / (1.1 * WARM_UP)
        return 0.5 * (1 + math.cos(math.pi * (progress - WARM_UP) / (1 - WARM_UP)))
    if progress < CYCLE_RISE:  # half a cosine from a 25th up in 30 % of the steps, then half a cosine down
        return CYCLE_START + (1 - CYCLE_START) * 0.5 * (1 - math.cos(math.pi * progress / CYCLE_RISE))
    return 0.5 * (1 + math.cos(math.pi * (progress - CYCLE_RISE) / (1 - CYCLE_RISE)))


# T and H ─ which configurations the journal holds, and in which order ───────────────────────────────────────────────

SEARCHED: Final = {
    "defaults": (),
    "most_sensitive": ("learning_rate", "units"),
    "high_sensitivity": ("learning_rate", "units", "schedule"),
    "high_and_medium": ("learning_rate", "units", "schedule", "layers", "dropout", "weight_decay"),
    "networks": ("network", "learning_rate"),
}
SPAN: Final = 10.0  # a continuous search looks from a tenth of the learning rate to ten times it
DRAWN_ALIKE: Final = 8  # trials; of so many that are drawn from three values all are equal in 1 of 2,000 searches
MAX_RATE: Final = 10.0
HYPERCUBE: Final = 4  # points of the first design of a Bayesian search, and one more for each hyperparameter


def _names(seen: Seen) -> set[str]:
    own, tuner = seen.bundle["hyperparameters"], seen.bundle["tuner"]
    if tuner["name"] == "manual" and tuner["configurations"]:
        return {name for one in tuner["configurations"] for name in one}
    return set(own.get("searched") or SEARCHED[own["name"]])


def of_hyperparameters(seen: Seen) -> str:
    names, trials = _names(seen), seen.trials
    for trial in trials:
        equal(f"the hyperparameters of trial {trial['number']}", {*trial["hyperparameters"]}, names)
        for name, value in trial["hyperparameters"].items():
            equal(
                f"the {name} in force in trial {trial['number']}",
                trial.get("configuration", {}).get(name, value),
                value,
            )
    for trial, network in seen.networks_of_trials():
        _check_network(trial["hyperparameters"], network, task=seen.task)
    varied = {name for name in names if len({str(trial["hyperparameters"][name]) for trial in trials}) > 1}
    fresh = [trial for trial in trials if trial["continues"] is None]
    equal("unvaried in summary.json", {*seen.summary["unvaried"]}, names - varied)
    drawn = seen.bundle["tuner"]["name"] in {"random", "bayesian", "hyperband"}
    needed = DRAWN_ALIKE if drawn else 1 + len(names)
    if varied != names and len(fresh) < needed:
        lacking = ", ".join(sorted(names - varied))
        raise NotObservableError(
            f"{len(fresh)} trials ended within the budget, where {needed} vary all; summary.json says that {lacking} "
            "did not vary"
        )
    equal("what the trials vary", varied, names)
    return ", ".join(sorted(names)) or "none"


def _check_network(chosen: Mapping[str, Any], network: keras.Model, *, task: str) -> None:
    """Whether a network has the units, layers, dropout and kind that its trial names."""
    hidden = [layer for layer in network.layers if layer.name.startswith("hidden_")]
    is_tabular = network.name.startswith("tabular")
    if is_tabular:
        if "units" in chosen:
            equal("units of the network", {layer.units for layer in hidden}, {chosen["units"]})
        if "layers" in chosen:
            equal("hidden layers of the network", len(hidden), chosen["layers"])
        if "dropout" in chosen:
            drops = {layer.rate for layer in network.layers if isinstance(layer, keras.layers.Dropout)} or {0.0}
            equal("dropout of the network", drops, {chosen["dropout"]})
    if task == "forecasting" and "network" in chosen:
        kinds = {layer.name for layer in network.layers} & {"recurrent", "hidden_1"}
        wanted = {"linear": set(), "mlp": {"hidden_1"}, "gru": {"recurrent"}}[chosen["network"]]
        equal("the network of the forecast", kinds, wanted)


def of_tuner(seen: Seen) -> str:
    name, names = seen.bundle["tuner"]["name"], _names(seen)
    points = [trial["hyperparameters"] for trial in seen.trials if trial["continues"] is None]
    if not names:
        equal("the number of trials without a searched hyperparameter", len(seen.trials), 1)
        return "the defaults alone"
    if len(points) == 1:
        raise NotObservableError("one trial ended within the budget, the defaults, with which every strategy begins")
    distinct = {json.dumps(one, sort_keys=True) for one in points}
    equal("the number of distinct configurations", len(distinct), len(points))
    _defaults_first(seen, points[0])
    check: Callable[[Seen, list[dict[str, Any]]], str] = {
        "grid": _grid, "random": _random, "bayesian": _bayesian, "hyperband": _hyperband, "manual": _manual,
    }[name]  # fmt: skip
    return f"{name}: {check(seen, points)}"


def _defaults_first(seen: Seen, first: Mapping[str, Any]) -> None:
    if "learning_rate" in first:
        equal("the first learning rate", first["learning_rate"], seen.bundle["optimizer"]["learning_rate"])
    if "schedule" in first:
        equal("the first schedule", first["schedule"], seen.bundle["optimizer"]["schedule"])


def _changes(points: Sequence[Mapping[str, Any]]) -> list[set[str]]:
    """In which hyperparameters each configuration differs from the first."""
    return [{name for name in point if point[name] != points[0][name]} for point in points]


def _grid(seen: Seen, points: list[dict[str, Any]]) -> str:
    """Each hyperparameter alone before any two together, and learning rates on a lattice of half decades."""
    names, changes = _names(seen), _changes(points)
    alone = changes[1 : 1 + len(names)]
    if any(len(one) != 1 for one in alone) or len(set().union(*alone)) != len(alone):
        raise DiffersError(f"after the defaults a grid varies each hyperparameter alone, but these varied: {alone}")
    rate = seen.bundle["optimizer"]["learning_rate"]
    steps = {round(2 * math.log10(point.get("learning_rate", rate) / rate), 3) for point in points}
    if any(step != round(step) for step in steps):
        raise DiffersError(f"learning rates of a grid lie half decades apart, but these lie at {sorted(steps)}")
    return f"{len(points)} points, each hyperparameter alone first"


def _range(seen: Seen) -> tuple[float, float]:
    """Between which learning rates a continuous search draws, evenly on a logarithmic scale."""
    rate = seen.bundle["optimizer"]["learning_rate"]
    return rate / SPAN, min(rate * SPAN, MAX_RATE)


def _at(seen: Seen, share: float) -> float:
    """The learning rate at a share of the range."""
    low, high = _range(seen)
    return float(low * (high / low) ** share)


def _oracle_seed(seen: Seen) -> int:
    """The seed of keras-tuner's oracle, which reads 0 as none."""
    plan = json.loads((seen.directory / "plan.json").read_text(encoding="utf-8"))
    return 1 + int(plan["seed"]) * 100_003


def _hypercube(seen: Seen) -> list[float]:
    """The learning rates of the Latin hypercube with which a Bayesian search begins, drawn anew by SciPy."""
    names = _names(seen)
    design = LatinHypercube(len(names), rng=_oracle_seed(seen)).random(HYPERCUBE + len(names))
    return [_at(seen, share) for share in design[:, -1]]  # the most sensitive hyperparameter stands last


def _draws(seen: Seen, count: int) -> list[float]:
    """The learning rates of a random search, drawn anew as keras-tuner does: each value by a seed of its own."""
    each, first = len(_names(seen)), _oracle_seed(seen)
    seeds = (first + each * number + each - 1 for number in range(count))
    return [_at(seen, random.Random(seed).random()) for seed in seeds]  # noqa: S311  nothing secret


def _rates(points: Sequence[Mapping[str, Any]]) -> list[float]:
    """The learning rates after the defaults."""
    return [point["learning_rate"] for point in points[1:]]


def _random(seen: Seen, points: list[dict[str, Any]]) -> str:
    for observed, drawn in zip(_rates(points), _draws(seen, len(points) - 1), strict=True):
        equal("a learning rate drawn at random", observed, drawn)
    return f"learning rates after the defaults as random search draws them ({len(points) - 1})"


def _bayesian(seen: Seen, points: list[dict[str, Any]]) -> str:
    rates, design = _rates(points), _hypercube(seen)
    for observed, drawn in zip(rates, design, strict=False):
        equal("a learning rate of the Latin hypercube", observed, drawn)
    proposed = rates[len(design) :]
    if proposed and np.allclose(proposed, _draws(seen, len(rates))[len(design) :], rtol=ROUNDING):
        raise DiffersError("after the Latin hypercube learning rates are drawn at random")
    return f"learning rates of its Latin hypercube ({min(len(rates), len(design))}), then proposals ({len(proposed)})"


def _hyperband(seen: Seen, points: list[dict[str, Any]]) -> str:
    factor = seen.bundle["tuner"]["factor"]
    by_number = {trial["number"]: trial for trial in seen.trials}
    fresh = [trial for trial in seen.trials if trial["continues"] is None]
    promoted = [trial for trial in seen.trials if trial["continues"] is not None]
    for observed, drawn in zip(_rates(points), _draws(seen, len(points) - 1), strict=True):
        equal("a learning rate drawn at random", observed, drawn)
    for trial in promoted:
        equal("what a promoted trial has", trial["hyperparameters"], by_number[trial["continues"]]["hyperparameters"])
    if not promoted:
        kept = [any(name.endswith(".state.npz") for name in trial["digests"]) for trial in fresh if trial["weights"]]
        equal("whether each trial keeps its optimizer's state to be promoted", all(kept), True)
        epochs = sorted({trial["planned_epochs"] for trial in fresh})
        return f"{len(fresh)} trials of {epochs[0]} epochs, with the optimizer's state to promote the best"
    first = by_number[promoted[0]["continues"]]["planned_epochs"]
    ratio = (first + promoted[0]["planned_epochs"]) / first
    if not factor - 1 <= ratio <= factor + 1:  # epochs are whole numbers
        raise DiffersError(f"a promoted trial was trained {ratio:.2g} times as long, but the factor is {factor}")
    return f"{len(fresh)} trials, {len(promoted)} promoted to {ratio:.2g} times the epochs"


def _manual(seen: Seen, points: list[dict[str, Any]]) -> str:
    listed = seen.bundle["tuner"]["configurations"]
    if listed:
        for one, point in zip(listed, points[1:], strict=False):
            equal("a configuration of the list", {name: point[name] for name in one}, one)
    elif any(len(one) != 1 for one in _changes(points)[1:]):
        raise DiffersError("without a list each trial changes one hyperparameter, but one changes several")
    return f"{len(points)} configurations of the list"


# N, D, X, M ─ layers of the graph ───────────────────────────────────────────────────────────────────────────────────


def of_activation(seen: Seen) -> str:
    named, said = seen.bundle["activation"]["name"], seen.said(Slot.ACTIVATION)
    used: Counter[str] = Counter()
    for network in seen.networks():
        for layer in network.layers:
            function = getattr(getattr(layer, "activation", None), "__name__", "linear")
            if isinstance(layer, keras.layers.GRU):
                if "keep tanh" not in said:
                    raise DiffersError(f"{layer.name} applies {function}, and explain does not name it")
            elif function != "linear":
                used[function] += 1
    if not used:
        raise NotObservableError(f"no layer of {', '.join(sorted(_kinds(seen)))} applies one, as explain says")
    equal("the activations of hidden layers", {*used}, {named})
    return f"{named} (layers: {used[named]})"


def of_augmentation(seen: Seen) -> str:
    chosen, kinds = seen.bundle["augmentation"], {type(layer).__name__: layer for layer in seen.layers()}
    wanted = {"none": set(), "random_translation": {"Shift"}, "random_translation_and_flip": {"Shift", "Mirror"}}[
        chosen["name"]
    ]
    equal("the layers that vary images", {*kinds} & {"Shift", "Mirror"}, wanted)
    if wanted and chosen["pixels"] is not None:
        equal("the farthest shift", kinds["Shift"].most, chosen["pixels"])
    return ", ".join(sorted(wanted)) or "no such layer"


def of_transfer(seen: Seen) -> str:
    chosen = seen.bundle["transfer"]
    bodies = [layer for network in seen.networks() for layer in network.layers if isinstance(layer, keras.Model)]
    equal("the number of backbones", len({one.name for one in bodies}), int(chosen.get("weights") is not None))
    if any(one.trainable_weights for one in bodies):
        raise DiffersError("the backbone has weights that are trained")
    return "a frozen backbone" if bodies else "no backbone"


def of_architecture(seen: Seen) -> str:
    chosen, modality = seen.bundle["architecture"], str(seen.facts["modality"])
    kinds = {network.name.split("_")[0] for network in seen.networks()}
    standard = "forecaster" if seen.task == "forecasting" else "cnn" if modality == "image" else "tabular"
    wanted = {
        "standard": standard, "minirocket": "tabular", "inception_time": "inception", "gru": "recurrent",
        "bag_of_ngrams": "texts", "text_cnn": "texts",
    }[chosen["name"]]  # fmt: skip
    equal("the kind of the networks", kinds, {wanted})
    classes = {type(layer).__name__: layer for layer in seen.layers()}
    found = [f"{wanted} ({len(seen.networks())})"]
    equal("whether random features are read", "MiniRocketFeatures" in classes, chosen["name"] == "minirocket")
    if chosen["name"] == "minirocket":
        width = classes["MiniRocketFeatures"].output_width
        if width > chosen["features"] or width % RANDOM_KERNELS:
            raise DiffersError(f"{width} random features, but at most {chosen['features']} are named")
        names = {layer.name for network in seen.networks() for layer in network.layers}
        equal("whether a linear layer starts at ridge regression", "linear" in names, chosen["ridge_start"])
        found.append(f"{width} random features")
    equal("whether terms are summed", "TermSum" in classes, chosen["name"] == "bag_of_ngrams")
    if chosen["name"] == "bag_of_ngrams":
        bag = classes["TermBag"].get_config()
        equal("whether terms are weighed by rarity", bool(bag["rarity"]), chosen["weighting"] == "tf_idf")
        equal("whether letters are terms", bag["letters"], chosen["character_ngrams"])
        layers = [layer.name for layer in seen.layers() if type(layer).__name__ == "TermSum"]
        equal("whether there is a linear layer", "linear" in layers, chosen["linear_start"])
        found.append(f"{len(bag['hashes'])} terms")
    equal("whether words are convolved", "WordSequence" in classes, chosen["name"] == "text_cnn")
    if wanted == "tabular":
        found += _bins(classes.get("Numbers"), chosen.get("bins", 0))
    return ", ".join(found + _extras(seen, chosen, wanted))


def _extras(seen: Seen, chosen: Mapping[str, Any], kind: str) -> list[str]:
    """What the standard network has beyond hidden layers, each of it where the choice names it."""
    found, classes = [], {type(layer).__name__: layer for layer in seen.layers()}
    first = [trial["first_weights"] for trial in seen.trials if trial["first_weights"]]

    def check(name: str, observed: bool, *, possible: bool = True) -> None:
        named = chosen.get(name, chosen["name"] == "minirocket")
        if observed or possible:
            equal(f"whether there is {name.replace('_', ' ')}", observed, named)
        if observed:
            found.append(name.replace("_", " "))

    numbers = classes.get("Numbers")
    if kind == "tabular":
        check("quantile_transform", bool(getattr(numbers, "ranked", [])), possible=False)
        many = numbers is not None and len(numbers.center) > MAX_WAVED
        named = "none has periodic features" in seen.said(Slot.ARCHITECTURE)
        check("periodic_features", "Waves" in classes, possible=numbers is not None and not (many and named))
        check("input_scale", "Scale" in classes)
    if kind in {"tabular", "forecaster"}:
        outputs = [own["output/kernel"] for own in first if "output/kernel" in own]
        check("zero_output", bool(outputs) and all(tuple(one) == (0, 0) for one in outputs), possible=bool(outputs))
    if kind == "forecaster":
        starts = {type(layer.kernel_initializer).__name__ for layer in seen.layers() if layer.name == "linear"}
        spread = any(own["linear/kernel"][1] > 0 for own in first)
        check("ridge_start", starts == {"Zeros"} and spread)  # what is written over the zeros is no draw
    elif "Values" in classes:
        check("clamp", classes["Values"].bounds is not None, possible=seen.signature["time_column"] is None)
    return found


def _bins(numbers: keras.layers.Layer | None, named: int) -> list[str]:
    """Whether numbers are read in as many intervals as are named, or fewer where they have fewer values."""
    most = max((len(edges) - 1 for edges in getattr(numbers, "edges", [])), default=0)
    if numbers is None and named:
        return ["no numbers to read in bins"]
    if most > named or (named and not most):
        raise DiffersError(f"numbers are read in up to {most} bins, but {named} are named")
    return [f"{most} bins"] if named else []


# V ─ how many networks a trial kept, and how the rows were split ────────────────────────────────────────────────────


def of_validation(seen: Seen) -> str:
    chosen, split = seen.bundle["validation"], seen.summary["split"]
    completed = next(trial for trial, _ in seen.networks_of_trials())
    with np.load(seen.directory / completed["weights"]) as arrays:
        kept = len(arrays.files)
    members = len(seen.summary["members"])
    one = len(seen.networks()[0].weights)
    networks, rest = divmod(kept, one)
    if rest and seen.task != "forecasting":
        raise DiffersError(f"trial {completed['number']} kept {kept} arrays, but a network has {one}")
    folds = chosen["folds"] * chosen["repeats"] if chosen["name"] == "cross_validation" else 1
    equal("the networks that a trial kept", networks if folds > 1 or not rest else 1, folds)
    equal("the networks of the model", len(seen.networks()), folds * members)
    equal("whether summary.json speaks of folds", "-fold cross-validation" in split, folds > 1)
    _check_selection(seen, chosen)
    equal("the rows of the hold-out", len({*seen.predictions["row"]}), seen.scores["rows"])
    return f"{folds} networks a trial" if folds > 1 else "one network a trial"


def _check_selection(seen: Seen, chosen: Mapping[str, Any]) -> None:
    """Whether a choice that does without early stopping, ensemble, refit or calibration has none of them."""
    if not chosen["early_stopping"]:
        for trial in seen.trials:
            if trial["status"] == "completed" and not trial["message"]:
                equal(f"the epochs of trial {trial['number']}", trial["epochs"], trial["planned_epochs"])
    if not chosen["ensemble"]:
        equal("the number of trials in the model", len(seen.summary["members"]), 1)
    if not chosen["temperature_scaling"]:
        equal("the temperatures", {one["value"] for one in seen.signature["temperatures"]} - {1.0}, set())
    if not chosen.get("refit", True):
        equal(
            "whether networks were trained again with the validation rows",
            "training and validation rows" in seen.summary["members_why"],
            False,
        )


CHECKS: Final[Mapping[Slot, Callable[[Seen], str]]] = {
    Slot.METRIC: of_metric,
    Slot.LOSS: of_loss,
    Slot.INITIALIZER: of_initializer,
    Slot.OPTIMIZER: of_optimizer,
    Slot.TUNER: of_tuner,
    Slot.HYPERPARAMETERS: of_hyperparameters,
    Slot.ACTIVATION: of_activation,
    Slot.AUGMENTATION: of_augmentation,
    Slot.TRANSFER: of_transfer,
    Slot.ARCHITECTURE: of_architecture,
    Slot.VALIDATION: of_validation,
}
RANDOM_KERNELS: Final = 84  # each of which has equally many features (Dempster et al. 2021)
MAX_WAVED: Final = 100  # numeric columns; of more, `recommend audit explain` says that there are no periodic features
EQUAL, DIFFERS, UNSEEN = "=", "≠", "?"


@dataclass
class Compared:
    """What was found of one run: a sign for each slot, and sentences."""

    name: str
    book: str
    signs: dict[Slot, str] = field(default_factory=dict)
    said: dict[Slot, str] = field(default_factory=dict)
    trials: int = 0
    task: str = ""


def compare(name: str, book: str, directory: Path) -> Compared:
    seen = Seen.read(directory)
    trained = Bundle.read(directory / "bundle.yaml").model_dump(mode="json")
    for slot in CHECKS:
        equal(f"the {slot} of bundle.yaml", trained[slot.value], seen.bundle[slot.value])
    found = Compared(name=name, book=book, trials=len(seen.trials), task=f"{seen.task}, {seen.facts['modality']}")
    for slot, check in CHECKS.items():
        try:
            found.signs[slot], found.said[slot] = EQUAL, check(seen)
        except DiffersError as error:
            found.signs[slot], found.said[slot] = DIFFERS, str(error)
        except NotObservableError as error:
            found.signs[slot], found.said[slot] = UNSEEN, str(error)
        except Exception as error:  # noqa: BLE001  a check that fails shows no equality
            traceback.print_exc()
            found.signs[slot], found.said[slot] = DIFFERS, f"the check failed: {type(error).__name__}: {error}"
    return found


def failed(name: str, book: str, error: Exception) -> Compared:
    """A run that could not be made or read shows no equality."""
    why = f"{type(error).__name__}: {error}"
    return Compared(name=name, book=book, signs=dict.fromkeys(CHECKS, DIFFERS), said=dict.fromkeys(CHECKS, why))


def train(name: str, book: str, directory: Path, *, budget: float, seed: int) -> None:
    entry = catalogue()[name]
    said = Request(
        target=tuple(entry["target"].split("|")), task=Task(entry["task"]) if entry["task"] == "forecasting" else None
    )
    limit = Budget(seconds=budget)
    clock = limit.start_clock()
    with Dataset.open(entry["path"]) as dataset:
        begun = prepare(dataset, said, budget=limit, book=BOOKS[book], directory=directory, seed=seed)
        execute(begun, clock=clock)
    keras.backend.clear_session()


@click.command()
@click.argument("names", nargs=-1)
@click.option("--budget", default="20s", show_default=True)
@click.option("--seed", default=0, show_default=True)
@click.option("--keep", type=click.Path(path_type=Path), help="Folder in which the runs are kept.")
@click.option("--read", "kept", type=click.Path(path_type=Path), help="Folder of runs that were kept.")
def main(names: tuple[str, ...], budget: str, seed: int, keep: Path | None, kept: Path | None) -> None:
    logging.disable(logging.INFO)
    found = []
    with tempfile.TemporaryDirectory() as temporary:
        parent = kept or keep or Path(temporary)
        for word in names or CHOSEN:
            name, _, book = word.partition(":")
            directory = parent / f"{name}-{book or 'shipped'}"
            if kept is not None and not (directory / "scores.json").exists():
                continue
            try:
                if kept is None:
                    train(name, book or "shipped", directory, budget=seconds(budget), seed=seed)
                found.append(compare(name, book or "shipped", directory))
            except Exception as error:  # noqa: BLE001  the others are compared all the same
                traceback.print_exc()
                found.append(failed(name, book or "shipped", error))
            print(found[-1].name, *found[-1].signs.values(), file=sys.stderr, flush=True)
    report(found)
    sys.exit(any(DIFFERS in one.signs.values() for one in found))


def report(found: Sequence[Compared]) -> None:
    """Print the table and the notes in Markdown."""
    print("| dataset | book | task | trials | " + " | ".join(slot.letter for slot in CHECKS) + " |")
    print("|" + "---|" * (4 + len(CHECKS)))
    for one in found:
        signs = " | ".join(one.signs.values())
        print(f"| {one.name} | {one.book} | {one.task} | {one.trials} | {signs} |")
    counts = Counter(sign for one in found for sign in one.signs.values())
    print(f"\n{counts[EQUAL]} equal (=), {counts[DIFFERS]} different (≠), {counts[UNSEEN]} not observable (?).")
    for sign, title in ((DIFFERS, "Different"), (UNSEEN, "Not observable"), (EQUAL, "Observed")):
        rows = [(one, slot) for one in found for slot in CHECKS if one.signs[slot] == sign]
        if rows:
            print(f"\n## {title}\n")
        for one, slot in rows:
            print(f"- {one.name} ({one.book}), {slot.letter}: {one.said[slot]}")


if __name__ == "__main__":
    main()
