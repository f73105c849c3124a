"""Runs of every architecture whose networks are not trained, saved as the end of a training saves them."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from executor.model.assemble import network_outputs
from executor.model.ensemble import SelectedNetwork
from executor.networks.build import average_networks, build_network
from executor.pipeline.encoding.encode_data import encode
from executor.pipeline.finalize import finalize
from executor.pipeline.prepare import prepare
from executor.runs.run import Run
from executor.runtime.budget import Budget
from executor.search.records.outcome import Outcome
from executor.search.records.trials import Trials
from recommender.recommendation.recommend import open_dataset
from recommender.run_manifest import SCORES
from rules.decision.request import Request
from rules.decision.trace import Pin
from rules.vocabulary.choices import BagOfNgrams, CrossValidation, Gru, Holdout, InceptionTime, MiniRocket, TextCnn
from rules.vocabulary.facts import Task

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from executor.pipeline.encoding.encode_data import EncodedData

ROWS: Final = 120
WORDS: Final = ("good", "bad", "cat", "dog", "day", "night", "warm", "cold", "red", "blue")


@dataclass(frozen=True, kw_only=True)
class Kind:
    """A dataset, and what is chosen for it."""

    write: Callable[[Path], Path]
    """Writes the dataset into a folder."""
    request: Request
    choices: dict[str, Any] = field(default_factory=dict)
    """Slot → its choice."""


UNTRAINED = Trials(
    ranked=(
        Outcome(
            number=0,
            hyperparameters={},
            status="completed",
            score=0.5,
            epochs=0,
            planned_epochs=0,
            seconds=0.0,
            ended_by="completed",
        ),
    ),
    stopped_by="trials",
)


@contextmanager
def open_untrained(kind: Kind, folder: Path) -> Iterator[tuple[EncodedData, SelectedNetwork]]:
    """The encoded rows of a run in folder/run, and its network, which is not trained."""
    own = {"validation": Holdout()} | kind.choices
    pins = [Pin(slot=slot, choice=choice, reason="a test") for slot, choice in own.items()]
    budget = Budget(trials=1)
    with open_dataset(str(kind.write(folder)), kind.request) as dataset:
        run = prepare(dataset, kind.request, budget=budget, pins=pins, directory=folder / "run")
        data = encode(run, budget.start_clock())
        parts = data.parts
        networks = [
            build_network(parts=parts, bundle=run.bundle, hyperparameters={}, seed=seed)
            for seed in range(parts.fold_count)
        ]
        network = average_networks(networks)
        outputs = network_outputs(network, parts.validation) + parts.validation.offset
        yield data, SelectedNetwork(network=network, outputs=outputs, members={0: 1}, score=0.5, why="a test")


def save_untrained(kind: Kind, folder: Path) -> Run:
    """A run in folder/run, with a model that was built, assembled and saved, but not trained; its scores are empty."""
    with open_untrained(kind, folder) as (data, selected):
        finalize(data, UNTRAINED, selected)
    (folder / "run" / SCORES).write_text("{}", encoding="utf-8")
    return Run(folder / "run")


def _mixed_columns(rows: int) -> dict[str, Any]:
    random = np.random.default_rng(0)
    return {
        "size": random.normal(size=rows),
        "color": random.choice(["red", "blue", "green"], rows),
        "city": [f"city {number % 30}" for number in range(rows)],
        "note": [" ".join(random.choice(WORDS, 6)) for _ in range(rows)],
        "when": (np.datetime64("2020-01-01") + random.permutation(rows)).astype(str),
    }


def _csv(folder: Path, columns: dict[str, Any]) -> Path:
    lines = [",".join(columns), *(",".join(map(str, row)) for row in zip(*columns.values(), strict=True)), ""]
    path = folder / "table.csv"
    path.write_text("\n".join(lines), encoding="utf-8")
    return path


def _table(target: str) -> Callable[[Path], Path]:
    def write(folder: Path) -> Path:
        random = np.random.default_rng(1)
        targets = {
            "binary": {"y": np.where(random.random(ROWS) < 1 / 2, "yes", "no")},
            "multiclass": {"y": random.choice(["p", "q", "r"], ROWS)},
            "multilabel": {name: random.integers(0, 2, ROWS) for name in ("y", "z")},
            "multioutput_regression": {name: np.round(random.normal(size=ROWS), 4) for name in ("y", "z")},
        }
        return _csv(folder, _mixed_columns(ROWS) | targets[target])

    return write


def _texts(folder: Path) -> Path:
    random = np.random.default_rng(0)
    notes = [" ".join(random.choice(WORDS, 25)) for _ in range(ROWS)]
    return _csv(folder, {"note": notes, "y": random.choice(["p", "q"], ROWS)})


def _series(folder: Path) -> Path:
    random = np.random.default_rng(0)
    days = np.datetime64("2020-01-01") + np.arange(200)
    wave = np.sin(np.arange(200) * 2 * np.pi / 7)
    price = np.round(random.normal(size=200), 3)
    return _csv(folder, {"day": days.astype(str), "price": price, "sold": np.round(wave + 0.1 * price, 4)})


def _sequences(folder: Path) -> Path:
    random = np.random.default_rng(0)
    values = random.normal(size=(ROWS, 20, 2)).astype(np.float32)
    side, y = random.choice(["left", "right"], ROWS), random.choice(["p", "q"], ROWS)
    np.savez(folder / "x.npz", signal=values, lengths=np.full(ROWS, 20), side=side, y=y)
    return folder / "x.npz"


def _genes(folder: Path) -> Path:
    random = np.random.default_rng(0)
    genes = ["".join(random.choice([*"ACGT"], 40)) for _ in range(ROWS)]
    return _csv(folder, {"gene": genes, "y": random.choice(["p", "q"], ROWS)})


def _images(folder: Path) -> Path:
    random = np.random.default_rng(0)
    pixels = random.integers(0, 256, (ROWS, 12, 12, 3)).astype(np.uint8)
    side, y = random.choice(["left", "right"], ROWS), random.choice(["p", "q"], ROWS)
    np.savez(folder / "x.npz", pixels=pixels, side=side, y=y)
    return folder / "x.npz"


ONE: Final = Request(target="y")
COSTS: Final = {"p": {"q": 1, "r": 9}, "q": {"p": 1, "r": 1}, "r": {"p": 2, "q": 0.5}}
FORECAST: Final = Request(target="sold", task=Task.FORECASTING, horizon=3)
KINDS: Final[dict[str, Kind]] = {
    "binary table in folds": Kind(
        write=_table("binary"), request=ONE, choices={"validation": CrossValidation(folds=3)}
    ),
    "multiclass table": Kind(write=_table("multiclass"), request=Request(target="y", costs=COSTS)),
    "table of labels": Kind(write=_table("multilabel"), request=Request(target=("y", "z"))),
    "regression of two": Kind(write=_table("multioutput_regression"), request=Request(target=("y", "z"))),
    "bag of terms": Kind(write=_texts, request=ONE, choices={"architecture": BagOfNgrams(character_ngrams=True)}),
    "text CNN": Kind(write=_texts, request=ONE, choices={"architecture": TextCnn()}),
    "forecast": Kind(write=_series, request=FORECAST),
    "random kernels": Kind(write=_sequences, request=ONE, choices={"architecture": MiniRocket(features=168)}),
    "InceptionTime": Kind(write=_sequences, request=ONE, choices={"architecture": InceptionTime()}),
    "GRU": Kind(write=_sequences, request=ONE, choices={"architecture": Gru()}),
    "GRU of letters": Kind(write=_genes, request=ONE, choices={"architecture": Gru()}),
    "image CNN": Kind(write=_images, request=ONE),
}
