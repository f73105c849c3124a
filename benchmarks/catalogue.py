"""Public datasets for benchmarks.

`PCWAT_DATASETS` names a folder with the datasets and their catalogue.csv (columns name, kind, task, target, file).
"""

from __future__ import annotations

import csv
import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from executor.data.read_rows import read_rows
from executor.data.split import split
from executor.preprocessing.encode import encode_hold_out, encode_parts
from executor.preprocessing.fit import fit_preprocessing
from recommender.dataset.dataset import Dataset
from recommender.recommendation.recommend import advise
from rules.decision.request import Request
from rules.proof.proved_book import load_book

if TYPE_CHECKING:
    from executor.preprocessing.examples import Examples, Parts
    from rules.vocabulary.bundle import Bundle


@dataclass(frozen=True, kw_only=True)
class Encoded:
    """A dataset as `recommend train` encodes it, with the bundle that is recommended for it."""

    bundle: Bundle
    parts: Parts
    hold_out: Examples


def catalogue() -> dict[str, dict[str, str]]:
    """Name → what the catalogue says of the dataset, with the path of its file as "path"."""
    folder = Path(os.environ["PCWAT_DATASETS"])
    with (folder / "catalogue.csv").open(newline="", encoding="utf-8") as file:
        return {row["name"]: {**row, "path": str(folder / row["file"])} for row in csv.DictReader(file)}


def encoded(name: str) -> Encoded:
    """A dataset of the catalogue, split with seed 0."""
    entry = catalogue()[name]
    with Dataset.open(entry["path"]) as dataset:
        advice = advise(dataset, Request(target=tuple(entry["target"].split("|"))), book=load_book())
        table = read_rows(dataset, advice.roles)
        divided = split(table, advice.roles, seed=0)
        preprocessing = fit_preprocessing(table, advice.roles, divided.train, advice.bundle.architecture)
        parts = encode_parts(table, advice.roles, divided, preprocessing)
        hold_out = encode_hold_out(table, divided, preprocessing, parts)
    return Encoded(bundle=advice.bundle, parts=parts, hold_out=hold_out)
