"""What a person said about a dataset, as a record keeps it, so that it can be asked again."""

from __future__ import annotations

from typing import Final, Literal

from pydantic import BaseModel, ConfigDict

_CLOSED: Final = ConfigDict(frozen=True, extra="forbid")
ImageFit = Literal["stretch", "crop", "pad"]
Unreadable = Literal["refuse", "leave_out"]


class ImageReading(BaseModel):
    """How image files are read.

    Attributes:
        size: Height and width in pixels to which all images are resized. None chooses a size from the images.
            Default None.
        fit: How an image with another aspect ratio is resized: "stretch", "crop" or "pad". Default "stretch".
        unreadable: Files that are missing or damaged: "refuse" raises an error, "leave_out" skips them.
            Default "refuse".
        channels: 1 for grey, 3 for colour. None uses colour if an image has colours. Default None.
        value_range: Values that become 0 and 255 in images of more than 8 bits. None measures the range over all
            images. Default None.

    Examples:
        >>> ImageReading(size=(32, 32), fit="crop").size
        (32, 32)
    """

    model_config = _CLOSED

    size: tuple[int, int] | None = None
    fit: ImageFit = "stretch"
    unreadable: Unreadable = "refuse"
    channels: Literal[1, 3] | None = None
    value_range: tuple[float, float] | None = None


class SequenceReading(BaseModel):
    """How the rows of a long table are grouped into sequences.

    Attributes:
        by: Column that identifies a sequence: rows with the same value are the steps of one sequence.
        order: Column that orders the steps. None uses the order of the file. Default None.
        channels: Columns with the numbers of a step. Empty uses the columns that change within a sequence. Default ().

    Examples:
        >>> SequenceReading(by="patient", order="hour").by
        'patient'
    """

    model_config = _CLOSED

    by: str
    order: str | None = None
    channels: tuple[str, ...] = ()


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
