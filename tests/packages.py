"""A package with a metric and a loss of its own, as docs/reference/choices.md describes it."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pytest

PAGE: Final = (Path(__file__).parents[1] / "docs" / "reference" / "choices.md").read_text(encoding="utf-8")
METRIC: Final = re.search(r"```py\n(.*?)```", PAGE, re.DOTALL)[1]
ENTRY_POINTS: Final = re.search(r"```toml\n(.*?)```", PAGE, re.DOTALL)[1]


def write_package(
    folder: Path,
    monkeypatch: pytest.MonkeyPatch,
    *,
    module: str = METRIC,
    name: str = "my-package",
    names: Sequence[str] = (),
    more: str = "",
) -> Path:
    """Install a package of one module into a folder, and return it.

    names: of further metrics, all of them my_brier. more: further entry points.
    """
    points = re.sub(r'\[project.entry-points."(.*?)"\]', r"[\1]", ENTRY_POINTS).replace('"', "")
    for own in names:
        points = points.replace("[pcwat.metrics]\n", f"[pcwat.metrics]\n{own} = my_package:my_brier\n")
    points += more
    metadata = folder / f"{name.replace('-', '_')}-1.2.dist-info"
    metadata.mkdir(parents=True)
    (metadata / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.2\n", encoding="utf-8")
    (metadata / "entry_points.txt").write_text(points, encoding="utf-8")
    (folder / "my_package.py").write_text(module, encoding="utf-8")
    monkeypatch.delitem(sys.modules, "my_package", raising=False)
    monkeypatch.syspath_prepend(folder)
    return folder
