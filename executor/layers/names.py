"""Names that layers of models share."""

from __future__ import annotations

from typing import Final

PREFIX: Final = "pcwat."  # of our layers' names in a model, so that no column can be called the same
