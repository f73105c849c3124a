"""Limits of a server, and options of a request."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Limits:
    """Limits of a server; a request beyond them gets an error and is not computed."""

    body_bytes: int = 10_000_000
    """Bytes of a body; status 413 beyond."""
    rows: int = 10_000
    """Rows of a request; status 422 beyond."""
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
    as_text: bool = False
    """Whether labels are written as text, as in CSV."""
