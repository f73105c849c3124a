"""Misclassified images as thumbnails in the page."""

from __future__ import annotations

import base64
import io
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np
from PIL import Image

from recommender.dataset.sql import quoted
from rules.vocabulary.facts import Task

if TYPE_CHECKING:
    from executor.runs.report.hold_out_predictions import HoldOutPredictions
    from recommender.dataset.dataset import Dataset

MAX_IMAGES: Final = 24  # images
MAX_SIDE: Final = 96  # pixels per side of a thumbnail; 24 colour thumbnails take at most about 400 kB
MIN_SIDE: Final = 48  # pixels per side; smaller images are enlarged by an integer factor


@dataclass(frozen=True, kw_only=True)
class Mistake:
    """A misclassified image; address: data: URI of a PNG."""

    address: str
    truth: str
    predicted: str
    probability: float
    where: str
    """Its file, or its row from 1."""


def mistakes(hold_out: HoldOutPredictions, dataset: Dataset) -> list[Mistake]:
    """Misclassified images of the hold-out, sorted by predicted probability, the highest first."""
    predictions = hold_out.predictions
    if dataset.images is None or predictions.task not in {Task.BINARY, Task.MULTICLASS}:
        return []
    shares = (
        np.hstack([1 - predictions.outcome, predictions.outcome])
        if predictions.task is Task.BINARY
        else predictions.outcome
    )
    certainty = shares[np.arange(len(shares)), predictions.decided]
    wrong = np.flatnonzero(predictions.truth != predictions.decided)
    wrong = wrong[np.argsort(-certainty[wrong], kind="stable")][:MAX_IMAGES]
    found = []
    for at in wrong:
        row = int(hold_out.rows[at])
        cells = dataset.connection.execute(f"SELECT {quoted(dataset.images.name)} FROM dataset WHERE rowid = ?", [row])  # noqa: S608  quoted
        (pixels,) = cells.fetchall()[0]
        found.append(
            Mistake(
                address=image_address(np.frombuffer(pixels, np.uint8).reshape(dataset.images.shape)),
                truth=hold_out.names[predictions.truth[at]],
                predicted=hold_out.names[predictions.decided[at]],
                probability=float(certainty[at]),
                where=hold_out.file[at] if hold_out.file is not None else f"row {row + 1:,}",
            )
        )
    return found


def image_address(pixels: np.ndarray) -> str:
    """Thumbnail of an image (height, width, channels) uint8 as a data: URI of a PNG."""
    image = Image.fromarray(pixels[..., 0] if pixels.shape[2] == 1 else pixels[..., :3])
    image.thumbnail((MAX_SIDE, MAX_SIDE))
    if (times := MIN_SIDE // max(image.size)) > 1:
        image = image.resize((image.width * times, image.height * times), Image.Resampling.NEAREST)
    file = io.BytesIO()
    image.save(file, "PNG", optimize=True)
    return f"data:image/png;base64,{base64.b64encode(file.getvalue()).decode()}"
