"""Characteristics of images: size, colours, intensities, duplicates, and whether flips preserve the class."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pyarrow as pa

from recommender.dataset.sql import category_text, one_in, quoted
from recommender.profile.characteristic import Characteristic, count, share
from recommender.profile.characteristics.drift import drift
from rules.vocabulary.column_kind import Kind

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import duckdb

    from recommender.dataset.dataset import Dataset
    from recommender.dataset.readers.formats.arrays import Images
    from recommender.profile.characteristic import Labelled
    from recommender.profile.characteristics.drift import Drift
    from recommender.roles.roles import Roles

SAMPLE_IMAGES: Final = 2_000  # images, evenly spread; a share of one half of 1,000 has a standard error of 1.6 %
SAMPLE_BYTES: Final = 2**26  # bytes of pixels (64 MiB), which bounds the sample for large images
MIN_IMAGES: Final = 100  # images of a sample for nearest neighbours
COARSE_SIDE: Final = 16  # pixels per side of the averaged images for nearest neighbours
COMPARED_CELLS: Final = 5_000  # cells per part; a distance of up to 0.05 is not significant
MIN_RELATIVE_ACCURACY: Final = 1.25
"""Smallest accuracy of nearest neighbours, as a multiple of the most frequent class's share, to evaluate flips."""


def measure_images(dataset: Dataset, roles: Roles, table: Labelled) -> Sequence[Characteristic]:
    """Characteristics of the images, if they are a feature."""
    images = dataset.images
    if images is None or not roles.has_images:
        return ()
    pixels, classes = _sampled(dataset, roles, table, images)
    how = (
        f"measured on {len(pixels):,} images{f' evenly spread over {table.rows:,}' if len(pixels) < table.rows else ''}"
    )
    values = pixels.astype(np.float32)
    found = [
        count("image_height", images.height, "pixels", "as used by the model"),
        count("image_width", images.width, "pixels", "as used by the model"),
        count("image_channels", images.channels, "channels", "grey" if images.channels == 1 else "colour"),
        Characteristic(name="intensity_mean", value=float(values.mean()), unit="of 255", how=how),
        Characteristic(name="intensity_spread", value=float(values.std()), unit="of 255", how=how),
        Characteristic(
            name="contrast",
            value=float(values.reshape(len(values), -1).std(axis=1).mean()),
            unit="of 255",
            how=f"mean standard deviation within an image, {how}",
        ),
        *_copies(dataset, roles, table, images.name),
    ]
    if images.source is not None:
        found.append(count("image_sizes", len(images.source.sizes), "sizes", "of the files"))
        found.append(count("unreadable_images", len(images.source.left_out), "files", "skipped"))
    if classes is not None:
        found += _mirrored(pixels, classes, how)
    return found


def _sampled(dataset: Dataset, roles: Roles, table: Labelled, images: Images) -> tuple[np.ndarray, np.ndarray | None]:
    """A sample of images, (rows, height, width, channels) uint8, and their classes if there is one target, (rows,)."""
    size = min(SAMPLE_IMAGES, max(MIN_IMAGES, SAMPLE_BYTES // int(np.prod(images.shape))))
    single = roles.task.is_classification and len(roles.targets) == 1
    label = category_text(roles.targets[0], dataset.storage[roles.targets[0]]) if single else "''"
    found = dataset.connection.execute(
        f"SELECT {quoted(images.name)}, {label} FROM dataset WHERE {table.where} AND {one_in(-(-table.rows // size))}"
    ).fetchall()
    pixels = np.frombuffer(b"".join(cell for cell, _ in found), np.uint8).reshape(-1, *images.shape)
    return pixels, np.unique([one for _, one in found], return_inverse=True)[1] if single else None


def _copies(dataset: Dataset, roles: Roles, table: Labelled, name: str) -> Sequence[Characteristic]:
    """Duplicate images, and duplicates with different targets."""
    targets = ", ".join(map(quoted, roles.targets))
    ((copies, contradicting),) = dataset.connection.execute(
        "SELECT coalesce(sum(n) - count(*), 0), coalesce(sum(n) FILTER (kinds > 1), 0) FROM ("
        f"SELECT count(*) AS n, count(DISTINCT hash({targets})) AS kinds FROM dataset WHERE {table.where} "
        f"GROUP BY hash({quoted(name)}))"
    ).fetchall()
    return (
        share("image_copies_share", int(copies), table.rows, "fraction of rows", table, sampled=False),
        count("contradicting_images", int(contradicting), "images", "equal images with different targets"),
    )


def _mirrored(pixels: np.ndarray, classes: np.ndarray, how: str) -> Sequence[Characteristic]:
    """Nearest-neighbour accuracy on mirrored images, relative to the accuracy on unmirrored images.

    Half of the sample is classified by the other half. For digits and letters, mirrored images are misclassified.
    Empty if the nearest neighbours are not accurate enough.
    """
    if len(pixels) < MIN_IMAGES:
        return ()
    known, queried = slice(0, None, 2), slice(1, None, 2)
    coarse = coarsened(pixels)
    flat = coarse.reshape(len(coarse), -1)
    mirrored = coarse[queried, :, ::-1].reshape(len(coarse[queried]), -1)
    plain, mirror = (
        float((nearest(flat[known], classes[known], some) == classes[queried]).mean())
        for some in (flat[queried], mirrored)
    )
    found = [Characteristic(name="neighbour_accuracy", value=plain, unit="fraction of images", how=how)]
    chance = float(np.bincount(classes).max() / len(classes))
    if plain >= min(1.0, MIN_RELATIVE_ACCURACY * chance):
        kept = min(1.0, mirror / plain)
        error = 1.96 * np.sqrt(mirror * (1 - mirror) / len(mirrored)) / plain
        found.append(
            Characteristic(
                name="mirror_agreement",
                value=kept,
                unit="fraction of accuracy",
                low=max(0.0, kept - error),
                high=min(1.0, kept + error),
                sample=len(pixels),
                how=f"nearest neighbours of {len(mirrored):,} mirrored and unmirrored images",
            )
        )
    return found


def coarsened(images: np.ndarray, side: int = COARSE_SIDE) -> np.ndarray:
    """Images averaged over squares to a shorter side of about `side` pixels, (rows, h, w, channels) float32."""
    square = max(1, min(images.shape[1:3]) // side)
    height, width = (length // square for length in images.shape[1:3])
    cut = images[:, : height * square, : width * square].astype(np.float32)
    return np.asarray(cut.reshape(len(cut), height, square, width, square, -1).mean(axis=(2, 4)))


def nearest(known: np.ndarray, classes: np.ndarray, asked: np.ndarray) -> np.ndarray:
    """Class of the nearest known image by Euclidean distance, (asked,).

    >>> nearest(np.array([[0.0], [3.0]]), np.array([7, 8]), np.array([[1.0], [2.0]])).tolist()
    [7, 8]
    """
    distance = (known**2).sum(axis=1)[None] - 2 * asked @ known.T
    return np.asarray(classes[distance.argmin(axis=1)])


def picture_drift(
    connection: duckdb.DuckDBPyConnection, images: Images, *, training: str, hold_out: str
) -> Sequence[Drift]:
    """Drift of brightness and contrast of images between two parts, as by `cell_drift`."""

    def measured(cell: bytes) -> tuple[float, ...]:
        pixels = np.frombuffer(cell, np.uint8)
        return float(pixels.mean()), float(pixels.std())

    measures = ("brightness", "contrast")
    return cell_drift(connection, images.name, measures, measured, training=training, hold_out=hold_out)


def cell_drift(
    connection: duckdb.DuckDBPyConnection,
    column: str,
    measures: Sequence[str],
    measured: Callable[[Any], tuple[float, ...]],
    *,
    training: str,
    hold_out: str,
) -> Sequence[Drift]:
    """Drift of measures of a column's cells between two parts, the most significant first.

    measures: names of the measures. measured: computes their values for one cell. training, hold_out: SQL tables, of
    which at most COMPARED_CELLS cells are compared, evenly spread.
    """
    names = [f"{one} of {column}" for one in measures]
    parts = {"training_cells": training, "hold_out_cells": hold_out}
    for table, part in parts.items():
        ((rows,),) = connection.execute(f"SELECT count(*) FROM {part}").fetchall()
        cells = connection.execute(
            f"SELECT cell FROM (SELECT {quoted(column)} AS cell, row_number() OVER () AS rowid FROM {part}) "
            f"WHERE {one_in(-(-rows // COMPARED_CELLS))}"
        ).fetchall()
        values = np.array([measured(cell) for (cell,) in cells], np.float64).reshape(-1, len(names))
        connection.register("measured", pa.table(dict(zip(names, values.T, strict=True))))
        connection.execute(f"CREATE OR REPLACE TEMP TABLE {table} AS FROM measured")
        connection.unregister("measured")
    kinds, storage = dict.fromkeys(names, Kind.NUMERIC), dict.fromkeys(names, "DOUBLE")
    training, hold_out = parts
    return drift(connection, kinds, storage, training=training, hold_out=hold_out)
