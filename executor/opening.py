"""Opening rows that are to be predicted, as the model wants to see them; needs no TensorFlow."""

from __future__ import annotations

from typing import TYPE_CHECKING

from recommender.dataset import Dataset
from rules.record import ImageReading

if TYPE_CHECKING:
    from executor.signature import Signature
    from rules.record import Unreadable


def open_rows(
    signature: Signature, data: object, *, delimiter: str | None = None, unreadable: Unreadable = "refuse"
) -> Dataset:
    """Rows to be predicted; image files are brought to the shape of those in training."""
    if isinstance(data, Dataset):
        return data
    image, reading = signature.image, None
    if image is not None:
        height, width, channels = image.shape
        reading = ImageReading(
            size=(height, width), channels=1 if channels == 1 else 3, fit=image.fit, unreadable=unreadable
        )
    return Dataset.open(data, delimiter=delimiter, reading=reading)
