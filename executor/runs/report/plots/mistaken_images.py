"""Images that the model took for another class, as small pictures in the page."""

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
    from executor.runs.report.hold_out_answers import HoldOutPredictions
    from recommender.dataset.dataset import Dataset

MAX_IMAGES: Final = 24  # pictures: more would hardly be looked at
MAX_SIDE: Final = 96  # pixels a side of a picture: 24 of them in colour take some 400 kB at most
MIN_SIDE: Final = 48  # to which tiny images are enlarged, by whole pixels


@dataclass(frozen=True, kw_only=True)
class Mistake:
    """An image with what it is and what the model said; address: a data: URI of a PNG."""

    address: str
    truth: str
    said: str
    probability: float
    where: str
    """Its file, or its row from 1."""


def mistakes(answers: HoldOutPredictions, dataset: Dataset) -> list[Mistake]:
    """The images of the hold-out on which the model erred, those of which it was most certain first."""
    said = answers.said
    if dataset.images is None or said.task not in {Task.BINARY, Task.MULTICLASS}:
        return []
    shares = np.hstack([1 - said.outcome, said.outcome]) if said.task is Task.BINARY else said.outcome
    certainty = shares[np.arange(len(shares)), said.decided]
    wrong = np.flatnonzero(said.truth != said.decided)
    wrong = wrong[np.argsort(-certainty[wrong], kind="stable")][:MAX_IMAGES]
    found = []
    for at in wrong:
        row = int(answers.rows[at])
        cells = dataset.connection.execute(f"SELECT {quoted(dataset.images.name)} FROM dataset WHERE rowid = ?", [row])  # noqa: S608  quoted
        (pixels,) = cells.fetchall()[0]
        found.append(
            Mistake(
                address=_address(np.frombuffer(pixels, np.uint8).reshape(dataset.images.shape)),
                truth=answers.names[said.truth[at]],
                said=answers.names[said.decided[at]],
                probability=float(certainty[at]),
                where=answers.file[at] if answers.file is not None else f"row {row + 1:,}",
            )
        )
    return found


def _address(pixels: np.ndarray) -> str:
    """A small PNG of an image (height, width, channels) uint8 as a data: URI."""
    image = Image.fromarray(pixels[..., 0] if pixels.shape[2] == 1 else pixels[..., :3])
    image.thumbnail((MAX_SIDE, MAX_SIDE))
    if (times := MIN_SIDE // max(image.size)) > 1:
        image = image.resize((image.width * times, image.height * times), Image.Resampling.NEAREST)
    file = io.BytesIO()
    image.save(file, "PNG", optimize=True)
    return f"data:image/png;base64,{base64.b64encode(file.getvalue()).decode()}"
