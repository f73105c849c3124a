from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from executor.quiet import quiet_tensorflow

if TYPE_CHECKING:
    from pathlib import Path

    from executor.run import Run

quiet_tensorflow()

from executor import train  # noqa: E402  after TensorFlow was silenced
from recommender.examples import example  # noqa: E402


@pytest.fixture(scope="session")
def cancer_run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """A finished run of three trials on a shipped example; tests must not change it."""
    folder: Path = tmp_path_factory.mktemp("runs") / "cancer"
    return train(example("breast_cancer"), target="diagnosis", trials=3, directory=folder)
