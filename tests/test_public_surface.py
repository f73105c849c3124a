"""Exported names and tables of contents."""

from __future__ import annotations

import inspect
import re
from pathlib import Path
from typing import Final

import pytest

import executor
import recommender
import rules

ROOT: Final = Path(__file__).parents[1]
PACKAGES: Final = (rules, recommender, executor)
EXPORTED: Final = [(package, name) for package in PACKAGES for name in package.__all__]
IDS: Final = [f"{package.__name__}.{name}" for package, name in EXPORTED]
ENTRY: Final = re.compile(r"^- `([\w.]+)`: \S", re.MULTILINE)
UNLISTED: Final = {"__init__", "__pycache__", "py.typed", "README.md"}
FOLDERS: Final = sorted(
    str(path.parent.relative_to(ROOT))
    for package in PACKAGES
    for path in Path(package.__path__[0]).rglob("__init__.py")
)


@pytest.mark.parametrize(("package", "name"), EXPORTED, ids=IDS)
def test_an_exported_name_has_a_docstring_with_an_example(package: object, name: str) -> None:
    exported = getattr(package, name)
    text = exported.__doc__
    assert text.splitlines()[0].endswith(".")
    if not (isinstance(exported, type) and issubclass(exported, Exception)):
        assert "Examples:\n" in text
        assert ">>> " in text
    if inspect.isfunction(exported):
        arguments = text.split("Args:\n")[1].split("\n\n")[0]
        documented = set(re.findall(r"^ {8}[*]*(\w+):", arguments, re.MULTILINE))
        assert documented == set(inspect.signature(exported).parameters)
        assert "Returns:\n" in text


@pytest.mark.parametrize("name", ["rules", "recommender", "executor"])
def test_a_name_that_is_not_exported_is_named_in_the_error(name: str) -> None:
    package = next(package for package in PACKAGES if package.__name__ == name)
    with pytest.raises(AttributeError, match=f"module '{name}' has no attribute 'missing'"):
        _ = package.missing


def test_the_reference_lists_exactly_the_exported_names() -> None:
    page = (ROOT / "docs" / "reference" / "python.md").read_text(encoding="utf-8")
    assert sorted(re.findall(r"^::: ([\w.]+)$", page, re.MULTILINE)) == sorted({*IDS} - {"recommender.Request"})


@pytest.mark.parametrize("folder", FOLDERS)
def test_the_docstring_of_a_folder_lists_its_modules_and_folders(folder: str) -> None:
    module = (ROOT / folder / "__init__.py").read_text(encoding="utf-8")
    entries = {path.name.removesuffix(".py") for path in (ROOT / folder).iterdir() if not path.name.startswith(".")}
    assert set(ENTRY.findall(module)) == entries - UNLISTED


CODE: Final = ("rules", "recommender", "executor", "benchmarks", "docs", "tests")
DATA: Final = ROOT / "tests" / "old_runs"  # runs as they were written


@pytest.mark.parametrize("top", CODE)
def test_a_folder_has_at_most_thirteen_entries(top: str) -> None:
    counts: dict[Path, int] = {}
    for folder in (ROOT / top, *(path for path in (ROOT / top).rglob("*") if path.is_dir())):
        if DATA not in folder.parents and folder.name != "__pycache__":
            counts[folder] = sum(not path.name.startswith((".", "__")) for path in folder.iterdir())
    assert {str(folder): count for folder, count in counts.items() if count > 13} == {}
