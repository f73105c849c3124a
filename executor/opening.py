"""Opening rows that are to be predicted, as the model wants to see them; needs no TensorFlow."""

from __future__ import annotations

from typing import TYPE_CHECKING

from recommender.dataset.dataset import Dataset
from rules.decision.request import ImageReading

if TYPE_CHECKING:
    from collections.abc import Sequence

    from executor.model.signature import Signature
    from rules.decision.request import Unreadable


def open_rows(
    signature: Signature,
    data: object,
    *,
    delimiter: str | None = None,
    unreadable: Unreadable = "refuse",
    keys: Sequence[str] = (),
) -> Dataset:
    """Rows to be predicted; image files are brought to the shape of training, a long table gathered as it was.

    keys: columns of which the values are kept as they are.
    """
    if isinstance(data, Dataset):
        return data
    image = signature.image
    readings = {column.name: column.reading for column in signature.columns if column.reading is not None}
    if image is None:
        return Dataset.open(data, delimiter=delimiter, reading=signature.sequences, readings=readings, kept=keys)
    height, width, channels = image.shape
    reading = ImageReading(
        size=(height, width),
        channels=1 if channels == 1 else 3,
        fit=image.fit,
        unreadable=unreadable,
        value_range=image.value_range,
    )
    return Dataset.open(data, delimiter=delimiter, reading=reading, readings=readings, kept=keys)
