"""Limits of a server, types of bodies, and options of a request."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

JSON: Final = "application/json"
CSV: Final = "text/csv"
FORM: Final = "multipart/form-data"
NPZ: Final = "application/octet-stream"  # there is no registered type for .npz


@dataclass(frozen=True, kw_only=True)
class Limits:
    """Limits of a server; a request beyond them gets an error and is not computed."""

    body_bytes: int = 10_000_000
    """Bytes of a body; status 413 beyond."""
    rows: int = 10_000
    """Rows of a request; status 422 beyond."""
    values: int = 50_000_000
    """Pixels of the images of a request, numbers of its sequences as they are in memory, and bytes of an .npz when it
    is unpacked; status 422 beyond."""
    seconds: float = 30.0
    """Seconds from the last byte of a request to its response, and between the first and last byte of its body;
    status 504 beyond."""
    waiting: int = 1_000
    """Requests that wait or are computed at the same time; status 503 beyond."""


@dataclass(frozen=True, kw_only=True)
class Options:
    """Options of a request, as those of `recommend predict`."""

    keys: tuple[str, ...] = ()
    quantiles: bool = False
    coverage: float | None = None
    """Coverage of prediction sets; None for no sets."""
    by_class: bool = False
    """Whether the sets cover each class."""
    as_text: bool = False
    """Whether labels are written as text, as in CSV."""

    @property
    def are_for_plain_rows(self) -> bool:
        """Whether rows that are read without DuckDB can have these options."""
        return not (self.keys or self.quantiles or self.as_text)
