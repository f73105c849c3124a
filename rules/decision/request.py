"""What a person said about a dataset, as a record keeps it, so that it can be asked again."""

from __future__ import annotations

from typing import Final, Literal

from pydantic import BaseModel, ConfigDict

_CLOSED: Final = ConfigDict(frozen=True, extra="forbid")
ImageFit = Literal["stretch", "crop", "pad"]
Unreadable = Literal["refuse", "leave_out"]


class ImageReading(BaseModel):
    """How image files are to be read."""

    model_config = _CLOSED

    size: tuple[int, int] | None = None
    """Height and width in pixels to which all are brought; None for a size by the images themselves."""
    fit: ImageFit = "stretch"
    """How an image of another shape is brought to that size."""
    unreadable: Unreadable = "refuse"
    """What is done about files that are missing or damaged."""
    channels: Literal[1, 3] | None = None
    """1 for grey, 3 for colour; None for colour where an image has some."""
    value_range: tuple[float, float] | None = None
    """The values that become 0 and 255 in images of more than 8 bits; None for a range measured over all of them."""


class SequenceReading(BaseModel):
    """How the rows of a long table are gathered into sequences."""

    model_config = _CLOSED

    by: str
    """The column that names each sequence: rows that share its value are the steps of one."""
    order: str | None = None
    """The column that orders its steps; None for the order of the file."""
    channels: tuple[str, ...] = ()
    """The columns that are a step's numbers; empty for those that change within a sequence."""


class Asked(BaseModel):
    """What a person said: all that it takes to ask again."""

    model_config = _CLOSED

    targets: tuple[str, ...]
    task: str | None
    kinds: dict[str, str]
    time_column: str | None
    entity_column: str | None
    split_column: str | None
    delimiter: str | None
    budget: float | None
    """Seconds."""
    trials: int | None
    images: ImageReading | None = None
    """None where nothing was said about them."""
    sequences: SequenceReading | None = None
    """How rows are gathered into sequences; None where they are not."""
    horizon: int | None = None
    """Steps ahead of a forecast."""
    season: int | None = None
    known: tuple[str, ...] = ()
    """Columns known in advance."""
    missing: tuple[str, ...] | None = None
    """Texts that count as missing, besides the empty one; None for the usual ones of the format."""
    date_formats: dict[str, str] = {}
    """The formats in which columns of dates or times are written, by column."""
