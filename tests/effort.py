"""Effort of tests: PCWAT_EFFORT=10 tries ten times as many random cases, and runs tests that take long."""

from __future__ import annotations

import os
from typing import Final

import pytest

EFFORT: Final = int(os.environ.get("PCWAT_EFFORT", "1"))

long_test = pytest.mark.skipif(
    EFFORT == 1, reason="takes long, and shorter tests cover its parts; PCWAT_EFFORT=2 runs it"
)
