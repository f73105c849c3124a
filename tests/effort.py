"""Effort of tests on random cases: PCWAT_EFFORT=10 tries ten times as many."""

from __future__ import annotations

import os
from typing import Final

EFFORT: Final = int(os.environ.get("PCWAT_EFFORT", "1"))
