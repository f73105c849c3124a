from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, settings

from tests.effort import EFFORT

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


os.environ["PCWAT_CACHE"] = os.devnull  # no outcome depends on the measured speed of the machine

settings.register_profile(
    "pcwat",
    max_examples=40 * EFFORT,
    deadline=None,  # no test is timed
    suppress_health_check=[HealthCheck.too_slow],
)
settings.load_profile("pcwat")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--update-golden", action="store_true", help="Rewrite the golden files instead of comparing.")


@pytest.fixture
def golden(request: pytest.FixtureRequest) -> Callable[[Path, str], None]:
    """Compare a text with a golden file, or write the file where that was asked for."""

    def compare(path: Path, text: str) -> None:
        if request.config.getoption("--update-golden"):
            path.write_text(text, encoding="utf-8")
        kept = path.read_text(encoding="utf-8") if path.exists() else ""
        assert text == kept, f"{path} is out of date; '.venv/bin/pytest {request.path} --update-golden' rewrites it."

    return compare
