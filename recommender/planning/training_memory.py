"""Memory of a training on a table: whether its rows fit, or are streamed from disk."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from pydantic import BaseModel, ConfigDict

from recommender.dataset.memory import memory_limit, training_limit
from recommender.training_cost import MAX_BIN_CELLS, MAX_BINNED_COLUMNS, MAX_ONE_HOT
from rules.text.numbers import size_text
from rules.vocabulary.choices import Standard
from rules.vocabulary.column_kind import Kind
from rules.vocabulary.facts import Task

if TYPE_CHECKING:
    from recommender.profile.profile import Profile
    from recommender.roles.roles import Roles
    from rules.vocabulary.choices import Choice

NUMBER_BYTES: Final = 8  # of a raw value, and of the index of a category
INPUT_BYTES: Final = 4  # of an encoded value
INPUT_COPIES: Final = 4  # float32 copies of the encoded rows in memory
SAMPLE_COPIES: Final = 8  # float64 copies of a row on which encoders and baselines are fitted, raw and encoded
SAMPLE_SHARE: Final = 1 / 4
"""Of the limit, for rows on which encoders and baselines are fitted: as many of training as of validation."""
WINDOW_SHARE: Final = 1 / 4  # for windows of training rows
OUTPUT_SHARE: Final = 1 / 4  # for the outputs of networks that are validated at once
WINDOWS: Final = 6  # windows in memory: one that trains, one that waits, one that is read, and their copies
ROW_BYTES: Final = 160
"""Of each row in memory where its features are not: target, weight, split and outputs, and their copies."""
MIN_SAMPLE: Final = 1_000  # rows
CALENDAR_WIDTH: Final = 7  # encoded values of a time: itself and up to three waves
STREAMED_KINDS: Final = frozenset(Kind) - {Kind.TEXT, Kind.IMAGE, Kind.SEQUENCE}


class Streaming(BaseModel):
    """A training on rows that do not fit into memory, and are streamed from disk."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    needed: int
    """Bytes of the rows in memory, raw and encoded."""
    limit: int
    """Bytes that are allowed for them."""
    sample: int
    """Training rows, and as many validation rows, on which encoders and baselines are fitted, at most."""

    @property
    def window(self) -> int:
        """Bytes of a window of training rows."""
        return max(1, int(WINDOW_SHARE * self.limit / WINDOWS))

    @property
    def outputs(self) -> int:
        """Bytes of outputs for the validation rows, of all networks that are validated or compared at once."""
        return int(OUTPUT_SHARE * self.limit)

    def peak(self, rows: int) -> float:
        """Bytes of DuckDB and of the rows in memory at most. rows: of the dataset."""
        shares = SAMPLE_SHARE + WINDOW_SHARE + OUTPUT_SHARE
        return memory_limit() + shares * self.limit + ROW_BYTES * rows

    @property
    def sentence(self) -> str:
        """The choice, in one line."""
        return (
            f"Rows are streamed from disk: in memory they need about {size_text(self.needed)}, more than the limit of "
            f"{size_text(self.limit)}. Encoders and baselines are fitted on at most {self.sample:,} training rows."
        )


def plan_streaming(roles: Roles, profile: Profile, architecture: Choice, *, rows: int) -> Streaming | None:
    """Decide by their size whether the rows of a table are streamed; None where they are in memory.

    Texts, images, sequences and forecasts are not streamed. rows: of the dataset.
    """
    kinds = {roles.columns[name].kind for name in roles.features}
    if roles.task is Task.FORECASTING or not kinds <= STREAMED_KINDS:
        return None
    limit, columns = training_limit(), len(roles.features)
    width = encoded_width(roles, profile, architecture, rows=rows)
    needed = rows * (NUMBER_BYTES * columns + INPUT_COPIES * INPUT_BYTES * width)
    if needed <= limit:
        return None
    of_row = SAMPLE_COPIES * NUMBER_BYTES * (columns + width) / 2
    return Streaming(needed=needed, limit=limit, sample=max(MIN_SAMPLE, int(SAMPLE_SHARE * limit / 2 / of_row)))


def encoded_width(roles: Roles, profile: Profile, architecture: Choice, *, rows: int) -> int:
    """Encoded values of a row, by the kinds of columns and their numbers of categories."""
    distinct = {column.column: column.distinct for column in profile.columns}
    numbers = sum(roles.columns[name].kind is Kind.NUMERIC for name in roles.features)
    bins = 0
    if isinstance(architecture, Standard) and numbers <= MAX_BINNED_COLUMNS:
        bins = min(architecture.bins, MAX_BIN_CELLS // max(1, rows * numbers))
    width = 0
    for name in roles.features:
        match roles.columns[name].kind:
            case Kind.NUMERIC:
                width += 1 + bins
            case Kind.DATETIME:
                width += CALENDAR_WIDTH
            case Kind.ORDINAL | Kind.BOOLEAN:
                width += 1
            case _:
                width += min(distinct[name], MAX_ONE_HOT)
    return width
