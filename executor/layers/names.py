"""Prefix of layer names in a model."""

from __future__ import annotations

from typing import Final

PREFIX: Final = "pcwat."  # of our layers' names, so that no column has the same name
